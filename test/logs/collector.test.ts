/** What real dynos print comes into the history: all of it, once, over restarts, floods and the dyno's end. */

import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { createCollector, type Collector } from "../../server/logs/collector.ts";
import { createHistory, type History } from "../../server/logs/history.ts";
import { createHub, type Hub } from "../../server/logs/hub.ts";
import { createClock, type LogLine } from "../../server/logs/line.ts";
import { install, type Installation } from "../engine/workshop.ts";
import { overload } from "../support/overload.ts";

const MB = 1024 * 1024;
let ours: Installation;
beforeAll(async () => void (ours = await install()));
afterAll(() => ours.clear());

type House = { history: History; hub: Hub; collector: Collector; ends: string[]; failures: unknown[]; lines(appId: string): Promise<LogLine[]>; printed(appId: string, text: string): Promise<void> };

/** A control plane's log system on a folder, as after a start. */
async function open(dir: string): Promise<House> {
  const failures: unknown[] = [];
  const ends: string[] = [];
  const history = createHistory({ dir: join(dir, "apps"), maxBytes: 64 * MB, maxTotalBytes: 1000 * MB, onFailure: (error) => failures.push(error) });
  const hub = createHub(history, createClock());
  const onEnd: Parameters<typeof createCollector>[0]["onEnd"] = (dyno, { code }, mark) => {
    ends.push(`${dyno.name} ${code}`);
    hub.write(dyno.appId, { source: "heroku", ps: dyno.name, release: dyno.releaseVersion, text: `Process exited with status ${code}`, mark });
  };
  const collector = createCollector({ engine: ours.engine, hub, history, file: join(dir, "positions.json"), onEnd, onFailure: (error) => failures.push(error) });
  await collector.start();
  const house: House = {
    history, hub, collector, ends, failures,
    async lines(appId) {
      await history.flush();
      return (await history.last(appId, {}, 1_000_000, history.end(appId))).map(({ line }) => line);
    },
    printed: (appId, text) => new Promise((resolve) => {
      const stop = hub.subscribe(appId, (line) => line.text.includes(text) && done());
      const done = (): void => (stop(), resolve());
      void house.lines(appId).then((lines) => lines.some((line) => line.text.includes(text)) && done());
    }),
  };
  return house;
}

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), "paas-collector-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const texts = async (house: House, appId: string): Promise<string[]> => (await house.lines(appId)).map(({ text }) => text);

test("what a dyno prints on both channels becomes lines with its name, its release and the engine's time; its end comes behind its last words", async () => {
  const house = await open(folder());
  onTestFinished(() => house.collector.stop());
  const appId = randomUUID();
  const spec = ours.spec("printf 'out é\\r\\n\\n'; echo err >&2; printf '\\033[31mred\\033[0m \\033[2Jcleared\\n'; printf 'half'; exit 3", { appId, releaseVersion: 41, type: "worker", number: 2 });
  const dyno = await ours.engine.startDyno(spec);
  await house.printed(appId, "Process exited");
  const lines = await house.lines(appId);
  expect(lines.filter(({ text }) => text !== "err").map(({ text }) => text)).toEqual(["out é", "", "\x1b[31mred\x1b[0m ␛[2Jcleared", "half", "Process exited with status 3"]);
  for (const line of lines.slice(0, -1)) expect(line).toMatchObject({ source: "app", ps: "worker.2", release: 41, at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/) as string });
  expect(lines.map(({ text }) => text)).toContain("err");
  await ours.engine.discardDyno(dyno.id, 0);
});

test("a dyno that is discarded at once loses none of its last words", async () => {
  const house = await open(folder());
  onTestFinished(() => house.collector.stop());
  const appId = randomUUID();
  const dyno = await ours.engine.startDyno(ours.spec("trap 'seq 30000; exit 0' TERM; echo ready; while :; do sleep 0.05; done", { appId }));
  await house.printed(appId, "ready");
  await ours.engine.discardDyno(dyno.id, 30_000);
  // The shell says itself that its sleep was ended.
  expect((await texts(house, appId)).filter((text) => text !== "Terminated")).toEqual(["ready", ...Array.from({ length: 30_000 }, (_, index) => String(index + 1)), "Process exited with status 0"]);
});

