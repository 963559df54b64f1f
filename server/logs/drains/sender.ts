/** What the kinds of drains have in common. */

import type { LogLine } from "../line.ts";

/** A batch keeps its id when it is sent again, so that a receiver can tell. */
export type Batch = { id: string; lines: LogLine[] };

export type Sender = {
  /** Resolves when the receiver has the batch, as far as the protocol lets us know. @throws Error: it may or may not have it */
  send(batch: Batch): Promise<void>;
  close(): void;
};
