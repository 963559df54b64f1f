/** Builds with Cargo, and takes from its target folder what the app needs: programs. */

import { copyFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { failing } from "../../lib/causes.ts";
import { run } from "../../lib/command.ts";
import { BuildFailure, info, step, warn } from "../../lib/output.ts";
import { noteProcessTypes } from "../../lib/process-types.ts";
import { warnWithoutLock, withLocked } from "./cargo-lock.ts";
import { CAUSES } from "./causes.ts";
import { checkOutGitCrates } from "./git-checkouts.ts";
import { touchSources } from "./touch.ts";

export type Build = { buildDir: string; env: NodeJS.ProcessEnv };

/** What may be the name of a process type. */
const TYPE = /^[A-Za-z0-9_-]+$/;
/** Cargo's messages for programs, between those for people. */
export const MESSAGE = /^\{"reason":/;

/** @returns paths of the programs in Cargo's target folder. @throws BuildFailure with cause and fix where Cargo's words are known. */
export async function buildPrograms({ buildDir, env }: Build): Promise<string[]> {
  touchSources(buildDir);
  warnWithoutLock(buildDir);
  await checkOutGitCrates({ buildDir, env });
  const args = withLocked(buildDir, env["RUST_CARGO_BUILD_FLAGS"]?.split(/\s+/).filter(Boolean) ?? ["--release"]);
  step(`Building with: cargo build ${args.join(" ")}`);
  const ended = await run("cargo", ["build", ...args, "--message-format=json-render-diagnostics"], { cwd: buildDir, env, shows: (line) => !MESSAGE.test(line) });
  failing("cargo build", ended, CAUSES);
  const found = programsIn(ended.output);
  if (found.length === 0) throw new BuildFailure("There is no program in this repository: Cargo has built libraries only.", "A program's code is src/main.rs, or src/bin/<name>.rs, with a `fn main()`.");
  return found;
}

/** Cargo tells of every artifact (https://doc.rust-lang.org/cargo/reference/external-tools.html#artifact-messages). */
export function programsIn(output: string): string[] {
  const messages = output.split("\n").filter((line) => line.startsWith('{"reason":"compiler-artifact"'));
  const artifacts = messages.map((line) => JSON.parse(line) as { executable?: string | null; target: { kind: string[] } });
  return artifacts.filter(({ target }) => target.kind.includes("bin")).flatMap(({ executable }) => executable ?? []);
}

/** Puts the programs where people expect them, and nothing else of the target folder. @returns their names */
export function installPrograms(buildDir: string, programs: string[]): string[] {
  const folder = join(buildDir, "target/release");
  rmSync(join(buildDir, "target"), { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  step("Installed the following binaries");
  for (const path of programs) {
    copyFileSync(path, join(folder, basename(path)));
    info(`./target/release/${basename(path)}`);
  }
  return programs.map((path) => basename(path)).sort();
}

/** One program serves; of several each is a process type by its name, and the one that is named as the package serves. */
export function noteTypes(buildDir: string, programs: string[], packageName: string | undefined): void {
  const command = (name: string): string => `./target/release/${name}`;
  const types: Record<string, string> = Object.fromEntries(programs.filter((name) => TYPE.test(name)).map((name) => [name, command(name)]));
  const server = programs.length === 1 ? programs[0] : programs.find((name) => name === "web") ?? programs.find((name) => name === packageName);
  if (server) {
    delete types[server];
    types["web"] = command(server);
  } else if (!existsSync(join(buildDir, "Procfile"))) {
    warn("Which of these programs serves?", `Say so in a Procfile, such as: web: ${command(programs[0] ?? "server")}`);
  }
  noteProcessTypes(buildDir, types);
}
