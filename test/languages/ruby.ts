import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { LanguageApp } from "./app.ts";
import { debianGems } from "./debian-gems.ts";

const PAGE = "app/views/pages/show.html.erb";
const TEMPLATE = readFileSync(join(import.meta.dirname, "apps/rails", PAGE), "utf8");

/** Both bring their gems in vendor/cache and have no Procfile: rackup serves one, `bin/rails server` with Puma the other. */
export const ruby: LanguageApp[] = [
  {
    name: "sinatra", source: "sinatra", detected: "Running: bundle install --jobs 4 --retry 2 --local", tested: /1 example, 0 failures/,
    added: () => debianGems('source "https://gems.example"\ngem "sinatra"\ngem "webrick"\ngem "rspec", group: :test\n', ["ruby-sinatra", "ruby-webrick", "ruby-rspec"]),
    answers: [/^sinatra says one on rack 2\./, /^sinatra says two on rack 2\./], change: { text: "two\n" },
  },
  {
    name: "rails", source: "rails", detected: "Preparing app for Rails asset pipeline", tested: /1 runs, \d+ assertions, 0 failures/,
    added: () => debianGems('source "https://gems.example"\ngem "railties"\ngem "sprockets-rails"\ngem "puma"\n', ["ruby-railties", "ruby-sprockets-rails", "puma"]),
    answers: [/\/assets\/application-[0-9a-f]{64}\.css[^]*rails says one/, /\/assets\/application-[0-9a-f]{64}\.css[^]*rails says two/], change: { [PAGE]: TEMPLATE.replace("one", "two") },
  },
];
