/** bin/compile and bin/test-compile of the Rust buildpack, from top to bottom. */

import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { boundFolder, openCache } from "../../lib/build-cache.ts";
import { mustRun } from "../../lib/command.ts";
import { withConfigVars } from "../../lib/config-vars.ts";
import { info, step, tellFailures } from "../../lib/output.ts";
import { readOwnFile } from "../../lib/own-file.ts";
import { writeProfileScripts } from "../../lib/profile-scripts.ts";
import { buildPrograms, installPrograms, noteTypes, type Program } from "./programs.ts";
import { compileTests } from "./tests.ts";
import { askedRust, checkRust } from "./toolchain.ts";

/** Of downloads, and of what was compiled. */
const CACHE_MB = 2048;

const [buildDir = "", cacheRoot = "", envDir = "", purpose = ""] = process.argv.slice(2);

await tellFailures(compile);

async function compile(): Promise<void> {
  const version = await stackRust();
  const asked = askedRust(buildDir);
  step(`Using Rust ${version} of the stack`);
  info(asked ? `${asked.file} asks for ${asked.channel}` : "No rust-toolchain.toml asks for another");
  checkRust(asked, version);

  const cacheDir = openCache(join(cacheRoot, "rust"), process.env["STACK"] ?? "");
  const isForTests = purpose === "test";
  const target = isForTests ? "tests" : "target";
  for (const name of ["home", target]) await boundFolder(join(cacheDir, name), readOwnFile(buildDir, "Cargo.lock") ?? "", CACHE_MB);
  const env = cargoEnvironment(cacheDir, target, version);
  if (isForTests) return compileTests({ buildDir, env });

  const programs = await buildPrograms({ buildDir, env });
  const names = installPrograms(buildDir, programs);

  writeProfileScripts(buildDir, join(import.meta.dirname, ".."), "rust.sh");
  noteTypes(buildDir, names, ["web", ...defaultRuns(programs), ...packageName()]);
}

async function stackRust(): Promise<string> {
  return /^rustc (\S+)/.exec(await mustRun("rustc", ["--version"]))?.[1] ?? "";
}

/** Downloads and compiled crates stay in the cache; what another compiler has made is of no use. */
function cargoEnvironment(cacheDir: string, target: string, version: string): NodeJS.ProcessEnv {
  const env = withConfigVars(envDir, process.env);
  env["CARGO_HOME"] = join(cacheDir, "home");
  env["CARGO_TARGET_DIR"] = join(cacheDir, target, version);
  env["CARGO_INCREMENTAL"] ??= "0";
  env["CARGO_TERM_COLOR"] = "never";
  // Git knows about .netrc and credentials in its environment, Cargo's own does not.
  env["CARGO_NET_GIT_FETCH_WITH_CLI"] ??= "true";
  env["GIT_TERMINAL_PROMPT"] = "0";
  mkdirSync(env["CARGO_TARGET_DIR"], { recursive: true });
  for (const other of readdirSync(join(cacheDir, target))) {
    if (other !== version) rmSync(join(cacheDir, target, other), { recursive: true, force: true });
  }
  return env;
}

/** What `cargo run` would start, where no two packages say so of theirs. */
function defaultRuns(programs: Program[]): string[] {
  const manifests = [...new Set(programs.map(({ manifest }) => manifest))].map((path) => readFileSync(path, "utf8"));
  const named = manifests.flatMap((text) => /^\s*default-run\s*=\s*["']([^"']+)["']/m.exec(text)?.[1] ?? []);
  return named.length === 1 ? named : [];
}

/** A workspace without a package of its own has none. */
function packageName(): string[] {
  return /^\s*\[package\][^[]*?^\s*name\s*=\s*["']([^"']+)["']/m.exec(readOwnFile(buildDir, "Cargo.toml") ?? "")?.slice(1) ?? [];
}
