/** npm carries the reference implementation of semver: use that one. Loading it takes 20 ms, so only who needs it does. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { BAKED } from "./baked-node.ts";

const NPM = `${BAKED}/lib/node_modules/npm/package.json`;

/** The version of the npm that the stack has. */
export function bakedNpmVersion(): string {
  return (JSON.parse(readFileSync(NPM, "utf8")) as { version: string }).version;
}

export type Semver = {
  /** The range in its normal form, null when it is none. */
  validRange(range: string): string | null;
  /** The version in its normal form, null when it is none. */
  valid(version: string): string | null;
  maxSatisfying(versions: string[], range: string): string | null;
  satisfies(version: string, range: string): boolean;
  compare(a: string, b: string): -1 | 0 | 1;
};

export function semver(): Semver {
  return (loaded ??= createRequire(NPM)("semver") as Semver);
}

let loaded: Semver | undefined;

/** The first number of a version. */
export function major(version: string): number {
  return Number.parseInt(version, 10);
}