test("nothing is lost or doubled when the control plane is killed and started again while dynos print and end", async () => {
  const dir = folder();
  const appId = randomUUID();
  let house = await open(dir);
  const chatter = "for i in $(seq 1 2000); do echo out $i; [ $((i % 2)) = 0 ] && echo err $i >&2; [ $((i % 20)) = 0 ] && sleep 0.02; done; exec sleep 100";
  const dyno = await ours.engine.startDyno(ours.spec(chatter, { appId }));
  const short = await ours.engine.startDyno(ours.spec("sleep 1; echo gone while nobody looked; exit 7", { appId, number: 2 }));
  for (const mark of [300, 900, 1500]) {
    await house.printed(appId, `out ${mark}`);
    // A crash: nothing is flushed in order, what was not written is lost with the process.
    await house.history.flush();
    await house.collector.stop();
    if (mark === 900) rmSync(join(dir, "positions.json"), { force: true });
    if (mark === 300) await ours.engine.waitForExit(short.id);
    house = await open(dir);
  }
  onTestFinished(() => house.collector.stop());
  await house.printed(appId, "out 2000");
  await house.printed(appId, "err 2000");
  const all = await texts(house, appId);
  expect(all.filter((text) => text.startsWith("out"))).toEqual(Array.from({ length: 2000 }, (_, index) => `out ${index + 1}`));
  expect(all.filter((text) => text.startsWith("err"))).toEqual(Array.from({ length: 1000 }, (_, index) => `err ${2 * index + 2}`));
  expect(all.filter((text) => text.includes("gone while"))).toHaveLength(1);
  expect(all.filter((text) => text.includes("exited"))).toEqual(["Process exited with status 7"]);
  await ours.engine.discardDyno(dyno.id, 0);
});

test("a line longer than 10,000 bytes is cut where no character is split; one of 1 MB and octets that are no text come through", async () => {
  const house = await open(folder());
  onTestFinished(() => house.collector.stop());
  const appId = randomUUID();
  await ours.engine.startDyno(ours.spec("printf 'é%.0s' $(seq 6000); echo; head -c 1000000 /dev/zero | tr '\\0' x; echo; printf '\\377\\000\\233\\n'; echo end", { appId }));
  await house.printed(appId, "Process exited");
  const all = await texts(house, appId);
  expect(all.every((text) => Buffer.byteLength(text) <= 10_000)).toBe(true);
  expect(all.filter((text) => text.startsWith("é")).join("")).toBe("é".repeat(6000));
  expect(all.filter((text) => text.startsWith("x")).join("")).toBe("x".repeat(1_000_000));
  expect(all.slice(-3)).toEqual(["\ufffd␀\ufffd", "end", "Process exited with status 0"]);
});

test("a dyno that floods is slowed down and told so; what is dropped is counted; our memory and another dyno's lines do not suffer", async () => {
  const house = await open(folder());
  onTestFinished(() => house.collector.stop());
  const [noisy, quiet] = [randomUUID(), randomUUID()];
  const before = process.memoryUsage().rss;
  const cpu = process.cpuUsage();
  const flood = await ours.engine.startDyno(ours.spec("exec yes 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789", { appId: noisy }));
  const clock = await ours.engine.startDyno(ours.spec("while :; do date +%s.%N; sleep 0.1; done", { appId: quiet }));
  const late: number[] = [];
  const began = performance.now();
  const { promise: enough, resolve } = Promise.withResolvers<void>();
  house.hub.subscribe(quiet, ({ text }) => {
    late.push(Date.now() - Number(text) * 1000);
    if (late.length === 100) resolve();
  });
  await enough;
  const { user, system } = process.cpuUsage(cpu);
  const tookMs = performance.now() - began;
  const grown = process.memoryUsage().rss - before;
  const { lines = 0, dropped = 0 } = house.hub.counts().get(noisy) ?? {};
  expect(await texts(house, noisy)).toContain("Output is slowed down to 2 MB a second");
  // A machine that stands still for a moment makes the lines of that moment late, and no others.
  expect(late.toSorted((a, b) => a - b)[90]).toBeLessThan(5000 * overload());
  expect(lines).toBeLessThan(600_000);
  // How much is under way when it is slowed down, and so whether any is dropped, depends on the machine.
  expect((await texts(house, noisy)).some((text) => /^Error L12 \(Local buffer overflow\) -> \d+ messages dropped since /.test(text))).toBe(dropped > 0);
  expect(grown).toBeLessThan(150 * MB);
  // 5 s of the 12 that a hundred lines take where nothing else is done, and no greater part where they take longer.
  expect((user + system) / 1000).toBeLessThan(Math.max(5000, (5 / 12) * tookMs));
  await Promise.all([flood, clock].map(({ id }) => ours.engine.discardDyno(id, 0)));
});
