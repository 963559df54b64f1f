/** Git LFS (github.com/git-lfs/git-lfs: docs/spec.md): the content of some files lies elsewhere, and a few lines that point at it were pushed. */

import { invalidParams, type AppError } from "../errors.ts";
import { shown } from "./shown.ts";

export const MAX_GITATTRIBUTES_BYTES = 256 * 1024;
/** A pointer has less than 1,024 octets, so no larger file need be looked into. */
export const MAX_POINTER_BYTES = 1023;
const MAX_NAMED = 5;

/** Whether .gitattributes sends files there (gitattributes(5)). */
export function usesLfs(gitattributes: string): boolean {
  return gitattributes.includes("filter=lfs");
}

/** Whether that is all that there is of a file. */
export function isPointer(content: Buffer): boolean {
  return content.length <= MAX_POINTER_BYTES && content.toString("latin1").startsWith("version https://git-lfs.github.com/spec/v1\n");
}

/** What the pusher is told, as by buildpacks/pointers. @param ignoreFile where the build is told what to leave out */
export function contentMissing(paths: string[], ignoreFile: string): AppError {
  const more = paths.length > MAX_NAMED ? [`and ${paths.length - MAX_NAMED} more`] : [];
  return invalidParams(
    [
      `Git LFS keeps the content of these files elsewhere, and it was not pushed: ${[...paths.slice(0, MAX_NAMED).map(shown), ...more].join(", ")}.`,
      "Put the files themselves into the repository: git lfs migrate export --include='*', commit and push again.",
      `Where the app runs without them, name them in ${ignoreFile}.`,
    ].join("\n"),
  );
}
