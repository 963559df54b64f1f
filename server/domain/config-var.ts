/** One config var: what it may be called and hold. */

import { invalidParams } from "../errors.ts";

const KEY = /^[A-Za-z_][A-Za-z0-9_]{0,254}$/;
const RESERVED_KEYS = new Set(["PORT", "DYNO", "SOURCE_VERSION", "STACK"]);
/** execve takes one string of at most 128 KiB (Linux MAX_ARG_STRLEN), the name and `=` included. */
const MAX_ENTRY_BYTES = 128 * 1024 - 1;

/** @throws AppError invalid_params naming the key and the rule */
export function assertConfigVar(key: string, value: unknown): asserts value is string {
  assertConfigVarName(key);
  if (typeof value !== "string") throw invalidParams(`config var ${key}: the value must be a string, or null to remove it.`);
  if (value.includes("\0")) throw invalidParams(`config var ${key}: the value holds a NUL byte, which no environment can carry.`);
  if (Buffer.byteLength(key) + Buffer.byteLength(value) + 1 > MAX_ENTRY_BYTES) throw invalidParams(`config var ${key}: the value is larger than 128 KiB.`);
}

/** @throws AppError invalid_params naming the key and the rule */
export function assertConfigVarName(key: string): void {
  if (!KEY.test(key) || key === "__proto__") throw invalidParams(`config var ${JSON.stringify(key.slice(0, 80))}: a name has letters, digits and underscores, does not start with a digit, and at most 255 characters.`);
  if (RESERVED_KEYS.has(key) || key.startsWith("PAAS_")) throw invalidParams(`config var ${key}: this name is set by the platform; choose another.`);
}
