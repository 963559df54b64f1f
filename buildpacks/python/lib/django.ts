/** Django: static files are gathered while the app is built, as on Heroku. */

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { causeOf } from "../../lib/causes.ts";
import { run } from "../../lib/command.ts";
import { BuildFailure, info, step } from "../../lib/output.ts";
import type { Build } from "./build.ts";
import { CAUSES } from "./causes.ts";
import { isInstalled } from "./site-packages.ts";

/** manage.py of the app, relative to it: at its top or one folder down. */
export function managePy(buildDir: string): string | undefined {
  const folders = readdirSync(buildDir, { withFileTypes: true }).filter((entry) => entry.isDirectory() && !entry.name.startsWith("."));
  return ["manage.py", ...folders.map(({ name }) => `${name}/manage.py`)].find((path) => existsSync(join(buildDir, path)));
}

/** @throws BuildFailure with the cause where it is known. DISABLE_COLLECTSTATIC=1 leaves it out. */
export async function collectStatic(build: Build): Promise<void> {
  const { buildDir, env } = build;
  const manage = managePy(buildDir);
  if (!manage || !isInstalled(build, "django")) return;
  if (env["DISABLE_COLLECTSTATIC"] && env["DISABLE_COLLECTSTATIC"] !== "0") {
    step("Skipping Django collectstatic");
    return info("DISABLE_COLLECTSTATIC is set");
  }
  const command = ["python", manage, "collectstatic", "--noinput"];
  step(`$ ${command.join(" ")}`);
  const { code, output } = await run(join(build.home, "bin/python"), command.slice(1), { cwd: buildDir, env: { ...env, PYTHONPATH: buildDir, PYTHONDONTWRITEBYTECODE: "1" } });
  if (code === 0) return;
  // Without django.contrib.staticfiles there is no such command, and nothing to gather.
  if (/Unknown command: 'collectstatic'/.test(output)) return info("This app does not use django.contrib.staticfiles");
  throw new BuildFailure("Django could not gather the static files (collectstatic).", ...causeOf(CAUSES, output), "To do without: set the config var DISABLE_COLLECTSTATIC to 1.");
}
