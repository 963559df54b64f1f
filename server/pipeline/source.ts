/** The tree that is to be built, as the pipeline sees it: git or the sources own where it lies. */

import type { Readable } from "node:stream";

export type Source = {
  /** Full commit id; of an archive its version (domain/source-version.ts). */
  commit: string;
  /** The first line of the commit's message, where there is one. */
  subject?(): Promise<string>;
  /** The time of the commit in whole seconds since 1970; of an archive that of its newest file at the top, where there is one. */
  epoch(): Promise<number | undefined>;
  /** The tree as one tar stream, nothing left out (`export-ignore` does not hold). What goes wrong reaches the stream as 'error'. */
  archive(signal: AbortSignal): Readable;
  /**
   * A regular file (mode 100644 or 100755) at the top of the tree; undefined when there is none.
   * @throws AppError invalid_params when it is a symlink, a folder or larger than `maxBytes`.
   */
  readFile(path: string, maxBytes: number): Promise<Buffer | undefined>;
};

/** Where the branches lie that were pushed. */
export type Branches = {
  /** The tree that the app's branch points at; undefined where there is no such branch. */
  find(appId: string, branch: string): Promise<Source | undefined>;
  /** Idempotent. */
  remove(appId: string, branch: string): Promise<void>;
};
