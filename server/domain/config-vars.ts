/** Config vars: what a change does to them. */

import { invalidParams } from "../errors.ts";
import { assertConfigVar, assertConfigVarName } from "./config-var.ts";
import type { ConfigVars } from "./model.ts";

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
    if (value === null || value === "") {
      assertConfigVarName(key);
      next.delete(key);
      continue;
    }
    assertConfigVar(key, value);
    next.set(key, value);
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
