/** Which Node an app gets: `engines.node`, resolved against the Node packages that the npm registry has. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Build } from "./build.ts";
import { compare, maxSatisfying, satisfies, validRange, validVersion } from "./npm-library.ts";
import { BuildFailure, info, warn } from "./output.ts";
import { publishedVersions } from "./registry.ts";

/** A range is looked up again after this long, so that a push after a security release gets it. */
const LIST_KEPT_MS = 60 * 60 * 1000;

export const NODE_PACKAGE = `node-linux-${process.arch}`;
export const BAKED_VERSION = process.versions.node;

/** @throws BuildFailure when `engines.node` is no range, or nothing satisfies it. */
export async function resolveNode(build: Build): Promise<string> {
  const asked = build.pkg.engines["node"]?.trim();
  if (!asked) {
    info(`Resolving node version... ${BAKED_VERSION} (the default: package.json names none)`);
    return BAKED_VERSION;
  }
  const range = validRange(asked);
  if (range === null) throw new BuildFailure(`"engines.node" in package.json is "${asked}", which is no version range.`, 'Use a range such as "24.x".');
  const exact = validVersion(asked);
  if (exact === BAKED_VERSION) return told(asked, exact);

  const versions = await knownVersions(build, exact ?? undefined);
  if (!versions) return withoutRegistry(asked);
  const found = maxSatisfying(versions, asked);
  if (!found) throw noSuchVersion(asked, versions);
  if (/^\s*(>|\*)/.test(asked)) {
    warn(`Dangerous semver range (${asked.startsWith("*") ? "*" : ">"}) in engines.node`, `A new major version of Node will be used as soon as it is published. Name one, such as "${found.split(".")[0]}.x".`);
  }
  return told(asked, found);
}

function told(asked: string, version: string): string {
  info(`Resolving node version ${asked}... ${version}`);
  return version;
}

function withoutRegistry(asked: string): string {
  if (!satisfies(BAKED_VERSION, asked)) {
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
  const file = join(build.cacheDir, "node-versions.json");
  const kept = readList(file);
  if (kept && (exact ? kept.versions.includes(exact) : Date.now() - kept.at < LIST_KEPT_MS && kept.at <= Date.now())) return kept.versions;
  const found = await publishedVersions(build, NODE_PACKAGE);
  if (!found) return undefined;
  const versions = found.filter((version) => validVersion(version) !== null && !version.includes("-")).sort(compare);
  mkdirSync(build.cacheDir, { recursive: true });
  writeFileSync(file, JSON.stringify({ at: Date.now(), versions }));
  return versions;
}

function readList(file: string): { at: number; versions: string[] } | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as { at: number; versions: string[] };
  } catch {
    return undefined;
  }
}
