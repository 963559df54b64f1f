/** An app without a live dyno for a moment: its requests are held, not refused, for a bounded time. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type DeafServer, deafServer } from "../support/deaf-server.ts";
import { overload } from "../support/overload.ts";
import { type RawClient, rawClient, statuses, talk } from "../support/proxy-client.ts";
import { type TestRouter, routeTo, testRouter } from "../support/proxy-router.ts";
import { type RawUpstream, answering, rawUpstream, response } from "../support/proxy-upstream.ts";

const GET = "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 4\r\n\r\nbody";
const PAGE = /<\/html>\n$/;

let router: TestRouter;
const clients: RawClient[] = [];
const upstreams: RawUpstream[] = [];
let deaf: DeafServer | undefined;
/** What a request is held for at the most, and what it may take where nothing holds it. */
const HELD_MS = 60_000;
const AT_ONCE_MS = 5_000;
beforeEach(async () => void (router = await testRouter({ refusedMs: HELD_MS, connectMs: HELD_MS })));
afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.destroy();
  await router.close();
  for (const upstream of upstreams.splice(0)) await upstream.close();
  deaf?.close();
  deaf = undefined;
});

async function ask(text: string): Promise<RawClient> {
  const client = await rawClient(router.port);
  clients.push(client);
  client.send(text);
  return client;
}

async function app(...args: Parameters<typeof rawUpstream>): Promise<RawUpstream> {
  const made = await rawUpstream(...args);
  upstreams.push(made);
  return made;
}

async function routerWith(limits: Parameters<typeof testRouter>[0]): Promise<void> {
  await router.close();
  router = await testRouter(limits);
}

const inFlight = async (): Promise<number> => (await router.router.health()).inFlight;
const logged = (): string[] => router.lines.map((line) => /code=(H\d\d)/.exec(line)?.[1] ?? "info");

describe("an app whose only dyno has crashed", () => {
  it("has its requests held, and the next dyno answers all of them at once", async () => {
    await router.router.switchTo(routeTo([], { unavailable: "H10" }));
    const waiting = [await ask(GET), await ask(POST), await ask(GET)];
    await expect.poll(inFlight).toBe(3);
    const next = await app(answering(response("next")));
    const flipped = performance.now();
    await router.router.switchTo(routeTo([next.port]));
    for (const client of waiting) expect(statuses(await client.until(/next$|html/))).toEqual([200]);
    // Far less than the time that they would have been held.
    expect(performance.now() - flipped).toBeLessThan(AT_ONCE_MS * overload());
    expect(next.received()).toContain("\r\n\r\nbody");
    expect(logged()).toEqual(["info", "info", "info"]);
  });

  it("and does not come back in time is H10, and from then on at once", async () => {
    await routerWith({ refusedMs: 3_000 });
    const crashed = performance.now();
    await router.router.switchTo(routeTo([], { unavailable: "H10" }));
    expect(await talk(router.port, GET, PAGE)).toContain("H10");
    expect(performance.now() - crashed).toBeGreaterThan(2_990);
    // Told once more that there is none: that is no new crash.
    await router.router.switchTo(routeTo([], { unavailable: "H10" }));
    const later = performance.now();
    expect(statuses(await talk(router.port, GET, PAGE))).toEqual([503]);
    expect(performance.now() - later).toBeLessThan(2_900);
    expect(logged()).toEqual(["H10", "H10"]);
  });

  it("is scaled to none, or destroyed, meanwhile: its requests hear of it at once", async () => {
    await router.router.switchTo(routeTo([], { unavailable: "H10" }));
    const first = await ask(GET);
    await expect.poll(inFlight).toBe(1);
    await router.router.switchTo(routeTo([], { unavailable: "H14" }));
    expect(await first.until(PAGE)).toContain("H14");
    await router.router.switchTo(routeTo([], { unavailable: "H10" }));
    const second = await ask(GET);
    await expect.poll(inFlight).toBe(1);
    await router.router.remove("app");
    expect(statuses(await second.until(PAGE))).toEqual([404]);
  });

  it("gets nothing of a request whose client has gone meanwhile", async () => {
    await router.router.switchTo(routeTo([], { unavailable: "H10" }));
    const client = await ask(GET);
    await expect.poll(inFlight).toBe(1);
    client.socket.destroy();
    await expect.poll(logged).toEqual(["H27"]);
    const next = await app(answering(response("next")));
    await router.router.switchTo(routeTo([next.port]));
    expect(statuses(await talk(router.port, GET, /next$/))).toEqual([200]);
    expect(next.received().match(/GET/g)).toHaveLength(1);
  });

  it("holds no more of a long body than may be kept, and sends all of it to the next dyno", async () => {
    await routerWith({ replayBytes: 10_000 });
    await router.router.switchTo(routeTo([], { unavailable: "H10" }));
    const size = 30_000_000;
    const client = await ask(`POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: ${size}\r\n\r\n`);
    client.socket.write(Buffer.alloc(size, "x"));
    await expect.poll(inFlight).toBe(1);
    let taken = 0;
    const next = await app(({ socket, received }) => {
      taken = received.length - received.indexOf("\r\n\r\n") - 4;
      if (taken === size) socket.write(response("all"));
    });
    // The client's side is stopped: most of it is still on the client's side of the kernel's buffers.
    expect(client.socket.writableLength).toBeGreaterThan(size / 2);
    await router.router.switchTo(routeTo([next.port]));
    expect(statuses(await client.until(/all$|html/))).toEqual([200]);
    expect(taken).toBe(size);
  });
});

describe("an app that has no dyno on purpose", () => {
  for (const code of ["H14", "H80", "H81"] as const)
    it(`is ${code} at once`, async () => {
      await router.router.switchTo(routeTo([], { unavailable: code }));
      const began = performance.now();
      expect(await talk(router.port, GET, PAGE)).toContain(code);
      expect(performance.now() - began).toBeLessThan(AT_ONCE_MS * overload());
    });
});

describe("a request on its way to a dyno that has gone without a word", () => {
  it("follows the flip at once, whatever its method, and is logged once", async () => {
    deaf = await deafServer();
    await router.router.switchTo(routeTo([deaf.port]));
    const waiting = [await ask(GET), await ask(POST)];
    await expect.poll(inFlight).toBe(2);
    const next = await app(answering(response("next")));
    const flipped = performance.now();
    await router.router.switchTo(routeTo([next.port]));
    for (const client of waiting) expect(statuses(await client.until(/next$|html/))).toEqual([200]);
    expect(performance.now() - flipped).toBeLessThan(AT_ONCE_MS * overload());
    expect(logged()).toEqual(["info", "info"]);
  });

  it("is held while its route is empty after the crash, then goes to the next dyno", async () => {
    deaf = await deafServer();
    await router.router.switchTo(routeTo([deaf.port]));
    const client = await ask(POST);
    await expect.poll(inFlight).toBe(1);
    await router.router.switchTo(routeTo([], { unavailable: "H10" }));
    expect(client.received()).toBe("");
    const next = await app(answering(response("next")));
    const flipped = performance.now();
    await router.router.switchTo(routeTo([next.port]));
    expect(statuses(await client.until(/next$|html/))).toEqual([200]);
    expect(performance.now() - flipped).toBeLessThan(AT_ONCE_MS * overload());
  });
});
