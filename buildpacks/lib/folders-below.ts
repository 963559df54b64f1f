/** Folders of installed dependencies that may stay in the layer below from build to build (buildpacks/keep). */

import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** buildpacks/build, and the host, know it: nothing was done yet, build on a clean image. */
const START_OVER = 69;

/** What the earlier build declared, by folder; empty on a clean image. */
const below = readBelow(process.env["KEPT"]);

/**
 * Whether the app has that folder already, just as the key would make it now.
 * Call it before anything else is done: where the folder is there under another key, the process ends, and the build begins again without it.
 */
export function isBelow(folder: string, key: string | undefined): boolean {
  const found = below.get(folder);
  if (found !== undefined && found !== key) startOver();
  return found !== undefined;
}

/** Whether the earlier build left that folder, whatever is in it. */
export const hasBelow = (folder: string): boolean => below.has(folder);

/** Ends a build on kept folders, if it is one: what they hold is not what this source asks for. */
export function startOver(): void {
  if (below.size > 0) process.exit(START_OVER);
}

/** Lets the next build keep that folder. Nothing but the key may decide what is in it now, and a build that keeps it has to say so again. */
export function declareFolder(folder: string, key: string): void {
  appendFileSync(join(process.env["KEEP"] ?? "", "dependencies"), `${key} ${folder}\n`);
}

/** Leaves a text for the build that keeps the folders. */
export function leaveNotes(name: string, text: string): void {
  writeFileSync(join(process.env["KEEP"] ?? "", name), text);
}

/** What leaveNotes() left in the build that declared them. */
export function notesBelow(name: string): string {
  return readFileSync(join(process.env["KEPT"] ?? "", name), "utf8");
}

function readBelow(notes: string | undefined): Map<string, string> {
  const declared = join(notes ?? "", "dependencies");
  if (!notes || !existsSync(declared)) return new Map();
  const lines = readFileSync(declared, "utf8").split("\n").filter(Boolean);
  return new Map(lines.map((line) => [line.slice(line.indexOf(" ") + 1), line.slice(0, line.indexOf(" "))]));
}
