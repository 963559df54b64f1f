import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { DynoSpec } from "../../server/engine/engine.ts";
import { networkName } from "../../server/engine/naming.ts";
import { cutOff, empty, hang, hangUp, json, startScriptedDaemon, type Answer, type ScriptedDaemon } from "./scripted-daemon.ts";

const INSTANCE = "11111111-2222-4333-8444-555555555555";
const TOO_LATE = { id: "engine_unavailable", status: 503, message: expect.stringContaining("did not answer in time") as string };
const AWAY = { id: "engine_unavailable", status: 503, message: expect.stringContaining("is not reachable") as string };
const spec: DynoSpec = { appId: "a1", appName: "app", type: "web", number: 1, releaseVersion: 1, image: "sha256:1", command: "x", env: {}, memoryMb: 64, fingerprint: "f" };

let daemon: ScriptedDaemon;

// The time-outs are real; only their clock is the test's.
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  daemon = await startScriptedDaemon(INSTANCE);
});
afterEach(() => void vi.useRealTimers());

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then((value) => `resolved with ${JSON.stringify(value)}`, (reason: unknown) => reason);
}

test.each<[string, Answer, object]>([
  ["hangs up", hangUp, AWAY],
  ["says that it is broken", json({ message: "boom" }, 500), { statusCode: 500 }],
])("ping: an engine that %s", async (_, answer, expected) => {
  daemon.on("GET /_ping", answer);
  expect(await rejection(daemon.engine.ping())).toMatchObject(expected);
});

test("ping: an engine that hangs is given up after 5 seconds", async () => {
  daemon.on("GET /_ping", hang);
  const outcome = rejection(daemon.engine.ping());
  await daemon.asked("GET /_ping");
  vi.advanceTimersByTime(4999);
  expect(await Promise.race([outcome, Promise.resolve("still waiting")])).toBe("still waiting");
  vi.advanceTimersByTime(1);
  expect(await outcome).toMatchObject(TOO_LATE);
});

test("ping: an engine that is not there is unavailable at once", async () => {
  daemon.die();
  expect(await rejection(daemon.engine.ping())).toMatchObject(AWAY);
});

test.each<[string, Answer, object]>([
  ["hangs up", hangUp, AWAY],
  ["says that it is broken", json({ message: "boom" }, 500), { statusCode: 500 }],
  ["does not speak JSON", (response) => void response.end("<html>"), {}],
])("list: an engine that %s is no engine without dynos", async (_, answer, expected) => {
  daemon.on("GET /containers/json", answer);
  const error = await rejection(daemon.engine.dynos());
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject(expected);
});

test.each<[string, Answer]>([
  ["hangs", hang],
  ["breaks off in the middle of its answer", cutOff('[{"Id":"abc","La')],
])("list: an engine that %s is given up after 10 seconds", async (_, answer) => {
  daemon.on("GET /containers/json", answer);
  const outcome = rejection(daemon.engine.dynos());
  await daemon.asked("GET /containers/json");
  vi.advanceTimersByTime(10_000);
  expect(await outcome).toMatchObject(TOO_LATE);
});

/** Everything up to the start goes well. */
function created(): void {
  daemon.on("GET /networks", json([{ Name: networkName(INSTANCE, spec.appId) }]));
  daemon.on("POST /containers/create", json({ Id: "c1" }, 201));
  daemon.on("DELETE /containers/c1", empty(204));
}

test.each<[string, Answer, object]>([
  ["hangs up", hangUp, AWAY],
  ["says that it is broken", json({ message: "boom" }, 500), { statusCode: 500 }],
])("start: where the engine %s, what was created is removed", async (_, answer, expected) => {
  created();
  daemon.on("POST /containers/c1/start", answer);
  expect(await rejection(daemon.engine.startDyno(spec))).toMatchObject(expected);
  await daemon.asked("DELETE /containers/c1");
});

test("start: an engine that hangs is given up after 30 seconds, and what was created is removed", async () => {
  created();
  daemon.on("POST /containers/c1/start", hang);
  const outcome = rejection(daemon.engine.startDyno(spec));
  await daemon.asked("POST /containers/c1/start");
  vi.advanceTimersByTime(30_000);
  await daemon.asked("DELETE /containers/c1");
  expect(await outcome).toMatchObject(TOO_LATE);
});

test("start: what cannot even be removed hides nothing of why the start failed", async () => {
  created();
  daemon.on("POST /containers/c1/start", json({ message: "boom" }, 500));
  daemon.on("DELETE /containers/c1", json({ message: "driver busy" }, 500));
  expect(await rejection(daemon.engine.startDyno(spec))).toMatchObject({ statusCode: 500, message: expect.stringContaining("boom") as string });
});

