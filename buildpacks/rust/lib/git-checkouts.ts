/**
 * Crates from git repositories. Debian's Cargo has git(1) fetch them (net.git-fetch-with-cli), but would check them out by a libgit2 that is not the
 * one it was written for: "invalid version 0 on git_proxy_options". What git checks out in the place where Cargo looks, Cargo takes.
 */

import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { capture, mustRun } from "../../lib/command.ts";
import type { Build } from "./cargo.ts";
import { gitCrates, type GitCrate } from "./cargo-lock.ts";

/** Nothing is downloaded for other machines. */
const MACHINE = `${process.arch === "arm64" ? "aarch64" : "x86_64"}-unknown-linux-gnu`;
/** Cargo's mark of a checkout that is whole. */
const WHOLE = ".cargo-ok";

/** Checks out what Cargo.lock names of git repositories, so far as they can be fetched: what cannot, Cargo tells itself when it builds. */
export async function checkOutGitCrates({ buildDir, env }: Build): Promise<void> {
  const lock = join(buildDir, "Cargo.lock");
  const crates = existsSync(lock) ? gitCrates(readFileSync(lock, "utf8")) : [];
  // A repository may name others, which are only fetched when it was checked out.
  for (let left = crates.length; left > 0; left -= 1) {
    if ((await capture("cargo", ["metadata", "--locked", "--format-version=1", `--filter-platform=${MACHINE}`], { cwd: buildDir, env })).code === 0) return;
    if (!(await checkOutFetched(join(env["CARGO_HOME"] ?? "", "git"), crates))) return;
  }
}

/** @returns whether there was anything to check out */
async function checkOutFetched(git: string, crates: GitCrate[]): Promise<boolean> {
  let any = false;
  for (const repository of existsSync(join(git, "db")) ? readdirSync(join(git, "db")) : []) {
    for (const crate of crates) any = (await checkOut(join(git, "db", repository), join(git, "checkouts", repository), crate)) || any;
  }
  return any;
}

async function checkOut(fetched: string, checkouts: string, { url, commit }: GitCrate): Promise<boolean> {
  const { code, stdout } = await capture("git", ["-C", fetched, "rev-parse", "--short=7", "--verify", "--quiet", `${commit}^{commit}`], { cwd: "/", env: process.env });
  const folder = join(checkouts, stdout.trim());
  if (code !== 0 || existsSync(join(folder, WHOLE))) return false;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(checkouts, { recursive: true });
  await mustRun("git", ["clone", "--quiet", "--no-checkout", fetched, folder]);
  await mustRun("git", ["reset", "--quiet", "--hard", commit], folder);
  await mustRun("git", ["remote", "set-url", "origin", url], folder);
  if (existsSync(join(folder, ".gitmodules"))) await mustRun("git", ["submodule", "--quiet", "update", "--init", "--recursive"], folder);
  writeFileSync(join(folder, WHOLE), "");
  return true;
}
