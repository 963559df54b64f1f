/** Heroku's process types of a Ruby app without a Procfile. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Build } from "./build.ts";
import { hasGem } from "./gemfile-lock.ts";

export function processTypes({ buildDir, lock }: Build): Record<string, string> {
  const rake = hasGem(lock, "rake") ? { rake: "bundle exec rake" } : {};
  const worker = hasGem(lock, "delayed_job") ? { worker: "bundle exec rake jobs:work" } : {};
  if (hasGem(lock, "railties")) return { ...rake, ...worker, console: "bin/rails console", web: "bin/rails server -b 0.0.0.0 -p ${PORT:-5000} -e $RAILS_ENV" };
  if (!existsSync(join(buildDir, "config.ru"))) return { ...rake, console: "bundle exec irb" };
  const web = hasGem(lock, "puma") ? "bundle exec puma -b tcp://0.0.0.0:${PORT:-5000} config.ru" : "bundle exec rackup config.ru -o 0.0.0.0 -p ${PORT:-5000}";
  return { ...rake, console: "bundle exec irb", web };
}
