/** JSON that people write, with the place of what is wrong in it. */

import { BuildFailure } from "./output.ts";

/** @throws BuildFailure that shows the line where `file` stops being JSON, or says that it is no object. */
export function parseJsonObject(file: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new BuildFailure(`Unable to parse ${file}.`, ...where(text, error instanceof Error ? error.message : String(error)), "Fix its syntax, commit and push again.");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new BuildFailure(`${file} must hold a JSON object.`);
  return value as Record<string, unknown>;
}

/** V8 tells the place as `line 3 column 5`, or as a position alone; at the end of the text it tells none. */
function where(text: string, message: string): string[] {
  const lines = text.split("\n");
  const found = /line (\d+) column (\d+)/.exec(message);
  const line = found ? Number(found[1]) : lines.length;
  const column = found ? Number(found[2]) : (lines.at(-1) ?? "").length + 1;
  const shown = (lines[line - 1] ?? "").replaceAll("\t", " ").slice(0, 120);
  return [`${message.replace(/ in JSON at position.*/, "").replace(/ \(line .*/, "")} at line ${line}, column ${column}:`, `    ${shown}`, `    ${" ".repeat(Math.min(column - 1, 120))}^`];
}
