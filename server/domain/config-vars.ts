/** Config vars: names, values and what a change does to them. */

import { invalidParams } from "../errors.ts";
import type { ConfigVars } from "./model.ts";

const KEY = /^[A-Za-z_][A-Za-z0-9_]{0,254}$/;
const RESERVED_KEYS = new Set(["PORT", "DYNO", "SOURCE_VERSION", "STACK"]);
/** execve takes one string of at most 128 KiB (Linux MAX_ARG_STRLEN), the name and `=` included. */
const MAX_ENTRY_BYTES = 128 * 1024 - 1;
const MAX_TOTAL_BYTES = 1024 * 1024;
const MAX_VARS = 1000;

/**
 * The config after a change in Heroku's form: a string sets, null or "" removes.
 * @throws AppError invalid_params naming the key and the rule. Nothing is changed then.
 */
export function applyConfigChange(current: ConfigVars, change: unknown): ConfigVars {
  if (typeof change !== "object" || change === null || Array.isArray(change)) throw invalidParams("config vars: must be an object of names and values.");
  const next = new Map(Object.entries(current));
  for (const [key, value] of Object.entries(change)) {
    assertKey(key);
    if (value === null || value === "") next.delete(key);
    else next.set(key, checkedValue(key, value));
  }
  if (next.size > MAX_VARS) throw invalidParams(`config vars: at most ${MAX_VARS} are kept, this would make ${next.size}.`);
  const total = [...next].reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value) + 2, 0);
  if (total > MAX_TOTAL_BYTES) throw invalidParams(`config vars: all names and values together may have ${MAX_TOTAL_BYTES / 1024} KiB.`);
  return Object.fromEntries(next);
}

/** What changed, as the release's description: `Set FOO, BAR config vars` (Heroku's words); undefined when nothing did. */
export function describeConfigChange(before: ConfigVars, after: ConfigVars): string | undefined {
  const set = Object.keys(after).filter((key) => !Object.hasOwn(before, key) || before[key] !== after[key]);
  const removed = Object.keys(before).filter((key) => !Object.hasOwn(after, key));
  const parts = [set.length > 0 ? `Set ${set.join(", ")}` : "", removed.length > 0 ? `${set.length > 0 ? "remove" : "Remove"} ${removed.join(", ")}` : ""].filter(Boolean);
  if (parts.length === 0) return undefined;
  return `${parts.join(" and ")} config vars`;
}

function assertKey(key: string): void {
  if (!KEY.test(key) || key === "__proto__") throw invalidParams(`config var ${JSON.stringify(key.slice(0, 80))}: a name has letters, digits and underscores, does not start with a digit, and at most 255 characters.`);
  if (RESERVED_KEYS.has(key) || key.startsWith("PAAS_")) throw invalidParams(`config var ${key}: this name is set by the platform; choose another.`);
}

function checkedValue(key: string, value: unknown): string {
  if (typeof value !== "string") throw invalidParams(`config var ${key}: the value must be a string, or null to remove it.`);
  if (value.includes("\0")) throw invalidParams(`config var ${key}: the value holds a NUL byte, which no environment can carry.`);
  if (Buffer.byteLength(key) + Buffer.byteLength(value) + 1 > MAX_ENTRY_BYTES) throw invalidParams(`config var ${key}: the value is larger than 128 KiB.`);
  return value;
}
