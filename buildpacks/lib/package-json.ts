/** package.json, read with care: it is whatever was pushed. */

import { parseJsonObject } from "./json.ts";
import { BuildFailure } from "./output.ts";
import { readOwnFile } from "./own-file.ts";

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
  const raw = parseJsonObject("package.json", text);
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
