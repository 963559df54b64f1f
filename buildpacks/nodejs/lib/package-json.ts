/** package.json, read with care: it is whatever was pushed. */

import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BuildFailure } from "../../lib/output.ts";

export type PackageJson = {
  name?: string;
  version?: string;
  scripts: Record<string, string>;
  engines: Record<string, string>;
  packageManager?: string;
  cacheDirectories: string[];
  /** As written. */
  raw: Record<string, unknown>;
};

/** @throws BuildFailure that names the line or the field. */
export function readPackageJson(buildDir: string): PackageJson {
  const text = readOwnFile(buildDir, "package.json");
  if (text === undefined) throw new BuildFailure("There is no package.json at the top of this repository.");
  const raw = parse(text);
  return {
    ...optionalString(raw, "name"),
    ...optionalString(raw, "version"),
    ...optionalString(raw, "packageManager"),
    scripts: strings(raw, "scripts"),
    engines: strings(raw, "engines"),
    cacheDirectories: list(raw, raw["cacheDirectories"] === undefined ? "cache_directories" : "cacheDirectories"),
    raw,
  };
}

/** The text of a file of the source tree; undefined when it is not there. @throws BuildFailure when it is a link. */
export function readOwnFile(buildDir: string, name: string): string | undefined {
  return checkOwnFile(buildDir, name) ? readFileSync(join(buildDir, name), "utf8").replace(/^\uFEFF/, "") : undefined;
}

/** Whether the file is there. Links are refused: through an error message they could show the pusher a file that is not theirs. */
export function checkOwnFile(buildDir: string, name: string): boolean {
  const found = lstatSync(join(buildDir, name), { throwIfNoEntry: false });
  if (found && !found.isFile()) throw new BuildFailure(`${name} is not a regular file.`, `Commit ${name} itself, not a link or a folder of that name.`);
  return found !== undefined;
}

function parse(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new BuildFailure("Unable to parse package.json.", ...where(text, error instanceof Error ? error.message : String(error)), "Fix its syntax, commit and push again.");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new BuildFailure("package.json must hold a JSON object.");
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

function optionalString<Name extends string>(raw: Record<string, unknown>, name: Name): { [name in Name]?: string } {
  const value = raw[name];
  return (typeof value === "string" && value !== "" ? { [name]: value } : {}) as { [name in Name]?: string };
}

function strings(raw: Record<string, unknown>, field: string): Record<string, string> {
  const value = raw[field];
  if (value === undefined || value === null) return {};
  // npm once wrote engines as a list; it means nothing today.
  if (Array.isArray(value) && field === "engines") return {};
  if (typeof value !== "object" || Array.isArray(value)) throw new BuildFailure(`"${field}" in package.json must be an object.`);
  for (const [key, entry] of Object.entries(value)) {
    if (typeof entry !== "string") throw new BuildFailure(`"${field}.${key}" in package.json must be a string.`);
  }
  return value as Record<string, string>;
}

function list(raw: Record<string, unknown>, field: string): string[] {
  const value = raw[field];
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.some((entry) => typeof entry !== "string")) throw new BuildFailure(`"${field}" in package.json must be a list of paths.`);
  return value as string[];
}
