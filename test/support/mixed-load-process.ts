/** The process of a mixed load: `node mixed-load-process.ts PORT APP PER_SECOND STREAMS DRAIN_MS`; see mixed-load.ts. */

import { holdStreams } from "./held-streams.ts";
import { LoadRecord } from "./load-record.ts";
import type { ToLoad } from "./mixed-load.ts";
import { mixedRequests } from "./mixed-requests.ts";

const TICK_MS = 5;
/** What was not started while this process itself stood still is not started all at once: that would be a flood (H11). */
const MOST_PER_TICK = 10;
/** Below what the app's two dynos may have waiting together (H11, 400): when the whole machine stands still, that is not what is asked about. */
const MOST_WITHOUT_END = 250;
const REPORT_MS = 100;
/** Requests that are still without an end then are lost; longer than any of them may be silent. */
const END_MS = 30_000;

const [port, app = "", perSecond, streams, drainMs] = process.argv.slice(2).map((value, i) => (i === 1 ? value : Number(value))) as [number, string, number, number, number];
const record = new LoadRecord(drainMs);
const requests = mixedRequests(port, app, record);
const closeStreams = holdStreams(port, app, streams, record);

const began = performance.now();
let started = 0;
let stopping = false;
// Open loop: requests start on time, however long earlier ones take, up to that many.
const starting = setInterval(() => {
  const due = ((performance.now() - began) / 1000) * perSecond;
  for (let i = 0; i < MOST_PER_TICK && started < due; i++) {
    if (started - record.requests >= MOST_WITHOUT_END) return void (record.heldBack += 1);
    requests.start(started++);
  }
}, TICK_MS);
const reporting = setInterval(() => {
  process.send?.(record.report());
  if (stopping && record.requests === started) end();
}, REPORT_MS);

process.on("message", (message: ToLoad) => {
  if (message.floor !== undefined) record.floor = message.floor;
  if (message.isChanging !== undefined) record.isChanging = message.isChanging;
  if (message.stop === true) stop();
});
process.on("disconnect", () => process.exit(1));

function stop(): void {
  stopping = true;
  clearInterval(starting);
  setTimeout(() => {
    record.fail(`${started - record.requests} requests never ended`);
    end();
  }, END_MS);
}

function end(): void {
  clearInterval(reporting);
  closeStreams();
  requests.close();
  process.send?.(record.report(), () => process.exit(0));
}
