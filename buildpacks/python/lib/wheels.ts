/** Packages that the repository brings along: wheels or source archives in a folder of a well-known name. */

import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

const FOLDERS = ["wheels", "wheelhouse", "vendor"];
const PACKAGE = /\.(whl|tar\.gz|zip)$/;

/** Those folders of the app that hold packages, relative to it. */
export function wheelFolders(buildDir: string): string[] {
  return FOLDERS.filter((name) => lstatSync(join(buildDir, name), { throwIfNoEntry: false })?.isDirectory() && readdirSync(join(buildDir, name)).some((file) => PACKAGE.test(file)));
}

/** Lets pip and uv find them, beside the index or (PIP_NO_INDEX, UV_NO_INDEX) in its place. */
export function withWheels(env: NodeJS.ProcessEnv, buildDir: string): NodeJS.ProcessEnv {
  const folders = wheelFolders(buildDir).map((name) => join(buildDir, name));
  if (folders.length === 0) return env;
  const links = (name: string, separator: string): string => [...folders, env[name]].filter(Boolean).join(separator);
  return { ...env, PIP_FIND_LINKS: links("PIP_FIND_LINKS", " "), UV_FIND_LINKS: links("UV_FIND_LINKS", ",") };
}
