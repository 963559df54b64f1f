/** deno.json and deno.jsonc, read with care: they are whatever was pushed. */

import { parseJsonObject } from "../../lib/json.ts";
import { BuildFailure } from "../../lib/output.ts";
import { readOwnFile } from "../../lib/own-file.ts";

export type DenoJson = {
  /** undefined: there is none. */
  file: string | undefined;
  tasks: Set<string>;
};

/** @throws BuildFailure that names the line or the field */
export function readDenoJson(buildDir: string): DenoJson {
  const file = ["deno.json", "deno.jsonc"].find((name) => readOwnFile(buildDir, name) !== undefined);
  if (file === undefined) return { file, tasks: new Set() };
  const document = parseJsonObject(file, withoutComments(readOwnFile(buildDir, file) ?? ""));
  const tasks = document["tasks"] ?? {};
  if (typeof tasks !== "object" || Array.isArray(tasks)) throw new BuildFailure(`"tasks" in ${file} must be an object.`);
  return { file, tasks: new Set(Object.keys(tasks)) };
}

/** JSON out of JSON with comments and trailing commas; lines and columns stay. */
function withoutComments(text: string): string {
  const plain = text.replace(/"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[^]*?\*\//g, (token) => (token.startsWith('"') ? token : token.replace(/[^\n]/g, " ")));
  return plain.replace(/"(?:[^"\\\n]|\\.)*"|,(?=\s*[}\]])/g, (token) => (token === "," ? " " : token));
}
