/** Which folder is served: extra.heroku.document-root of composer.json, or the one that has index.php. */

import { existsSync, lstatSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BuildFailure, info, warn } from "../../lib/output.ts";
import type { Build } from "./build.ts";
import { insideApp } from "./composer-json.ts";

const INDEX = ["index.php", "index.html", "index.htm"];
/** Where frameworks have it: Laravel, Symfony, CakePHP and Yii, Drupal. */
const USUAL = [".", "public", "web", "webroot"];
/** What else Heroku's first PHP buildpacks read there, and what does the same here. */
const INSTEAD: Record<string, string> = {
  "php-config": "write it into .user.ini in the document root, or into a file for -i",
  "php-includes": "name the file with -F in the Procfile",
  "nginx-includes": "name the file with -C in the Procfile",
  "log-files": "name them with -l in the Procfile",
  "index-document": "write an index directive into a file for -C",
  compile: 'write it as the script "compile" of composer.json',
  engines: 'write PHP\'s version into "require" as "php"',
};

/** Notes for heroku-php-apache2 and heroku-php-nginx what to serve where their call does not say it. @throws BuildFailure when it is no folder. */
export function noteDocumentRoot({ buildDir, manifest: { heroku } }: Build): void {
  for (const key of Object.keys(heroku)) {
    if (key !== "document-root") warn(`"extra.heroku.${key}" in composer.json is not supported${Object.hasOwn(INSTEAD, key) ? `: ${INSTEAD[key]}.` : "."}`);
  }
  const root = askedFor(buildDir, heroku["document-root"]) ?? USUAL.find((folder) => INDEX.some((name) => existsSync(join(buildDir, folder, name))));
  if (root === undefined || root === ".") return;
  info(`Document root: ${root}/`);
  mkdirSync(join(buildDir, ".heroku/php"), { recursive: true });
  writeFileSync(join(buildDir, ".heroku/php/document-root"), root);
}

function askedFor(buildDir: string, asked: unknown): string | undefined {
  if (asked === undefined) return undefined;
  if (typeof asked !== "string" || asked === "") throw new BuildFailure('"extra.heroku.document-root" in composer.json must be the name of a folder.');
  const root = insideApp(asked, '"extra.heroku.document-root" in composer.json');
  if (!lstatSync(join(buildDir, root), { throwIfNoEntry: false })?.isDirectory()) throw new BuildFailure(`"extra.heroku.document-root" in composer.json is "${asked}", but there is no such folder.`, "Is it committed? Correct its name, commit and push again.");
  return root;
}
