/** Compiles an app's tests and leaves them in the app with all that Cargo looks at before it takes them for fresh: where they run is no cache. */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { linkIntoCache } from "../../lib/cache-link.ts";
import { failing } from "../../lib/causes.ts";
import { mustRun, run } from "../../lib/command.ts";
import { step } from "../../lib/output.ts";
import { writeProfileScript } from "../../lib/profile-scripts.ts";
import { quoted } from "../../lib/quoted.ts";
import { runCargo, type Build } from "./cargo.ts";
import { warnWithoutLock, withLocked } from "./cargo-lock.ts";
import { CAUSES } from "./causes.ts";
import { copyDownloads } from "./downloads.ts";
import { checkOutGitCrates } from "./git-checkouts.ts";
import { testArguments } from "./test-arguments.ts";
import { touchSources } from "./touch.ts";
import { filesIn, removeUnused } from "./used-artifacts.ts";

/** Cargo takes nothing for fresh that it finds at another path: they are links into the cache while it compiles, copies of that when tests run. */
const HOME = ".heroku/rust/home";
const TARGET = "target";
/** bin/test reads it. */
const ARGUMENTS = ".heroku/rust/test-arguments";
/** Nobody steps through tests here: with lines in backtraces, and nothing else of what debuggers want, all of it is little more than half as large. */
const DEFAULTS = { CARGO_PROFILE_DEV_DEBUG: "line-tables-only", CARGO_PROFILE_DEV_BUILD_OVERRIDE_STRIP: "debuginfo" };
/** What a build script may have asked for: Cargo runs it again where it differs. */
const SEEN_BY_SCRIPTS = ["CARGO_INCREMENTAL", "CARGO_NET_GIT_FETCH_WITH_CLI", "SOURCE_VERSION", "SOURCE_DATE_EPOCH", "STACK"];

/** @param env names the folders in the cache: CARGO_HOME, CARGO_TARGET_DIR @throws BuildFailure with cause and fix where Cargo's words are known */
export async function compileTests({ buildDir, env: cached }: Build): Promise<void> {
  const places: [path: string, inCache: string][] = [[HOME, cached["CARGO_HOME"] ?? ""], [TARGET, cached["CARGO_TARGET_DIR"] ?? ""]];
  const env: NodeJS.ProcessEnv = { ...DEFAULTS, ...cached, CARGO_HOME: join(buildDir, HOME), CARGO_TARGET_DIR: join(buildDir, TARGET) };
  for (const [path, inCache] of places) linkIntoCache(join(buildDir, path), inCache);
  await ensureLock(buildDir, env);
  await checkOutGitCrates({ buildDir, env });
  touchSources(buildDir, thisSecond());

  const runs = testArguments(buildDir, env["RUST_CARGO_BUILD_FLAGS"]).map((given) => withLocked(buildDir, given));
  const messages: string[] = [];
  for (const args of runs) messages.push(...(await compile({ buildDir, env }, args)));
  removeUnused(join(buildDir, TARGET), filesIn(messages));

  for (const [path] of places) rmSync(join(buildDir, path));
  mkdirSync(join(buildDir, HOME));
  await copyDownloads(cached["CARGO_HOME"] ?? "", readFileSync(join(buildDir, "Cargo.lock"), "utf8"), join(buildDir, HOME));
  await mustRun("cp", ["-a", cached["CARGO_TARGET_DIR"] ?? "", join(buildDir, TARGET)]);
  writeFileSync(join(buildDir, ARGUMENTS), runs[0]?.map((word) => `${word}\n`).join("") ?? "");
  writeProfileScript(buildDir, "rust.sh", exportsOf(env));
}

/** Written by the first compilation, it would be of another age than the sources. */
async function ensureLock(buildDir: string, env: NodeJS.ProcessEnv): Promise<void> {
  if (!warnWithoutLock(buildDir)) return;
  failing("cargo generate-lockfile", await run("cargo", ["generate-lockfile"], { cwd: buildDir, env }), CAUSES);
}

const thisSecond = (): Date => new Date(Math.trunc(Date.now() / 1000) * 1000);

/** @returns Cargo's messages */
function compile(build: Build, args: string[]): Promise<string[]> {
  step(`Compiling tests with: cargo test --no-run ${args.join(" ")}`.trimEnd());
  return runCargo(build, ["test", "--no-run", ...args]);
}

/** What was set for the app is there when its tests run, too. */
function exportsOf(env: NodeJS.ProcessEnv): string[] {
  const named = (names: string[]): [string, string][] => names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]));
  return [
    ...named(["CARGO_HOME", "CARGO_TARGET_DIR"]).map(([name, value]) => `export ${name}=${quoted(value)}`),
    ...named([...Object.keys(DEFAULTS), ...SEEN_BY_SCRIPTS]).map(([name, value]) => `export ${name}=\${${name}-${quoted(value)}}`),
  ];
}
