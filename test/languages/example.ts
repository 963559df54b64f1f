/** Applications that are examples of the project too. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { LanguageApp } from "./app.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");

/** An example that greets with `Hello from`, and with `Hi from` after the change of `file`. */
export function greeting(name: string, folder: string, detected: string, file: string, path: string): LanguageApp {
  return {
    name,
    source: `../../../examples/${folder}`,
    detected,
    path,
    answers: [/^Hello from \w+, you\s*$/, /^Hi from \w+, you\s*$/],
    change: { [file]: readFileSync(join(EXAMPLES, folder, file), "utf8").replace("Hello from", "Hi from") },
  };
}
