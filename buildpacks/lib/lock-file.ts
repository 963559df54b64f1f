/** Files that a package manager writes, and people commit. */

import { BuildFailure } from "./output.ts";

/** @param again the command that writes the file anew. @throws BuildFailure when an unsettled merge stands in it. */
export function refuseUnmerged(file: string, text: string, again: string): void {
  if (/^(<{7}|={7}|>{7})/m.test(text)) throw new BuildFailure(`${file} is the leftover of a merge.`, `Resolve the conflict, run \`${again}\`, commit and push again.`);
}
