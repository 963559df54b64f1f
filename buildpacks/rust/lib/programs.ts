/** Builds with Cargo, and takes from its target folder what the app needs: programs. */

import { copyFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { BuildFailure, info, step, warn } from "../../lib/output.ts";
import { noteProcessTypes } from "../../lib/process-types.ts";
import { runCargo, type Build } from "./cargo.ts";
import { warnWithoutLock, withLocked } from "./cargo-lock.ts";
import { checkOutGitCrates } from "./git-checkouts.ts";
import { touchSources } from "./touch.ts";

/** Where it lies in Cargo's target folder, and the Cargo.toml of its package. */
export type Program = { path: string; manifest: string };

/** What may be the name of a process type. */
const TYPE = /^[A-Za-z0-9_-]+$/;

/** @throws BuildFailure with cause and fix where Cargo's words are known, or where it has built no program. */
export async function buildPrograms({ buildDir, env }: Build): Promise<Program[]> {
  touchSources(buildDir);
  warnWithoutLock(buildDir);
  await checkOutGitCrates({ buildDir, env });
  const args = withLocked(buildDir, env["RUST_CARGO_BUILD_FLAGS"]?.split(/\s+/).filter(Boolean) ?? ["--release"]);
  step(`Building with: cargo build ${args.join(" ")}`);
  const found = programsIn(await runCargo({ buildDir, env }, ["build", ...args]));
  if (found.length === 0) throw new BuildFailure("There is no program in this repository: Cargo has built libraries only.", "A program's code is src/main.rs, or src/bin/<name>.rs, with a `fn main()`.");
  return found;
}

/** @param messages Cargo's: it tells of every artifact */
export function programsIn(messages: string[]): Program[] {
  type Artifact = { executable?: string | null; manifest_path: string; target: { kind: string[] } };
  const artifacts = messages.filter((line) => line.startsWith('{"reason":"compiler-artifact"')).map((line) => JSON.parse(line) as Artifact);
  return artifacts.filter(({ target }) => target.kind.includes("bin")).flatMap(({ executable, manifest_path: manifest }) => (executable ? [{ path: executable, manifest }] : []));
}

/** Puts the programs where people expect them, and nothing else of the target folder. @returns their names */
export function installPrograms(buildDir: string, programs: Program[]): string[] {
  const folder = join(buildDir, "target/release");
  rmSync(join(buildDir, "target"), { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  step("Installed the following binaries");
  for (const { path } of programs) {
    copyFileSync(path, join(folder, basename(path)));
    info(`./target/release/${basename(path)}`);
  }
  return programs.map(({ path }) => basename(path)).sort();
}

/** One program serves; of several each is a process type by its name, and the first of `servers` that is among them serves. */
export function noteTypes(buildDir: string, programs: string[], servers: string[]): void {
  const command = (name: string): string => `./target/release/${name}`;
  const types: Record<string, string> = Object.fromEntries(programs.filter((name) => TYPE.test(name)).map((name) => [name, command(name)]));
  const server = programs.length === 1 ? programs[0] : servers.find((name) => programs.includes(name));
  if (server) {
    delete types[server];
    types["web"] = command(server);
  } else if (!existsSync(join(buildDir, "Procfile"))) {
    warn("Which of these programs serves?", `Say so in a Procfile, such as: web: ${command(programs[0] ?? "server")}`);
  }
  noteProcessTypes(buildDir, types);
}
