/** Which package manager an app uses, in which version, and getting hold of it. */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BAKED } from "../../lib/baked-node.ts";
import { BuildFailure, info, warn } from "../../lib/output.ts";
import type { Build, Manager } from "./build.ts";
import { bakedNpmVersion, semver } from "../../lib/npm-library.ts";
import { checkOwnFile, readOwnFile } from "../../lib/own-file.ts";
import { installPackage } from "../../lib/npm-registry.ts";
import { putTool } from "../../lib/tool-folder.ts";

const LOCK_FILES = { npm: "package-lock.json", Yarn: "yarn.lock", pnpm: "pnpm-lock.yaml" };

const READ_BY_TOOLS = [...Object.values(LOCK_FILES), "npm-shrinkwrap.json", ".npmrc", ".yarnrc", ".yarnrc.yml"];

/** The newest npm that still runs on a Node older than the given one. */
const NPM_FOR_OLDER_NODE = [
  { below: "14.17.0", npm: "6.x" },
  { below: "18.17.0", npm: "8.x" },
  { below: "20.17.0", npm: "10.x" },
];

export type Choice = { manager: Manager; lockFile: string | undefined };

/** @throws BuildFailure when the lock files or package.json speak of several. */
export function choosePackageManager({ buildDir, pkg }: Build): Choice {
  for (const file of READ_BY_TOOLS) checkOwnFile(buildDir, file);
  const locks = Object.entries(LOCK_FILES).filter(([, file]) => existsSync(join(buildDir, file)));
  const shrinkwrap = existsSync(join(buildDir, "npm-shrinkwrap.json"));
  if (locks.length > 1 || (shrinkwrap && locks.some(([name]) => name !== "npm"))) throw severalLockFiles(locks, shrinkwrap);

  const named = /^(npm|yarn|pnpm)@/.exec(pkg.packageManager ?? "")?.[1];
  if (pkg.packageManager && !named) throw new BuildFailure(`"packageManager" in package.json is "${pkg.packageManager}".`, 'It must read like "npm@11.0.0", "yarn@4.5.0" or "pnpm@10.0.0".');
  const locked = locks[0]?.[0] ?? (shrinkwrap ? "npm" : undefined);
  if (named && locked && named !== locked.toLowerCase()) {
    throw new BuildFailure(`package.json says "packageManager": "${pkg.packageManager}", but the lock file is ${LOCK_FILES[locked as keyof typeof LOCK_FILES]} (${locked}).`, "Remove one of the two, commit and push again.");
  }
  const lockFile = locked ? (locks[0]?.[1] ?? "npm-shrinkwrap.json") : undefined;
  switch (named ?? locked?.toLowerCase()) {
    case "yarn":
      return { manager: isBerry(buildDir, pkg.packageManager) ? "berry" : "yarn", lockFile };
    case "pnpm":
      return { manager: "pnpm", lockFile };
    default:
      return { manager: "npm", lockFile };
  }
}

function severalLockFiles(locks: [string, string][], shrinkwrap: boolean): BuildFailure {
  const all = [...locks, ...(shrinkwrap ? [["npm", "npm-shrinkwrap.json"] as [string, string]] : [])];
  const fixes = all.map(([name, file]) => `    if you use ${name}:  git rm ${all.filter((other) => other[1] !== file).map((other) => other[1]).join(" ")}`);
  return new BuildFailure(`Two lock files: ${all.map(([, file]) => file).join(" and ")}.`, "Only one package manager can install the dependencies. Keep its lock file alone:", "", ...fixes, "", "then commit and push again.");
}

/** Yarn 2 and later write a `__metadata` entry. */
function isBerry(buildDir: string, packageManager = ""): boolean {
  const lock = readOwnFile(buildDir, "yarn.lock");
  return lock === undefined || lock.trim() === "" ? /^yarn@[2-9]/.test(packageManager) : /^__metadata:/m.test(lock);
}

/**
 * Puts the package manager on the build's PATH, and into the slug where the stack has none.
 * @returns its version. @throws BuildFailure when the version asked for cannot be had.
 */
export async function installPackageManager(build: Build, { manager }: Choice, nodeVersion: string): Promise<string> {
  const { pkg } = build;
  const wanted = /@([^+]+)/.exec(pkg.packageManager ?? "")?.[1];
  if (manager === "npm") return await installNpm(build, wanted ?? pkg.engines["npm"], wanted ? "packageManager" : "engines.npm", nodeVersion);
  if (manager === "pnpm") {
    const asked = wanted ?? pkg.engines["pnpm"];
    if (!asked) warn("No pnpm version is named in package.json.", 'One that reads this lock file is used. Name yours: "packageManager": "pnpm@<version>".');
    return await installTool(build, "pnpm", asked ?? pnpmOfLockFile(build.buildDir), wanted ? "packageManager" : "engines.pnpm");
  }
  const committed = committedYarn(build.buildDir);
  if (manager === "berry" && committed) return useCommittedYarn(build, committed);
  const asked = wanted ?? pkg.engines["yarn"] ?? (manager === "yarn" ? "1.22.x" : yarnOfLockFile(build.buildDir));
  return await installTool(build, manager === "yarn" ? "yarn" : "@yarnpkg/cli-dist", asked, wanted ? "packageManager" : "engines.yarn");
}

