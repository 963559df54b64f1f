/** A runtime that is one program in a package of the npm registry, such as Deno and Bun: found by semver, kept in the cache, put into the slug. */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UNFINISHED } from "./build-cache.ts";
import { mustRun } from "./command.ts";
import { semver } from "./npm-library.ts";
import { download, publishedVersions } from "./npm-registry.ts";
import { BuildFailure, info } from "./output.ts";
import { putTool, type ToolFolder } from "./tool-folder.ts";

export type NpmRuntime = {
  /** As people write it. */
  name: string;
  /** The program's file name. */
  program: string;
  /** The package for this machine. */
  package: string;
  /** Where the program lies in the package. */
  path: string;
};

/** A version or range, and what the app says it by. */
export type Asked = { range: string; where: string };

type Places = { buildDir: string; cacheDir: string; env: NodeJS.ProcessEnv; tools: ToolFolder[] };

/** A range is looked up again after this long, so that a push after a security release gets it. */
const LIST_KEPT_MS = 60 * 60 * 1000;

/** Puts the runtime into the app's .heroku, and first on the build's PATH. @returns its version. @throws BuildFailure when the one asked for cannot be had */
export async function installRuntime(places: Places, runtime: NpmRuntime, asked: Asked | undefined): Promise<string> {
  const version = await resolve(places, runtime, asked);
  const kept = join(places.cacheDir, "runtime", version);
  if (existsSync(kept)) {
    info(`Installing ${runtime.program} ${version} (cached)`);
  } else {
    info(`Downloading and installing ${runtime.program} ${version}...`);
    await fetchRuntime(places, runtime, version, kept);
  }
  for (const other of readdirSync(join(places.cacheDir, "runtime"))) if (other !== version) rmSync(join(places.cacheDir, "runtime", other), { recursive: true, force: true });
  const home = await putTool(places, `.heroku/${runtime.program}`, `${runtime.program}-${version}`, kept);
  places.env["PATH"] = `${home}/bin:${places.env["PATH"]}`;
  return version;
}

async function resolve(places: Places, { name, program, package: registered }: NpmRuntime, asked: Asked | undefined): Promise<string> {
  const { validRange, valid, maxSatisfying } = semver();
  const range = asked?.range ?? "*";
  if (validRange(range) === null) throw new BuildFailure(`${asked?.where} asks for ${name} "${range}", which is no version range.`, 'Use a version such as "1.2.3" or a range such as "1.x".');
  const exact = valid(range);
  const isHere = exact !== null && existsSync(join(places.cacheDir, "runtime", exact));
  const versions = isHere ? [exact] : await knownVersions(places, registered);
  if (!versions) throw new BuildFailure(`${name} cannot be fetched: the npm registry is out of reach.`, "Check that this machine can reach it, then push again.");
  const found = maxSatisfying(versions, range);
  if (!found) throw new BuildFailure(`No ${name} version satisfies "${range}" (${asked?.where}).`, `The newest that exist: ${versions.slice(-4).reverse().join(", ")}.`, "Name one that exists, commit and push again.");
  info(`Resolving ${program} version ${asked ? `${range} (${asked.where})` : "(none is named: the newest)"}... ${found}`);
  return found;
}

async function knownVersions({ cacheDir, ...asking }: Places, registered: string): Promise<string[] | undefined> {
  const file = join(cacheDir, "versions.json");
  try {
    const list = JSON.parse(readFileSync(file, "utf8")) as { at: number; versions: string[] };
    if (Math.abs(Date.now() - list.at) < LIST_KEPT_MS) return list.versions;
  } catch {
    // The first build of the app.
  }
  const { valid, compare } = semver();
  const versions = (await publishedVersions(asking, registered))?.filter((version) => valid(version) !== null && !version.includes("-")).sort(compare);
  if (versions) writeFileSync(file, JSON.stringify({ at: Date.now(), versions }));
  return versions;
}

async function fetchRuntime(places: Places, { name, program, package: registered, path }: NpmRuntime, version: string, kept: string): Promise<void> {
  mkdirSync(join(kept, ".."), { recursive: true });
  const unfinished = mkdtempSync(join(places.cacheDir, UNFINISHED));
  try {
    const archive = await download(places, `${registered}@${version}`, unfinished);
    if (!archive) throw new BuildFailure(`${name} ${version} could not be downloaded: the npm registry did not deliver ${registered}@${version}.`, "Push again; if it fails again, name another version.");
    await mustRun("tar", ["-xzf", archive, "-C", unfinished, `package/${path}`]);
    mkdirSync(join(unfinished, "home/bin"), { recursive: true });
    renameSync(join(unfinished, "package", path), join(unfinished, "home/bin", program));
    renameSync(join(unfinished, "home"), kept);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}
