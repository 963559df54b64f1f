/** Tells one state of the router's code from another. */

import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** A digest of every source file of the router as it lies on disk now. */
export function codeVersion(): string {
  const hash = createHash("sha256").update(process.version);
  for (const name of readdirSync(import.meta.dirname).filter((file) => file.endsWith(".ts")).sort())
    hash.update(`${name}\0`).update(readFileSync(join(import.meta.dirname, name)));
  return hash.digest("hex").slice(0, 16);
}
