/** bin/compile of the static buildpack: checks the site and leaves what `serve` needs. */

import { createHash } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, realpathSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BuildFailure, info, tellFailures } from "../../lib/output.ts";
import { nginxConf } from "./nginx-conf.ts";
import { readStaticJson, type Site } from "./static-json.ts";

const ROOTS = ["public_html", ".", "public", "dist"];
const NOT_SERVED = new Set([".git", ".heroku", ".profile.d", "node_modules"]);
const SERVE = "/opt/paas/buildpacks/static/serve";

const [appDir = ""] = process.argv.slice(2);

await tellFailures(compile);

function compile(): void {
  const site = readStaticJson(appDir);
  const folder = rootOf(site);
  const root = join(appDir, folder);
  checkTargets(site, root);
  const count = markByContent(root, root);
  info(`Serving ${count} ${count === 1 ? "file" : "files"} from ${folder === "." ? "the top of the repository" : `${folder}/`}`);

  mkdirSync(join(appDir, ".heroku/static"), { recursive: true });
  writeFileSync(join(appDir, ".heroku/static/nginx.conf"), nginxConf(site, root, folder === "."));
  if (!existsSync(join(appDir, "bin/boot"))) {
    mkdirSync(join(appDir, "bin"), { recursive: true });
    writeFileSync(join(appDir, "bin/boot"), `#!/bin/bash\nexec ${SERVE}\n`, { mode: 0o755 });
  }
}

function rootOf({ root }: Site): string {
  if (root !== undefined) {
    if (!lstatSync(join(appDir, root), { throwIfNoEntry: false })?.isDirectory()) throw new BuildFailure(`"root" in static.json is "${root}", but there is no such folder.`, "Is it committed? What a build makes must be made before this buildpack runs.");
    return root;
  }
  const found = ROOTS.find((folder) => existsSync(join(appDir, folder, "index.html")));
  if (found === undefined) throw new BuildFailure("There is no index.html, neither at the top nor in public_html, public or dist.", 'Name the folder in static.json: {"root": "…"}.');
  return found;
}

function checkTargets({ routes, errorPage }: Site, root: string): void {
  for (const [pattern, target] of routes) {
    if (!target.endsWith("/") && !existsSync(join(root, target))) throw new BuildFailure(`routes["${pattern}"] in static.json leads to "${target}", which the site does not have.`);
  }
  if (errorPage && !existsSync(join(root, errorPage))) throw new BuildFailure(`"error_page" in static.json is "${errorPage}", which the site does not have.`);
}

/**
 * Gives every file a time that is made of its content, so that nginx's ETag (time and size) changes with the content alone: not with
 * each release, as the commit's time would. Links out of the site are refused: they would publish files of the dyno.
 */
function markByContent(folder: string, root: string): number {
  let count = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (NOT_SERVED.has(entry.name)) continue;
    if (entry.isSymbolicLink()) checkLink(path, root);
    if (entry.isDirectory()) count += markByContent(path, root);
    if (!entry.isFile()) continue;
    const seconds = createHash("sha256").update(readFileSync(path)).digest().readUInt32BE() >>> 1;
    utimesSync(path, seconds, seconds);
    count++;
  }
  return count;
}

function checkLink(path: string, root: string): void {
  const shown = path.slice(root.length + 1);
  let target: string;
  try {
    target = realpathSync(path);
  } catch {
    throw new BuildFailure(`${shown} is a link to nothing.`);
  }
  if (target !== root && !target.startsWith(`${root}/`)) throw new BuildFailure(`${shown} is a link out of the site: it would publish a file that is not part of it.`);
}
