/** bin/compile and bin/test-compile of the Ruby buildpack, from top to bottom. */

import { join } from "node:path";
import { openCache } from "../../lib/build-cache.ts";
import { mustRun } from "../../lib/command.ts";
import { withConfigVars } from "../../lib/config-vars.ts";
import { declareDependencies } from "../../lib/dependency-folder.ts";
import { refuseUnmerged } from "../../lib/lock-file.ts";
import { BuildFailure, step, tellFailures } from "../../lib/output.ts";
import { readOwnFile } from "../../lib/own-file.ts";
import { noteProcessTypes } from "../../lib/process-types.ts";
import { precompileAssets } from "./assets.ts";
import { LEFT_OUT, type Build } from "./build.ts";
import { installGems } from "./bundle.ts";
import { processTypes } from "./process-types.ts";
import { writeProfile } from "./profile.ts";

const [buildDir = "", cacheRoot = "", envDir = "", purpose] = process.argv.slice(2);

await tellFailures(async () => {
  const build = await prepare();
  step(`Using Ruby version: ruby-${build.rubyVersion}`);
  const gems = await installGems(build);
  if (build.mode === "production") await precompileAssets(build);
  await declareDependencies(build, gems);
  writeProfile(build);
  noteProcessTypes(buildDir, processTypes(build));
});

async function prepare(): Promise<Build> {
  const lock = lockFile();
  const mode = purpose === "test" ? "test" : "production";
  const stack = process.env["STACK"] ?? "";
  const rubyVersion = (await mustRun("ruby", ["-e", "print RUBY_VERSION"])).trim();
  const bundlerVersion = (await mustRun("ruby", ["-rbundler", "-e", "print Bundler::VERSION"])).trim();
  const env: NodeJS.ProcessEnv = {
    RACK_ENV: mode, RAILS_ENV: mode, BUNDLE_WITHOUT: LEFT_OUT[mode],
    ...withConfigVars(envDir, process.env),
    BUNDLE_PATH: "vendor/bundle", BUNDLE_DEPLOYMENT: "1", BUNDLER_VERSION: bundlerVersion,
  };
  return { buildDir, cacheDir: openCache(join(cacheRoot, "ruby"), stack), stack, mode, env, rubyVersion, bundlerVersion, lock };
}

function lockFile(): string {
  if (readOwnFile(buildDir, "Gemfile") === undefined) throw new BuildFailure("There is config.ru, but no Gemfile to say which gems it needs.", "Run `bundle init`, add rack and puma to the Gemfile, run `bundle lock`, commit both files and push again.");
  const lock = readOwnFile(buildDir, "Gemfile.lock");
  if (lock === undefined) throw new BuildFailure("Gemfile.lock required. Please check it in.", "Run `bundle lock`, commit Gemfile.lock and push again.");
  refuseUnmerged("Gemfile.lock", lock, "bundle lock");
  return lock;
}
