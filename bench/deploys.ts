/**
 * `npm run bench:deploys [seconds] [apps]`: pushes one after another, over several apps in turn, while all of them are asked all the time.
 * Prints how many deploys an hour that makes, the time from push to live, and the requests that failed. By default 10 minutes, 5 apps.
 */

import { startLoad, type Load } from "../test/support/load.ts";
import { repositoryOf } from "../test/support/app-folder.ts";
import { releasedVersion } from "../test/support/deployed-app.ts";
import { removeWorkspaces, workspace, type Workspace } from "../test/support/git-client.ts";
import { mixedApp } from "../test/support/mixed-app.ts";
import { startMixedLoad } from "../test/support/mixed-load.ts";
import { startPaas } from "../test/support/paas.ts";
import setup from "../test/setup/global-setup.ts";

const SECONDS = Number(process.argv[2] ?? 600);
const APPS = Number(process.argv[3] ?? 5);
/** Requests a second: on the app with every kind of traffic, and on each of the others. */
const MIXED_PER_SECOND = 50;
const PER_SECOND = 20;
const STREAMS = 5;
const DRAIN_SECONDS = 3;
/** Often enough to see when a release is live; oftener, the asking itself took a tenth of the machine. */
const POLL_MS = 20;
const MIXED = "mixed";

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const tearDown = await setup();
const paas = await startPaas({ PAAS_DRAIN_SECONDS: String(DRAIN_SECONDS), PAAS_SLUGS_KEPT: "2", PAAS_BUILDS_AHEAD: String(APPS + 1) });
try {
  const apps = new Map<string, { repository: Workspace; version: number }>();
  apps.set(MIXED, { repository: await workspace(), version: 0 });
  for (let i = 2; i <= APPS; i++) apps.set(`hello-${i}`, { repository: await repositoryOf("examples/hello-node"), version: 0 });
  const change = (name: string, text: string): Promise<string> => of(name).repository.commit(name === MIXED ? mixedApp(text) : { "version.txt": text });
  const of = (name: string): { repository: Workspace; version: number } => apps.get(name) ?? { repository: never(name), version: 0 };

  const push = async (name: string): Promise<number> => {
    const app = of(name);
    const began = performance.now();
    const pushing = app.repository.push(paas.remote(name));
    const live = app.version === 0 ? undefined : untilServes(name, app.version + 1);
    const result = await pushing;
    if (result.code !== 0) throw new Error(`the push to ${name} was rejected:\n${result.output}`);
    app.version = releasedVersion(result);
    return ((await live) ?? performance.now()) - began;
  };
  for (const name of apps.keys()) {
    await change(name, "first");
    say(`${name}: first push ${Math.round(await push(name))} ms`);
  }

  const mixed = await startMixedLoad({ port: paas.routerPort, app: MIXED, perSecond: MIXED_PER_SECOND, streams: STREAMS, drainMs: DRAIN_SECONDS * 1000 });
  mixed.acknowledged(of(MIXED).version);
  const loads: Load[] = [...apps.keys()].filter((name) => name !== MIXED).map((name) => startLoad(paas.routerPort, name, PER_SECOND));

  const times: number[] = [];
  const names = [...apps.keys()];
  const nameAt = (number: number): string => names[number % names.length] as string;
  const began = performance.now();
  await change(nameAt(0), "0");
  for (let number = 0; performance.now() - began < SECONDS * 1000; number++) {
    const name = nameAt(number);
    if (name === MIXED) mixed.changing();
    // Whoever develops the next app commits meanwhile.
    const [ms] = await Promise.all([push(name), names.length > 1 ? change(nameAt(number + 1), String(number + 1)) : undefined]);
    if (names.length === 1) await change(name, String(number + 1));
    if (name === MIXED) mixed.acknowledged(of(MIXED).version);
    times.push(ms);
  }
  const hours = (performance.now() - began) / 3_600_000;

  await Promise.all(loads.map((load) => load.stop()));
  const report = await mixed.stop();
  const failed = loads.flatMap((load) => load.failures()).length + report.failed;
  const requests = loads.reduce((sum, load) => sum + load.count(), report.requests);
  say(`\n${times.length} deploys in ${Math.round(hours * 3600)} s over ${names.length} apps: ${Math.round(times.length / hours)} an hour`);
  say(`push to live: p50 ${quantile(times, 0.5)} ms, p95 ${quantile(times, 0.95)} ms`);
  say(`requests: ${requests}, failed: ${failed}, answered by an old release after the switch: ${report.stale}`);
  for (const reason of [...new Set([...loads.flatMap((load) => load.failures().map((failure) => failure.reason)), ...report.reasons])].slice(0, 10)) say(`  ${reason}`);
  if (failed > 0) process.exitCode = 1;
} finally {
  await paas.remove();
  await removeWorkspaces();
  await tearDown();
}

/** Resolves, with the time, when an answer says that it comes from that release. */
async function untilServes(name: string, version: number): Promise<number> {
  for (const until = performance.now() + 60_000; performance.now() < until; await new Promise((resolve) => setTimeout(resolve, POLL_MS))) {
    const answer = await paas.get(name, "/").catch(() => undefined);
    if (answer?.headers["x-release"] === `v${version}` || answer?.body === `Hello from v${version}\n`) return performance.now();
  }
  throw new Error(`v${version} of ${name} did not answer within a minute`);
}

function quantile(values: number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0);
}

function never(name: string): never {
  throw new Error(`there is no app ${name}`);
}
