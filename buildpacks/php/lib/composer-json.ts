/** composer.json, as far as this buildpack has to know it (getcomposer.org/doc/04-schema.md); Composer checks the rest. */

import { normalize } from "node:path";
import { parseJsonObject } from "../../lib/json.ts";
import { BuildFailure } from "../../lib/output.ts";

export type ComposerJson = {
  text: string;
  /** Packages that require and require-dev name, without PHP and its extensions. */
  packages: string[];
  /** Where packages and their programs are put, relative to the app. */
  vendorDir: string;
  binDir: string;
  scripts: Record<string, unknown>;
  /** Heroku's settings. */
  heroku: Record<string, unknown>;
};

type Fields = Record<string, unknown>;

/** What is no package: PHP and its extensions, libraries, Composer's own interfaces. */
const PLATFORM = /^(php(-64bit|-ipv6|-zts|-debug)?|hhvm|composer|(ext|lib|composer)-[\w.-]+|(plugin|runtime)-api)$/i;

/** @throws BuildFailure that names the field. */
export function parseComposerJson(text: string): ComposerJson {
  const fields = parseJsonObject("composer.json", text);
  const config = object(fields, "config");
  const vendorDir = folder(config, "vendor-dir", "vendor");
  return {
    text,
    packages: ["require", "require-dev"].flatMap((field) => Object.keys(object(fields, field))).filter((name) => !PLATFORM.test(name)),
    vendorDir,
    binDir: folder(config, "bin-dir", `${vendorDir}/bin`).replace(/^\{\$vendor-dir\}/, vendorDir),
    scripts: object(fields, "scripts"),
    heroku: object(object(fields, "extra"), "heroku", "extra.heroku"),
  };
}

/** PHP writes an empty object as an empty list. */
function object(fields: Fields, key: string, name = key): Fields {
  const value = fields[key] ?? {};
  if (Array.isArray(value) && value.length === 0) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw new BuildFailure(`"${name}" in composer.json must be an object.`);
  return value as Fields;
}

function folder(config: Fields, key: string, usual: string): string {
  const value = config[key] ?? usual;
  if (typeof value !== "string" || value === "") throw new BuildFailure(`"config.${key}" in composer.json must be the name of a folder.`);
  return insideApp(value, `"config.${key}" in composer.json`);
}

/** @returns the path without slashes at its ends. @throws BuildFailure when it leaves the app. */
export function insideApp(path: string, what: string): string {
  const plain = normalize(path).replace(/\/+$/, "");
  if (plain.startsWith("/") || plain.split("/").includes("..")) throw new BuildFailure(`${what} is "${path}", which leaves the app.`, "Name a folder of this repository, without a slash in front.");
  return plain;
}
