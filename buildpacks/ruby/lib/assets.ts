/** assets:precompile, where the app has such a task. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { failing } from "../../lib/causes.ts";
import { capture, run } from "../../lib/command.ts";
import { step, warn } from "../../lib/output.ts";
import type { Build } from "./build.ts";
import { CAUSES } from "./causes.ts";
import { hasGem } from "./gemfile-lock.ts";

/** @throws BuildFailure with the cause where it is known. */
export async function precompileAssets({ buildDir, lock, env }: Build): Promise<void> {
  if (!["Rakefile", "rakefile", "Rakefile.rb"].some((name) => existsSync(join(buildDir, name))) || !hasGem(lock, "rake")) return;
  // Rails wants a secret to start with; none is kept in what is precompiled.
  const own = { ...env, SECRET_KEY_BASE_DUMMY: "1", SECRET_KEY_BASE: env["SECRET_KEY_BASE"] ?? "dummy" };
  const { code, stdout, stderr } = await capture("bundle", ["exec", "rake", "-P"], { cwd: buildDir, env: own });
  // A Rails app whose tasks do not load does not start either; elsewhere a Rakefile may be for development alone.
  if (code !== 0 && hasGem(lock, "railties")) failing("bundle exec rake -P", { code, output: stderr }, CAUSES);
  if (code !== 0) return warn("The rake tasks of this app cannot be listed, so no assets are precompiled:", ...stderr.trim().split("\n").slice(0, 5));
  if (!/^rake assets:precompile$/m.test(stdout)) return;
  step("Preparing app for Rails asset pipeline");
  failing("rake assets:precompile", await run("bundle", ["exec", "rake", "assets:precompile"], { cwd: buildDir, env: own }), CAUSES);
}
