/** A buildpack as people name it: one of ours, or somebody else's by its address (devcenter: buildpacks, buildpack-registry). */

import { invalidParams } from "../errors.ts";

export type Buildpack =
  /** One of ours: the name of its folder. */
  | { kind: "own"; folder: string }
  /** A git repository, at a branch, tag or commit of it. */
  | { kind: "git"; url: string; ref: string | undefined }
  /** A tar archive, compressed with gzip. */
  | { kind: "archive"; url: string }
  /** A folder of the app, such as `./buildpack`. */
  | { kind: "folder"; path: string };

export const MAX_BUILDPACKS = 20;
export const MAX_BUILDPACK_LENGTH = 2000;
const REGISTRY_NAME = /^(?:urn:buildpack:)?(?:([a-z0-9][\w-]*)\/)?([a-z0-9][\w-]*)$/i;
/** What the heroku CLI makes of a name of the registry. */
const REGISTRY_URL = /^https:\/\/(?:buildpack-registry|codon-buildpacks)\.s3\.amazonaws\.com\/buildpacks\/([\w-]+\/[\w-]+)\.tgz$/i;
const REF = /^(?!.*(\.\.|\/\/))[A-Za-z0-9_][\w./+-]{0,199}$/;
const FOLDER = /^\.(\/(?!\.\.?(\/|$))[\w.-]{1,100}){1,10}$/;
/** Those that Heroku has under its own name; what else is ours has our name. */
const OF_HEROKU = new Set(["nodejs", "python", "ruby", "go", "php", "java", "scala", "clojure", "gradle"]);
/** Folders of ours that do what several of Heroku's buildpacks do. */
const SAME_AS: Record<string, string> = { gradle: "java", jvm: "java" };

/**
 * Reads a name of the registry (`heroku/nodejs`, with or without `urn:buildpack:`), an https URL of a git repository (`#` and a branch, tag or
 * commit after it) or of a .tgz or .tar.gz, or a folder of the app.
 * @param field what an error calls it @param own the folders of our buildpacks
 * @throws AppError invalid_params
 */
export function parseBuildpack(given: string, field: string, own: readonly string[]): Buildpack {
  const text = given.trim();
  if (text.length > MAX_BUILDPACK_LENGTH || !/^[\x21-\x7e]+$/.test(text)) throw invalidParams(`${field}: must be one line of at most ${MAX_BUILDPACK_LENGTH} printable ASCII characters without blanks.`);
  const [, , name] = REGISTRY_NAME.exec(REGISTRY_URL.exec(text)?.[1] ?? text) ?? [];
  if (name !== undefined) {
    const folder = ownFolder(name.toLowerCase(), own);
    if (folder !== undefined) return { kind: "own", folder };
    if (!REGISTRY_URL.test(text)) throw invalidParams(`${field}: there is no buildpack named ${text}. Known: ${own.map(registryName).join(", ")}; another one by the URL of its git repository.`);
  }
  if (text.startsWith("./")) {
    if (!FOLDER.test(text)) throw invalidParams(`${field}: a folder of the app is written as ./buildpack, without "..".`);
    return { kind: "folder", path: text };
  }
  return parseUrl(text, field);
}

function ownFolder(name: string, own: readonly string[]): string | undefined {
  return [name, SAME_AS[name]].find((folder) => folder !== undefined && own.includes(folder));
}

function parseUrl(text: string, field: string): Buildpack {
  const url = URL.parse(text);
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:"))
    throw invalidParams(`${field}: must be a name such as heroku/nodejs, an https:// URL of a git repository or of a .tgz, or a folder of the app such as ./buildpack.`);
  const ref = url.hash.slice(1);
  url.hash = "";
  if (/\.(tgz|tar\.gz)$/.test(url.pathname)) {
    if (ref !== "") throw invalidParams(`${field}: an archive has no branches: leave out #${ref}.`);
    return { kind: "archive", url: url.href };
  }
  if (ref !== "" && !REF.test(ref)) throw invalidParams(`${field}: what follows # must be the name of a branch or tag, or a commit.`);
  return { kind: "git", url: url.href, ref: ref === "" ? undefined : ref };
}

/** As it is kept, and as other objects name it in Heroku's form. It may hold a password. */
export function buildpackRef(buildpack: Buildpack): { name: string; url: string } {
  if (buildpack.kind === "own") return { name: registryName(buildpack.folder), url: `urn:buildpack:${registryName(buildpack.folder)}` };
  const url = buildpack.kind === "folder" ? buildpack.path : buildpack.kind === "archive" ? buildpack.url : withRef(buildpack.url, buildpack.ref);
  return { name: REGISTRY_URL.exec(url)?.[1] ?? url, url };
}

/** As everybody may see it, in one word: of a URL without user name, password and query. */
export function shownBuildpack(buildpack: Buildpack): string {
  if (buildpack.kind === "own") return buildpack.folder;
  if (buildpack.kind === "folder") return buildpack.path;
  const url = new URL(buildpack.url);
  url.username = url.password = url.search = "";
  return buildpack.kind === "git" ? withRef(url.href, buildpack.ref) : url.href;
}

/** Namespace and name in the registry of a buildpack of ours. */
export function registryName(folder: string): string {
  return `${OF_HEROKU.has(folder) ? "heroku" : "paas"}/${folder}`;
}

function withRef(url: string, ref: string | undefined): string {
  return ref === undefined ? url : `${url}#${ref}`;
}

export const MAX_BUILDPACKS_FILE_BYTES = 16 * 1024;

/**
 * Reads a `.buildpacks` file: one a line, `#` starts a comment line (heroku-buildpack-multi).
 * @throws AppError invalid_params naming the line
 */
export function parseBuildpacksFile(bytes: Uint8Array, own: readonly string[]): Buildpack[] {
  const lines = new TextDecoder().decode(bytes).split("\n").map((line) => line.trim());
  const buildpacks = lines.flatMap((line, index) => (line === "" || line.startsWith("#") ? [] : [parseBuildpack(line, `.buildpacks, line ${index + 1}`, own)]));
  if (buildpacks.length > MAX_BUILDPACKS) throw invalidParams(`.buildpacks: names more than ${MAX_BUILDPACKS} buildpacks.`);
  return buildpacks;
}
