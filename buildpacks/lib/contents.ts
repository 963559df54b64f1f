/**
 * What a build left in the app, file by file, and how that differs from what the slug below holds (buildpacks/differences).
 *
 *     node contents.mjs note APP FILE [FOLDER...]             writes to FILE what lies in APP, but for those folders
 *     node contents.mjs compare APP FILE FOLDER [FOLDER...]   writes to FOLDER, of what FILE said of the slug below: `changed`, paths in APP that
 *                                                             are not as they were, and `gone`, paths that are there no more (NUL after each)
 *
 * Prints how many bytes of files there are, and how many of them `changed` names. Ends with status 1 where it cannot say, as of a file that
 * the build's own user may not read.
 */

import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync, type Dirent } from "node:fs";
import { topmost } from "./folder-listing.ts";

/** Kind and mode, size, time in ms, and the content's checksum or the link's target. */
type What = { kind: string; bytes: number; time: number; content: string };
/** By path; names are octets, each of them a character here. */
type Contents = Map<string, What>;

/** From here on a file is none of those that interpreters keep compiled under its time: .py, .rb, .yml. */
const NO_SOURCE_BYTES = 256 * 1024;
/** npm gives every file the time at which it unpacked it; Node.js does not look at it. */
const TIMELESS = /(^|\/)node_modules\//;
/** Cargo makes anew what is older than that of which it is made. */
const COMPARED_BY_AGE = /(^|\/)target\/([^/]+\/){1,2}(deps|build|examples)\//;

function main([verb, app = "", file = "", ...rest]: string[]): void {
  const excluded = verb === "note" ? rest : rest.slice(1);
  const now = contentsOf(app, new Set(excluded));
  let changed: string[] = [];
  if (verb === "note") {
    writeFileSync(file, listed([...now].flatMap(([path, what]) => [path, JSON.stringify(what)])));
  } else {
    const before = read(file);
    changed = [...now].filter(([path, what]) => !isSame(path, before.get(path), what)).map(([path]) => path);
    const gone = topmost([...before.keys()].filter((path) => kindOf(now.get(path)) !== kindOf(before.get(path))));
    writeFileSync(`${rest[0]}/changed`, listed(changed));
    writeFileSync(`${rest[0]}/gone`, listed(gone));
  }
  const bytes = (paths: Iterable<string>): number => [...paths].reduce((sum, path) => sum + (now.get(path)?.bytes ?? 0), 0);
  console.log(bytes(now.keys()), bytes(changed));
}

function contentsOf(app: string, excluded: Set<string>): Contents {
  const contents: Contents = new Map();
  const look = (folder: string): void => {
    for (const entry of readdirSync(octets(folder === "" ? app : `${app}/${folder}`), { encoding: "buffer", withFileTypes: true }) as unknown as Dirent<Buffer>[]) {
      const path = `${folder === "" ? "" : `${folder}/`}${entry.name.toString("latin1")}`;
      if (excluded.has(path)) continue;
      contents.set(path, whatIs(octets(`${app}/${path}`)));
      if (entry.isDirectory()) look(path);
    }
  };
  look("");
  return contents;
}

function whatIs(path: Buffer): What {
  const found = lstatSync(path);
  const mode = (found.mode & 0o7777).toString(8);
  // A folder's time is that of what happened in it.
  if (found.isDirectory()) return { kind: `folder ${mode}`, bytes: 0, time: 0, content: "" };
  if (found.isSymbolicLink()) return { kind: "link", bytes: 0, time: 0, content: readlinkSync(path, "latin1") };
  if (!found.isFile()) throw new Error("neither a file nor a folder nor a link");
  return { kind: `file ${mode}`, bytes: found.size, time: Math.trunc(found.mtimeMs), content: createHash("sha256").update(readFileSync(path)).digest("base64") };
}

function isSame(path: string, before: What | undefined, now: What): boolean {
  if (before?.kind !== now.kind || before.content !== now.content) return false;
  if (before.time === now.time) return true;
  return !COMPARED_BY_AGE.test(path) && (now.bytes >= NO_SOURCE_BYTES || TIMELESS.test(path));
}

/** What must be away before another thing can stand there. */
const kindOf = (what: What | undefined): string | undefined => what?.kind.split(" ")[0];

function read(file: string): Contents {
  const parts = readFileSync(file, "latin1").split("\0");
  const contents: Contents = new Map();
  for (let i = 0; i + 1 < parts.length; i += 2) contents.set(parts[i] ?? "", JSON.parse(parts[i + 1] ?? "") as What);
  return contents;
}

const octets = (text: string): Buffer => Buffer.from(text, "latin1");
const listed = (texts: string[]): Buffer => octets(texts.map((text) => `${text}\0`).join(""));

try {
  main(process.argv.slice(2));
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
}
