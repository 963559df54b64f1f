/** The app's tests, compiled: the container that runs them asks no proxy, and compiles nothing again. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { causeOf } from "../../lib/causes.ts";
import { run } from "../../lib/command.ts";
import { step, warn } from "../../lib/output.ts";
import type { Build } from "./build.ts";
import { CAUSES } from "./causes.ts";
import { copyParts } from "./go-home.ts";

/** As `go test`, with a program that does nothing in the place of each test. */
const COMPILE = ["test", "-count=1", "-exec", "true", "./..."];
/** What it says of each package then. */
const RESULT = /^(?:ok\s|\?\s|\t.*coverage:)/;

/** Not every package need compile: which of them are tested is for app.json to say. */
export async function compileTests(build: Build): Promise<void> {
  const { buildDir, env } = build;
  step("Compiling tests");
  const { code, output } = await run("go", COMPILE, { cwd: buildDir, env, shows: (line) => !RESULT.test(line) });
  if (code !== 0) warn("Not all of the tests compile.", ...causeOf(CAUSES, output));
  await copyParts(build);
}

/** What the tests find: the paths of the build. */
export function writeTestProfile({ buildDir, env }: Build): void {
  const same = ["GOROOT", "GOMODCACHE", "GOCACHE"].map((name) => `${name}=${env[name]}`);
  const lines = [`export ${same.join(" ")}`, "export GOTOOLCHAIN=${GOTOOLCHAIN:-local} GOPATH=${GOPATH:-/tmp/go} XDG_CONFIG_HOME=${XDG_CONFIG_HOME:-/tmp/go-config}", 'export PATH="$GOROOT/bin:$PATH"'];
  writeFileSync(join(buildDir, ".profile.d/go-tests.sh"), `${lines.join("\n")}\n`);
}
