/**
 * `npm run bench:build-pressure [seconds]`: how long a running app takes to answer while others are built: builds that want every core and
 * write to the disk as much as they can, as many at a time as may be, beside the same app when nothing is built. By default 20 s of each.
 */

import { availableParallelism } from "node:os";
import { removeWorkspaces, workspace } from "../test/support/git-client.ts";
import { mixedApp } from "../test/support/mixed-app.ts";
import { startMixedLoad } from "../test/support/mixed-load.ts";
import { startPaas } from "../test/support/paas.ts";
import setup from "../test/setup/global-setup.ts";

const SECONDS = Number(process.argv[2] ?? 20);
const PER_SECOND = 100;
const APP = "served";
const BAR = 3;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const tearDown = await setup();
const paas = await startPaas();
try {
  const served = await workspace();
  await served.commit(mixedApp("served"));
  const { code, output } = await served.push(paas.remote(APP));
  if (code !== 0) throw new Error(output);
  const load = await startMixedLoad({ port: paas.routerPort, app: APP, perSecond: PER_SECOND, streams: 0, drainMs: 0 });
  await load.reached(PER_SECOND * SECONDS);

  load.changing();
  const builds = Array.from({ length: availableParallelism() }, (_, i) => buildBusily(`busy-${i + 1}`));
  await Promise.all(builds);
  load.acknowledged(0);
  const { steady, changing, failed } = await load.stop();

  say(`quiet:          p50 ${steady.p50Ms.toFixed(1)} ms, p99 ${steady.p99Ms.toFixed(1)} ms (${steady.count} answers)`);
  say(`during ${builds.length} builds: p50 ${changing.p50Ms.toFixed(1)} ms, p99 ${changing.p99Ms.toFixed(1)} ms (${changing.count} answers)`);
  say(`ratio of p99: ${(changing.p99Ms / steady.p99Ms).toFixed(1)} (bar: ${BAR}), failed: ${failed}`);
  if (failed > 0) process.exitCode = 1;
} finally {
  await paas.remove();
  await removeWorkspaces();
  await tearDown();
}

/** A push whose build script keeps every core busy, and the disk, as long as the measurement takes. */
async function buildBusily(name: string): Promise<void> {
  const spin = `const end = Date.now() + ${SECONDS * 1000}; while (Date.now() < end) JSON.parse(JSON.stringify(process.versions));`;
  const busy = Array.from({ length: availableParallelism() }, () => `node -e '${spin}' &`).join(" ");
  const write = `node -e 'const end = Date.now() + ${SECONDS * 1000}; while (Date.now() < end) require("fs").writeFileSync("big", Buffer.alloc(5e7, "x"))' &`;
  const repository = await workspace();
  await repository.commit({ "package.json": JSON.stringify({ scripts: { build: `${busy} ${write} wait` } }), "Procfile": "worker: sleep infinity\n", "build.txt": name });
  const { code, output } = await repository.push(paas.remote(name));
  if (code !== 0) throw new Error(output);
}
