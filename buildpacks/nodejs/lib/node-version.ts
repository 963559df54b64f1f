/** Which Node an app gets: `engines.node`, resolved against the Node packages that the npm registry has. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BuildFailure, info, warn } from "../../lib/output.ts";
import type { Build } from "./build.ts";
import { semver } from "../../lib/npm-library.ts";
import { publishedVersions } from "../../lib/npm-registry.ts";

/** A range is looked up again after this long, so that a push after a security release gets it. */
const LIST_KEPT_MS = 60 * 60 * 1000;

const LIST_FILE = "node-versions.json";
export const NODE_PACKAGE = `node-linux-${process.arch}`;
export const BAKED_VERSION = process.versions.node;

/** @throws BuildFailure when `engines.node` is no range, or nothing satisfies it. */
export async function resolveNode(build: Build): Promise<string> {
  const asked = build.pkg.engines["node"]?.trim();
  if (!asked) {
    info(`Resolving node version... ${BAKED_VERSION} (the default: package.json names none)`);
    return BAKED_VERSION;
  }
  const resolved = new Map(Object.entries(readList(build)?.resolved ?? {})).get(asked);
  if (resolved) return told(asked, resolved);
  const { validRange, valid, maxSatisfying } = semver();
  if (validRange(asked) === null) throw new BuildFailure(`"engines.node" in package.json is "${asked}", which is no version range.`, 'Use a range such as "24.x".');
  const exact = valid(asked);
  if (exact && (exact === BAKED_VERSION || existsSync(join(build.cacheDir, "node", exact)))) return told(asked, exact);

  const versions = await knownVersions(build, exact ?? undefined);
  if (!versions) return withoutRegistry(asked);
  const found = maxSatisfying(versions, asked);
  if (!found) throw noSuchVersion(asked, versions);
  writeList(build, versions, { [asked]: found });
  return told(asked, found);
}

function told(asked: string, version: string): string {
  info(`Resolving node version ${asked}... ${version}`);
  if (/^[>*]/.test(asked)) {
    warn(`Dangerous semver range (${asked[0]}) in engines.node`, `A new major version of Node is used as soon as it is published. Name one, such as "${version.split(".")[0]}.x".`);
  }
  return version;
}

function withoutRegistry(asked: string): string {
  if (!semver().satisfies(BAKED_VERSION, asked)) {
    throw new BuildFailure(`Node ${asked} ("engines.node" in package.json) cannot be fetched: the npm registry is out of reach.`, `Node ${BAKED_VERSION} is here already and needs no registry.`);
  }
  info(`Resolving node version ${asked}... ${BAKED_VERSION} (the npm registry is out of reach; this one is here and satisfies it)`);
  return BAKED_VERSION;
}

function noSuchVersion(asked: string, versions: string[]): BuildFailure {
  const newest = new Map<string, string>();
  for (const version of versions) newest.set(version.split(".")[0] ?? "", version);
  const choice = [...newest.values()].slice(-6).reverse();
  return new BuildFailure(`No Node version satisfies "engines.node": "${asked}" in package.json.`, `The newest that exist: ${choice.join(", ")}.`, `Name one of them, such as "${choice[0]?.split(".")[0]}.x", commit and push again.`);
}

/** Stable releases in ascending order; asked of the registry at most once an hour, and when the very version is not in the list that we have. */
async function knownVersions(build: Build, exact: string | undefined): Promise<string[] | undefined> {
  const kept = readList(build)?.versions;
  if (kept && (!exact || kept.includes(exact))) return kept;
  const found = await publishedVersions(build, NODE_PACKAGE);
  return found?.filter((version) => semver().valid(version) !== null && !version.includes("-")).sort(semver().compare);
}

/** `resolved` is by range. */
type List = { at: number; versions: string[]; resolved: Record<string, string> };

function readList({ cacheDir }: Build): List | undefined {
  try {
    const list = JSON.parse(readFileSync(join(cacheDir, LIST_FILE), "utf8")) as List;
    return Math.abs(Date.now() - list.at) < LIST_KEPT_MS ? list : undefined;
  } catch {
    return undefined;
  }
}

function writeList(build: Build, versions: string[], resolved: Record<string, string>): void {
  const at = readList(build)?.at ?? Date.now();
  writeFileSync(join(build.cacheDir, LIST_FILE), JSON.stringify({ at, versions, resolved } satisfies List));
}
