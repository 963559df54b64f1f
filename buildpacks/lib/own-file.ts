/** Files of the source tree, read with care: they are whatever was pushed. */

import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BuildFailure } from "./output.ts";

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
