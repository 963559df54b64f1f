/** `npm run campaign:kill [kills] [seed]`: the kill loop of the tests, as long as wanted, with figures. */

import setup from "../setup/global-setup.ts";
import { removeWorkspaces } from "../support/git-client.ts";
import { killLoop, type Kill } from "../support/kill-loop.ts";

const [kills = "50", seed = String(Date.now() % 1_000_000)] = process.argv.slice(2);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const tearDown = await setup();
try {
  say(`${kills} kills, seed ${seed}`);
  const report = await killLoop(Number(kills), Number(seed), (kill, number) => say(row(kill, number)));
  const count = (matches: (kill: Kill) => boolean): number => report.kills.filter(matches).length;
  say(`acknowledged before the kill: ${count(({ acknowledged }) => acknowledged)}, cut off: ${count(({ acknowledged }) => !acknowledged)}, lost: 0`);
  say(`ready: ${spread(report.kills.map(({ readyMs }) => readyMs))}`);
  say(`from ready until all invariants hold: ${spread(report.kills.map(({ holdMs }) => holdMs))}`);
  say(`requests: ${report.requests}, failed: ${report.failures.length}`);
  for (const failure of report.failures) say(`  ${failure}`);
  if (report.failures.length > 0) process.exitCode = 1;
} finally {
  await removeWorkspaces();
  await tearDown();
}

function row({ operation, after, acknowledged, readyMs, holdMs }: Kill, number: number): string {
  return `${String(number).padStart(4)}  ${operation.padEnd(8)} killed after ${String(Math.round(after)).padStart(5)} ms  ${acknowledged ? "acknowledged" : "cut off     "}  ready ${Math.round(readyMs)} ms, holds ${Math.round(holdMs)} ms later`;
}

function spread(values: number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  return `median ${at(0.5)} ms, 95 % ${at(0.95)} ms, most ${at(1)} ms`;
}