test.each<[string, Answer]>([
  ["before it said anything", hang],
  ["after it began to answer, as Docker does at once", (response) => response.writeHead(200, { "content-type": "application/json" }).flushHeaders()],
])("wait: an engine that goes away %s is unavailable, and the dyno is not said to have exited", async (_, answer) => {
  daemon.on("POST /containers/c1/wait", answer);
  const outcome = rejection(daemon.engine.waitForExit("c1"));
  await daemon.asked("POST /containers/c1/wait");
  daemon.die();
  expect(await outcome).toMatchObject(AWAY);
});

test("wait: who does not want to know any more is let go", async () => {
  daemon.on("POST /containers/c1/wait", hang);
  const enough = new AbortController();
  const outcome = rejection(daemon.engine.waitForExit("c1", enough.signal));
  await daemon.asked("POST /containers/c1/wait");
  enough.abort();
  expect(await outcome).toBeInstanceOf(Error);
});

test("discard: an engine that hangs is given up after the grace time and 30 seconds", async () => {
  daemon.on("POST /containers/c1/stop", hang);
  const outcome = rejection(daemon.engine.discardDyno("c1", 2000));
  await daemon.asked("POST /containers/c1/stop");
  vi.advanceTimersByTime(32_000);
  expect(await outcome).toMatchObject(TOO_LATE);
});

test("discard: a dyno that is gone, or whose removal is under way, counts as discarded", async () => {
  daemon.on("POST /containers/c1/stop", json({ message: "No such container: c1" }, 404));
  daemon.on("GET /containers/c1/json", json({ message: "No such container: c1" }, 404));
  daemon.on("DELETE /containers/c1", json({ message: "removal of container c1 is already in progress" }, 409));
  expect(await daemon.engine.discardDyno("c1", 1000)).toEqual({ killed: false });
});

test("watch: after each break-off it listens again a second later, and whoever watches is told to look at everything", async () => {
  const heard: unknown[] = [];
  const streams: { write(text: string): void; destroy(): void }[] = [];
  daemon.on("GET /events", (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    streams.push(response);
  });
  const { promise: died, resolve } = Promise.withResolvers<void>();
  const stop = daemon.engine.watch((stopped) => {
    heard.push(stopped ?? "look");
    if (stopped) resolve();
  });
  await daemon.asked("GET /events");
  const event = JSON.stringify({ Actor: { ID: "c1", Attributes: { "paas.app": "a1" } } });
  streams[0]?.write(`${event.slice(0, 20)}`);
  streams[0]?.write(`${event.slice(20)}\n`);
  await died;
  expect(heard.at(-1)).toEqual({ appId: "a1", dynoId: "c1" });

  const before = heard.length;
  streams[0]?.destroy();
  await vi.waitFor(() => {
    vi.advanceTimersByTime(1000);
    expect(heard.slice(before)).toEqual(["look"]);
  }, 30_000);
  expect(streams).toHaveLength(2);
  stop();
});

test("watch: it does not end with a line that is no event", async () => {
  daemon.on("GET /events", (response) => void response.end("not JSON\n"));
  const stop = daemon.engine.watch(() => undefined);
  await daemon.asked("GET /events");
  const again = daemon.asked("GET /events", 3);
  let over = false;
  void again.then(() => (over = true));
  await vi.waitFor(() => {
    vi.advanceTimersByTime(1000);
    expect(over).toBe(true);
  }, 30_000);
  stop();
});

test("network: a subnet that somebody took in between is left to them", async () => {
  created();
  const asked: string[] = [];
  daemon.on("GET /networks", json([{ Name: "bridge", IPAM: { Config: [{ Subnet: "10.213.0.0/26" }] } }]));
  daemon.on("POST /networks/create", (response, request) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString())).on("end", () => {
      asked.push((JSON.parse(body) as { IPAM: { Config: { Subnet: string }[] } }).IPAM.Config[0]?.Subnet ?? "");
      if (asked.length < 3) json({ message: "Pool overlaps with other one on this address space" }, 403)(response, request);
      else json({ Id: "n1" }, 201)(response, request);
    });
  });
  daemon.on("POST /containers/c1/start", empty(204));
  daemon.on("GET /containers/c1/json", json({ State: { Running: true }, NetworkSettings: { Networks: { n: { IPAddress: "10.213.0.2" } } }, Created: "2026-01-01T00:00:00Z" }));
  expect(await daemon.engine.startDyno(spec)).toMatchObject({ id: "c1", name: "web.1", address: "10.213.0.2" });
  expect(asked).toEqual(["10.213.0.64/26", "10.213.0.128/26", "10.213.0.192/26"]);
});

test("network: a range that is used up is told with the setting's name, and what was created meanwhile is removed", async () => {
  created();
  daemon.on("GET /networks", json([{ Name: "all", IPAM: { Config: [{ Subnet: "10.213.0.0/16" }] } }]));
  expect(await rejection(daemon.engine.startDyno(spec))).toMatchObject({ id: "engine_unavailable", message: expect.stringContaining("PAAS_NETWORK_RANGE") as string });
  await daemon.asked("DELETE /containers/c1");
});
