/** What all connections of one router process share. */

import type { AccessLog } from "./access-log.ts";
import type { Limits } from "./limits.ts";
import type { ResponseHead } from "./response-head.ts";
import type { Table } from "./table.ts";

export type RouterState = {
  readonly limits: Limits;
  readonly table: Table;
  readonly responseHead: ResponseHead;
  readonly accessLog: AccessLog | null;
  /** `performance.now()` of the last tick: exact enough for windows of many seconds, and free. */
  now: number;
  /** The process is going down: every response says `Connection: close`. */
  closing: boolean;
};
