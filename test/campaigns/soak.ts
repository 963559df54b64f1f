/** `npm run soak:deploys [requests] [flips] [requests per second]`: the soak of the tests, as long as wanted, with figures. */

import setup from "../setup/global-setup.ts";
import { soak } from "../support/deploy-soak.ts";
import { removeWorkspaces } from "../support/git-client.ts";
import type { LoadReport, StreamCounts, Times } from "../support/load-record.ts";

const [requests = "1000000", flips = "500", perSecond = "500"] = process.argv.slice(2);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

let told = 0;
const tearDown = await setup();
try {
  say(`${requests} requests at ${perSecond} a second over ${flips} flips`);
  const report = await soak({
    requests: Number(requests), flips: Number(flips), perSecond: Number(perSecond),
    onFlip: (flip, change, ms, soFar) => {
      say(row(flip, change, ms, soFar));
      tellReasons(soFar);
    },
  });
  say(`requests: ${report.requests} in ${Math.round(report.seconds)} s, flips: ${report.flips}, failed: ${report.failed}, stale answers: ${report.stale}, held back: ${report.heldBack} times`);
  say(`steady: ${times(report.steady)}`);
  say(`during flips: ${times(report.changing)}`);
  say(`event streams: ${streams(report.events)}`);
  say(`WebSockets: ${streams(report.sockets)}`);
  tellReasons(report);
  if (report.failed > 0) process.exitCode = 1;
} finally {
  await removeWorkspaces();
  await tearDown();
}

/** Why requests failed, as soon as it is known. */
function tellReasons({ reasons }: LoadReport): void {
  for (const reason of reasons.slice(told)) say(`  ${reason}`);
  told = reasons.length;
}

function row(flip: number, change: string, ms: number, { requests: ended, failed, stale, changing }: LoadReport): string {
  return `${String(flip).padStart(4)}  ${change.padEnd(8)} ${String(Math.round(ms)).padStart(5)} ms  ${String(ended).padStart(7)} requests, ${failed} failed, ${stale} stale, p99 during flips ${changing.p99Ms.toFixed(1)} ms`;
}

function times({ count, p50Ms, p99Ms, maxMs }: Times): string {
  return `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, most ${maxMs.toFixed(0)} ms (${count} answers)`;
}

function streams({ opened, messages, endedByDrain }: StreamCounts): string {
  return `${opened} opened, ${messages} messages, ${endedByDrain} closed at the end of a drain`;
}
