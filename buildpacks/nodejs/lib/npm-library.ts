/** npm carries the reference implementation of semver: use that one. */

import { createRequire } from "node:module";
import { BAKED } from "./build.ts";

const fromNpm = createRequire(`${BAKED}/lib/node_modules/npm/package.json`);

export const BAKED_NPM_VERSION = (fromNpm("./package.json") as { version: string }).version;

/** The range in its normal form, null when it is none. */
export const validRange = fromNpm("semver/ranges/valid") as (range: string) => string | null;
/** The version in its normal form, null when it is none. */
export const validVersion = fromNpm("semver/functions/valid") as (version: string) => string | null;
export const maxSatisfying = fromNpm("semver/ranges/max-satisfying") as (versions: string[], range: string) => string | null;
export const satisfies = fromNpm("semver/functions/satisfies") as (version: string, range: string) => boolean;
export const compare = fromNpm("semver/functions/compare") as (a: string, b: string) => -1 | 0 | 1;
export const major = fromNpm("semver/functions/major") as (version: string) => number;
