/** What all connections of one router process share. */

import type { Certificates } from "./certificates.ts";
import type { AccessLog } from "./access-log.ts";
import type { Limits } from "./limits.ts";
import type { ResponseHead } from "./response-head.ts";
import type { Table } from "./table.ts";

export type RouterState = {
  readonly limits: Limits;
  readonly table: Table;
  readonly certificates: Certificates;
  /** ACME's challenges: the answer for each token. */
  readonly challenges: Map<string, string>;
  readonly responseHead: ResponseHead;
  readonly accessLog: AccessLog | null;
  /** The port that redirects to TLS lead to; null where TLS is not served. */
  tlsPort: number | null;
  /** `performance.now()` of the last tick: exact enough for windows of many seconds, and free. */
  now: number;
  /** The process is going down: every response says `Connection: close`. */
  closing: boolean;
};
