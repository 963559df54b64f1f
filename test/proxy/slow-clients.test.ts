/** Clients that are slow on purpose: each is cut or held back, and no other one notices. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { createRouterClient } from "../../proxy/client.ts";
import { overload } from "../support/overload.ts";
import { type RawClient, rawClient, statuses, talk } from "../support/proxy-client.ts";
import { routeTo, testRouter } from "../support/proxy-router.ts";
import { answering, rawUpstream, response } from "../support/proxy-upstream.ts";

const MAIN = new URL("../../proxy/main.ts", import.meta.url).pathname;
const GET = "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n";
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function prepared(limits: Parameters<typeof testRouter>[0], onData: Parameters<typeof rawUpstream>[0]): Promise<{ port: number; lines: string[]; app: Awaited<ReturnType<typeof rawUpstream>> }> {
  const router = await testRouter(limits);
  closing.push(() => router.close());
  const app = await rawUpstream(onData);
  closing.push(() => app.close());
  await router.router.switchTo(routeTo([app.port]));
  return { port: router.port, lines: router.lines, app };
}

describe("1,000 clients that send their heads octet by octet", () => {
  it("are each cut after the head time and do not disturb a normal client", async () => {
    const headMs = 1_500;
    const { port } = await prepared({ headMs }, answering(response("ok")));
    const slow: RawClient[] = [];
    for (let i = 0; i < 1_000; i += 50) slow.push(...(await Promise.all(Array.from({ length: 50 }, () => rawClient(port)))));
    closing.push(() => slow.forEach(({ socket }) => socket.destroy()));
    const began = performance.now();
    for (const client of slow) client.send("GET / HTTP/1.1\r\nHost: app.test\r\nX-Slow: ");
    const dribble = setInterval(() => slow.forEach(({ socket }) => socket.writable && socket.write("x")), 250);
    closing.push(() => clearInterval(dribble));
    const ended = Promise.all(slow.map((client) => client.closed()));
    let over = false;
    void ended.then(() => (over = true));

    const took: number[] = [];
    while (!over) {
      const asked = performance.now();
      expect(statuses(await talk(port, GET, /ok$|<\/html>/))).toEqual([200]);
      took.push(performance.now() - asked);
    }
    expect(performance.now() - began).toBeLessThan((headMs + 5_000) * overload());
    expect((await ended).every(({ text }) => text.startsWith("HTTP/1.1 408 "))).toBe(true);
    expect(took.length).toBeGreaterThan(20);
    expect(took.toSorted((a, b) => a - b)[Math.floor(took.length * 0.95)]).toBeLessThan(200 * overload());
  });
});

describe("a client with a slow body", () => {
  it("that sends an octet within each window is not cut, however long it takes in all", async () => {
    const { port, lines } = await prepared({ rollingMs: 1_500 }, ({ received, socket }) => received.endsWith("0123456789") && socket.write(response("ok")));
    const client = await rawClient(port);
    closing.push(() => client.socket.destroy());
    client.send("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 10\r\n\r\n");
    for (const octet of "0123456789") {
      await sleep(200);
      client.send(octet);
    }
    expect(statuses(await client.until(/ok$|<\/html>/))).toEqual([200]);
    expect(lines).toEqual([expect.stringContaining("at=info")]);
  });
});

describe("100 clients that do not read their answers", () => {
  it("cost the router less than half a megabyte each, their app is held back, and another client is served", async () => {
    const folder = await mkdtemp(join(tmpdir(), "slow-readers-"));
    closing.push(() => rm(folder, { recursive: true }));
    const child = spawn(process.execPath, [MAIN, "--port", "0", "--socket", join(folder, "c.sock"), "--snapshot", join(folder, "routes.json")], { stdio: ["ignore", "pipe", "inherit"] });
    closing.push(async () => {
      child.kill("SIGKILL");
      await once(child, "exit");
    });
    const [line] = (await once(createInterface(child.stdout), "line")) as [string];
    const { port } = JSON.parse(line) as { port: number };

    const block = Buffer.alloc(1_000_000, "x");
    let sent = 0;
    const app = await rawUpstream(({ socket, received }) => {
      if (!received.startsWith("GET /endless")) return void socket.write(response("ok"));
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      const more = (): void => {
        sent += block.length;
        if (socket.write(block)) setImmediate(more);
      };
      socket.on("drain", more);
      more();
    });
    closing.push(() => app.close());
    await createRouterClient(join(folder, "c.sock")).switchTo(routeTo([app.port]));
    for (let i = 0; i < 50; i++) await talk(port, GET, /ok$/);
    const before = await residentKb(child.pid!);
    const readers = await Promise.all(Array.from({ length: 100 }, () => rawClient(port)));
    closing.push(() => readers.forEach(({ socket }) => socket.destroy()));
    for (const { socket } of readers) {
      socket.pause();
      socket.write(GET.replace("/ ", "/endless "));
    }
    // Until nothing moves any more: every buffer between app and client is full.
    for (let last = -1; last !== sent; await sleep(300)) last = sent;
    expect(sent).toBeGreaterThan(100 * block.length - 1);
    expect((await residentKb(child.pid!)) - before).toBeLessThan(100 * 512);
    expect(statuses(await talk(port, GET, /ok$/))).toEqual([200]);
  });
});

async function residentKb(pid: number): Promise<number> {
  return Number(/VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1]);
}