async function installNpm(build: Build, asked: string | undefined, field: string, nodeVersion: string): Promise<string> {
  const baked = bakedNpmVersion();
  const older = nodeVersion === process.versions.node ? undefined : NPM_FOR_OLDER_NODE.find(({ below }) => semver().compare(nodeVersion, below) < 0);
  if (!asked && older) return await installTool(build, "npm", older.npm, "engines.node");
  if (asked && semver().validRange(asked) === null) throw new BuildFailure(`"${field}" in package.json asks for npm "${asked}", which is no version range.`, 'Use a range such as "11.x".');
  if (asked && !semver().satisfies(baked, asked)) return await installTool(build, "npm", asked, field);
  info(asked ? `npm ${baked} already installed, which satisfies ${asked}` : `Using default npm version: ${baked}`);
  build.env["PATH"] = `${build.env["PATH"]}:${BAKED}/bin`;
  return baked;
}

async function installTool(build: Build, name: string, asked: string, field: string): Promise<string> {
  const short = name.replace("@yarnpkg/cli-dist", "yarn");
  if (semver().validRange(asked) === null) throw new BuildFailure(`"${field}" in package.json asks for ${short} "${asked}", which is no version range.`);
  const kept = join(build.cacheDir, "tools", short);
  let version = installedVersion(kept, name);
  if (version && semver().satisfies(version, asked)) {
    info(`Installing ${short} ${version} (cached)`);
  } else {
    info(`Downloading and installing ${short} (${asked})...`);
    version = await fetchTool(build, name, short, asked, field, kept);
    info(`Installed ${short} ${version}`);
  }
  const home = await putTool(build, `.heroku/tools/${short}`, `${short}-${version}`, kept);
  build.env["PATH"] = `${home}/node_modules/.bin:${build.env["PATH"]}`;
  return version;
}

async function fetchTool(build: Build, name: string, short: string, asked: string, field: string, kept: string): Promise<string> {
  mkdirSync(join(build.cacheDir, "tools"), { recursive: true });
  const unfinished = mkdtempSync(join(build.cacheDir, "tools", "fetch-"));
  try {
    const { code, stderr } = await installPackage(build, `${name}@${asked}`, unfinished);
    const version = installedVersion(unfinished, name);
    if (code !== 0 || !version) {
      const cause = /ETARGET|E404|notarget/.test(stderr) ? `no published version of ${short} satisfies it` : (stderr.trim().split("\n").at(-1) ?? "npm failed");
      throw new BuildFailure(`Unable to install ${short} ${asked} ("${field}" in package.json): ${cause}.`, "Name a version that exists, commit and push again.");
    }
    rmSync(kept, { recursive: true, force: true });
    renameSync(unfinished, kept);
    return version;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

function installedVersion(folder: string, name: string): string | undefined {
  try {
    return (JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"), "utf8")) as { version: string }).version;
  } catch {
    return undefined;
  }
}

/** pnpm-lock.yaml names its format; each pnpm writes one, and reads few. */
function pnpmOfLockFile(buildDir: string): string {
  const format = /^lockfileVersion:\s*['"]?(\d+)/m.exec(readOwnFile(buildDir, "pnpm-lock.yaml") ?? "")?.[1];
  return format === "5" ? "7.x" : format === "6" ? "8.x" : "10.x";
}

/** yarn.lock's `__metadata.version`: 8 since Yarn 4, 5 to 7 are Yarn 3's. */
function yarnOfLockFile(buildDir: string): string {
  const format = Number(/^__metadata:\n\s+version:\s*(\d+)/m.exec(readOwnFile(buildDir, "yarn.lock") ?? "")?.[1] ?? 8);
  return format >= 8 ? "4.x" : format >= 5 ? "3.x" : "2.x";
}

/** `yarnPath` in .yarnrc.yml: a release of Yarn that the app carries itself. */
function committedYarn(buildDir: string): string | undefined {
  const path = /^yarnPath:\s*["']?([^"'\s]+)/m.exec(readOwnFile(buildDir, ".yarnrc.yml") ?? "")?.[1];
  if (!path) return undefined;
  if (!existsSync(join(buildDir, path))) throw new BuildFailure(`.yarnrc.yml says yarnPath: ${path}, but that file is not in this repository.`, `git add -f ${path}, commit and push again; or remove yarnPath and name the version in "packageManager".`);
  return path;
}

async function useCommittedYarn(build: Build, path: string): Promise<string> {
  const bin = join(build.buildDir, ".heroku/tools/yarn/node_modules/.bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, "yarn"), `#!/bin/sh\nexec node "/app/${path}" "$@"\n`, { mode: 0o755 });
  build.env["PATH"] = `${bin}:${build.env["PATH"]}`;
  info(`Using yarn of this repository (${path})`);
  return /yarn-(\d+\.\d+\.\d+)/.exec(path)?.[1] ?? path;
}
