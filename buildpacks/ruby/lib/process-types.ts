/** Heroku's process types of a Ruby app without a Procfile. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Build } from "./build.ts";
import { hasGem } from "./gemfile-lock.ts";

export function processTypes({ buildDir, lock }: Build): Record<string, string> {
  return {
    ...(hasGem(lock, "rake") ? { rake: "bundle exec rake" } : {}),
    ...(hasGem(lock, "delayed_job") ? { worker: "bundle exec rake jobs:work" } : {}),
    ...consoleAndWeb(buildDir, lock),
  };
}

function consoleAndWeb(buildDir: string, lock: string): Record<string, string> {
  if (hasGem(lock, "railties")) return { console: "bin/rails console", web: "bin/rails server -b 0.0.0.0 -p ${PORT:-5000} -e $RAILS_ENV" };
  const console = "bundle exec irb";
  if (!existsSync(join(buildDir, "config.ru"))) return { console };
  return { console, web: hasGem(lock, "puma") ? "bundle exec puma -b tcp://0.0.0.0:${PORT:-5000} config.ru" : "bundle exec rackup config.ru -o 0.0.0.0 -p ${PORT:-5000}" };
}
