/** .gitmodules (gitmodules(5)): the folders whose files lie in other repositories. */

import { shown } from "./shown.ts";

export const MAX_GITMODULES_BYTES = 256 * 1024;

/** Their paths, in order, as they may be printed. */
export function submodulePaths(text: string): string[] {
  return [...text.matchAll(/^[ \t]*path[ \t]*=[ \t]*"?([^"\r\n]*[^"\s])"?[ \t]*\r?$/gm)].map(([, path = ""]) => shown(path));
}
