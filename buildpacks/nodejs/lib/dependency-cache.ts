/** Installed dependencies, kept between builds: where everything that decides them is unchanged, nothing is installed again. */

import { createHash } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { mustRun } from "../../lib/command.ts";
import { annotateKept, forgetKept, keep, NAMED_ON_INPUT, restoreKept, restoreSomeKept, type KeptPaths } from "../../lib/kept-paths.ts";
import type { Build, Toolchain } from "./build.ts";
import { hasInstallScripts } from "./scripts.ts";

/** Raise it when what is kept changes its form. */
const FORMAT = 3;
/** Of the buildpack's part of CACHE_DIR. */
const FOLDER = "dependencies";
/** Of files that pruning writes anew, what it made of them. */
const PRUNED_ARCHIVE = "pruned.tar";
/** What of package.json decides which packages are installed. */
const FIELDS = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "peerDependenciesMeta", "bundleDependencies", "bundledDependencies", "dependenciesMeta", "overrides", "resolutions", "pnpm", "workspaces", "engines", "packageManager", "os", "cpu", "allowScripts", "trustedDependencies"];
const CONFIGURATION = [".npmrc", ".yarnrc", ".yarnrc.yml", "pnpm-workspace.yaml", ".pnpmfile.cjs"];
const PATCHES = ["patches", ".yarn/patches", ".yarn/plugins"];
const VARIABLES = /^(npm_config_|yarn_|pnpm_|node_env$)/i;

export type Kept = KeptPaths & {
  /** What pruning removed, once it is known. */
  pruned?: string[];
};

/** Tells one set of installed dependencies from another. @param manifests of a workspace's packages */
export async function dependencyKey(build: Build, tools: Toolchain, manifests: string[]): Promise<string> {
  const { buildDir, pkg, env, stack } = build;
  const hash = createHash("sha256").update(JSON.stringify([FORMAT, stack, process.arch, tools.node.version, tools.manager, tools.managerVersion]));
  hash.update(JSON.stringify(FIELDS.map((field) => pkg.raw[field] ?? null)));
  hash.update(JSON.stringify(Object.entries(env).filter(([name]) => VARIABLES.test(name)).sort()));
  for (const file of [tools.lockFile ?? "", ...CONFIGURATION, ...manifests]) {
    const path = join(buildDir, file);
    if (file && lstatSync(path, { throwIfNoEntry: false })?.isFile()) hash.update(`\0${file}\0`).update(readFileSync(path));
  }
  for (const folder of PATCHES.filter((name) => existsSync(join(buildDir, name)))) {
    hash.update(await mustRun("find", [folder, "-type", "f", "-exec", "sha256sum", "{}", "+"], buildDir));
  }
  return hash.digest("hex");
}

/** Unpacks what was kept under this key into the app's folder. @returns what it is, or undefined when there is none. */
export const restoreDependencies = (build: Build, key: string): Promise<Kept | undefined> => restoreKept<Kept>(build, FOLDER, key);

/** Keeps `paths` under this key, in place of what was kept before; whole or not at all. */
export async function keepDependencies(build: Build, key: string, paths: string[]): Promise<Kept> {
  await keep<Kept>(build, FOLDER, key, { paths });
  return { paths };
}

/** Unpacks these files and folders alone. @returns what is kept under the key, undefined where nothing is */
export const restoreSome = (build: Build, key: string, paths: string[]): Promise<Kept | undefined> => restoreSomeKept<Kept>(build, FOLDER, key, paths);

/** Notes what pruning removed and wrote anew, so that the next build need not ask the package manager. */
export async function notePruned(build: Build, key: string, pruned: string[], rewritten: string[]): Promise<void> {
  await mustRun("tar", ["-cf", prunedArchive(build), ...NAMED_ON_INPUT], build.buildDir, rewritten.join("\0"));
  annotateKept<Kept>(build, FOLDER, key, { pruned });
}

/** Does what pruning did before. */
export async function pruneAsBefore(build: Build, pruned: string[]): Promise<void> {
  for (const path of pruned) rmSync(join(build.buildDir, path), { recursive: true, force: true });
  await mustRun("tar", ["-xf", prunedArchive(build), "-C", build.buildDir]);
}

const prunedArchive = ({ cacheDir }: Build): string => join(cacheDir, FOLDER, PRUNED_ARCHIVE);

export function forgetDependencies(build: Build): void {
  forgetKept(build, FOLDER);
}

/** The top of the source tree and every node_modules of it, before an install. */
export function namesAtTop({ buildDir }: Build): Set<string> {
  return new Set(readdirSync(buildDir));
}

/** One that an install wrote is not the app's: kept, it would hold versions that nobody chose. */
const NOT_KEPT = new Set(["node_modules", ".heroku", "package-lock.json", "yarn.lock", "pnpm-lock.yaml"]);

/**
 * What an install has put into the app's folder: every node_modules, and whatever else is new at the top (tools that dependencies
 * download go to ~/.cache; Yarn's .pnp.cjs). The app's own install scripts make more, but from its source: they run again instead.
 */
export async function installedPaths(build: Build, before: Set<string>): Promise<string[]> {
  const found = await mustRun("find", [".", "-path", "./.heroku", "-prune", "-o", "-name", "node_modules", "-type", "d", "-prune", "-printf", "%P\\n"], build.buildDir);
  const modules = found.split("\n").filter(Boolean);
  const others = readdirSync(build.buildDir).filter((name) => !before.has(name) && !NOT_KEPT.has(name));
  return [...modules, ...others.filter((name) => name.startsWith(".") || !hasInstallScripts(build.pkg))];
}
