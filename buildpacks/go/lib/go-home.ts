/**
 * Toolchain, modules and compiled packages as the go command sees them, in the app's folder: it knows what it has compiled by where the source
 * lies, so that tests find all of it compiled under the paths of the build. While an app is built these are links into the cache, but for a
 * toolchain that tests are to find.
 */

import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, realpathSync, rmdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { dirname, join } from "node:path";
import { linkIntoCache } from "../../lib/cache-link.ts";
import { capture } from "../../lib/command.ts";
import type { Build } from "./build.ts";

const HOME = ".heroku/go";
export const TOOLCHAIN = `${HOME}/toolchain`;
const PARTS = ["toolchain", "modules", "compiled"] as const;
export type Part = (typeof PARTS)[number];

/** The go command marks what it uses, unless that was done within the last hour (cmd/go/internal/cache: mtimeInterval). */
const MARKED_MS = 60 * 60 * 1000;
/** As if used at a time to come, the same in every build: the go command neither drops copies nor marks them, which would copy them once more. */
const TO_COME = new Date("2100-01-01T00:00:00Z");
const MODULE_FOLDERS = "{{with .Module}}{{.Dir}}{{end}}";

/** Links a folder of the cache into the app. @returns the path to use */
export function linkPart(buildDir: string, part: Part, target: string): string {
  const link = join(buildDir, HOME, part);
  linkIntoCache(link, target);
  return link;
}

/** At the end of a build: a slug does without. */
export function unlinkParts(buildDir: string): void {
  for (const part of PARTS) rmSync(join(buildDir, HOME, part));
  if (readdirSync(join(buildDir, HOME)).length === 0) rmdirSync(join(buildDir, HOME));
}

/** Takes the marks of what earlier builds used, so that `copyParts` knows what this one did. */
export function unmarkCompiled({ buildDir }: Build): void {
  const before = new Date(Date.now() - 2 * MARKED_MS);
  for (const file of compiledFiles(join(buildDir, HOME, "compiled"))) {
    if (statSync(file).mtime > before) utimesSync(file, before, before);
  }
}

/** Puts copies in the places of the links, for a container that has no cache: of the modules that the app and its tests use, and of what was compiled. */
export async function copyParts(build: Build): Promise<void> {
  const home = join(build.buildDir, HOME);
  const used = await usedModules(build);
  const [modules, compiled] = [becomeFolder(join(home, "modules")), becomeFolder(join(home, "compiled"))];

  for (const folder of used) cpSync(join(modules, folder), join(home, "modules", folder), { recursive: true, preserveTimestamps: true });
  // Of modules that are unpacked the go command reads go.mod files and checksums, not the archives.
  if (existsSync(join(modules, "cache"))) cpSync(join(modules, "cache"), join(home, "modules/cache"), { recursive: true, preserveTimestamps: true, filter: (path) => !path.endsWith(".zip") });
  const since = Date.now() - MARKED_MS;
  for (const file of compiledFiles(compiled)) if (statSync(file).mtimeMs > since) copyCompiled(file, join(home, "compiled", file.slice(compiled.length)));
}

/** @returns what the link led to */
function becomeFolder(link: string): string {
  const target = realpathSync(link);
  rmSync(link);
  mkdirSync(link);
  return target;
}

function copyCompiled(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
  utimesSync(to, TO_COME, TO_COME);
}

/** @returns their folders, relative to that of all modules; none of those that are vendored, or lie in the repository. */
async function usedModules({ buildDir, env }: Build): Promise<string[]> {
  const { stdout } = await capture("go", ["list", "-e", "-test", "-deps", "-f", MODULE_FOLDERS, "./..."], { cwd: buildDir, env });
  const all = join(buildDir, HOME, "modules/");
  return [...new Set(stdout.split("\n").filter((folder) => folder.startsWith(all)).map((folder) => folder.slice(all.length)))];
}

/** What the go command did, and what came of it, in 256 folders. */
function compiledFiles(folder: string): string[] {
  const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory() && /^[0-9a-f]{2}$/.test(entry.name));
  return folders.flatMap(({ name }) => readdirSync(join(folder, name)).map((file) => join(folder, name, file)));
}
