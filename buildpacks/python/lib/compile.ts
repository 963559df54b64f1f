/** bin/compile and bin/test-compile of the Python buildpack, from top to bottom. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { openCache } from "../../lib/build-cache.ts";
import { failing } from "../../lib/causes.ts";
import { mustRun, run } from "../../lib/command.ts";
import { withConfigVars } from "../../lib/config-vars.ts";
import { declareDependencies } from "../../lib/dependency-folder.ts";
import { hasBelow } from "../../lib/folders-below.ts";
import { BuildFailure, step, tellFailures } from "../../lib/output.ts";
import { HOME, type Build } from "./build.ts";
import { CAUSES } from "./causes.ts";
import { collectStatic } from "./django.ts";
import { toolEnvironment } from "./environment.ts";
import { installDependencies } from "./install.ts";
import { choosePackageManager } from "./package-manager.ts";
import { writeExport, writeProfile } from "./profile.ts";
import { checkVersion } from "./python-version.ts";
import { noteWebProcess } from "./web-process.ts";

const [buildDir = "", cacheRoot = "", envDir = "", purpose] = process.argv.slice(2);

await tellFailures(async () => {
  const build = await prepare();
  checkVersion(build);
  await runHook(build, "bin/pre_compile");
  const dependencies = await installDependencies(build, choosePackageManager(buildDir));
  writeProfile(build);
  writeExport(build);
  // As on Heroku: tests are not served.
  if (!build.forTests) await collectStatic(build);
  await runHook(build, "bin/post_compile");
  noteWebProcess(build);
  if (dependencies) await declareDependencies(build, dependencies);
});

async function prepare(): Promise<Build> {
  if (existsSync(join(buildDir, HOME)) && !hasBelow(HOME)) throw new BuildFailure(`The folder ${HOME} is in this repository; the buildpack needs it.`, "Remove it: `git rm -r .heroku`, commit and push again.");
  const inherited = withConfigVars(envDir, process.env);
  const stack = process.env["STACK"] ?? "";
  const cacheDir = openCache(join(cacheRoot, "python"), stack);
  const home = join(buildDir, HOME);
  const pythonVersion = (await mustRun("/usr/bin/python3", ["--version"])).replace("Python ", "").trim();
  return { buildDir, cacheDir, stack, forTests: purpose === "test", pythonVersion, home, env: toolEnvironment(inherited, home, cacheDir) };
}

/** Heroku's hooks of an app: programs in its own bin folder. */
async function runHook({ buildDir, env }: Build, hook: string): Promise<void> {
  if (!existsSync(join(buildDir, hook))) return;
  step(`Running ${hook} hook`);
  try {
    failing(hook, await run(join(buildDir, hook), [], { cwd: buildDir, env }), CAUSES);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EACCES") throw error;
    throw new BuildFailure(`${hook} cannot be run.`, `Make it executable: \`git update-index --chmod=+x ${hook}\`, commit and push again.`);
  }
}
