import { Worker } from "node:worker_threads";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import http from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { rawClient, statuses } from "../support/proxy-client.ts";
import { type TestRouter, routeTo, testRouter } from "../support/proxy-router.ts";
import { type RawUpstream, answering, rawUpstream, response } from "../support/proxy-upstream.ts";

let router: TestRouter;
let upstreams: RawUpstream[] = [];
beforeEach(async () => void (router = await testRouter({ lingerMs: 200 })));
afterEach(async () => {
  await router.close();
  for (const upstream of upstreams.splice(0)) await upstream.close();
});

async function made(...args: Parameters<typeof rawUpstream>): Promise<RawUpstream> {
  const upstream = await rawUpstream(...args);
  upstreams.push(upstream);
  return upstream;
}

const GET = "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n";
const LOADER = new URL("../support/proxy-load.ts", import.meta.url);

describe("a flip", () => {
  it("a thousand times under load fails no request, and none that begins after it is answered by the old release", async () => {
    const serve = async (): Promise<{ server: http.Server; port: number; answer: { text: string } }> => {
      const answer = { text: "0" };
      const server = http.createServer((request, reply) => {
        request.resume();
        setTimeout(() => reply.end(answer.text), Math.random() < 0.05 ? 4 : 0);
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      return { server, port: (server.address() as { port: number }).port, answer };
    };
    const [a, b] = [await serve(), await serve()];
    // Shared with the loader: the number of the release in force, written after each flip.
    const current = new Int32Array(new SharedArrayBuffer(4));
    await router.router.switchTo(routeTo([a.port]));
    const loader = new Worker(LOADER, { workerData: { port: router.port, current, connections: 4 } });
    await once(loader, "message");
    let before = "";
    for (let release = 1; release <= 1_000; release++) {
      const next = release % 2 === 0 ? a : b;
      next.answer.text = String(release);
      const route = routeTo([next.port]);
      await router.router.switchTo(route);
      Atomics.store(current, 0, release);
      // Its server comes back under the next number only once nothing is in flight on it.
      await router.router.drain([before], 60_000);
      before = route.targets[0]!.id;
    }
    loader.postMessage("stop");
    const [report] = (await once(loader, "message")) as [{ requests: number; failed: string[]; old: number }];
    expect(report.failed).toEqual([]);
    expect(report.old).toBe(0);
    expect(report.requests).toBeGreaterThan(1_000);
    for (const { server } of [a, b]) {
      server.closeAllConnections();
      server.close();
    }
  }, 150_000);

  it("counts for the next request on a connection that is open already", async () => {
    const [one, two] = [await made(answering(response("one"))), await made(answering(response("two")))];
    await router.router.switchTo(routeTo([one.port]));
    const client = await rawClient(router.port);
    client.send(GET);
    await client.until(/one$/);
    await router.router.switchTo(routeTo([two.port]));
    client.send(GET);
    await client.until(/two$/);
    await one.connections[0]!.closed;
    client.socket.destroy();
  });

  it("lets what is in flight finish on the old release", async () => {
    const old = await made(() => {});
    const fresh = await made(answering(response("new")));
    const route = routeTo([old.port]);
    await router.router.switchTo(route);
    const client = await rawClient(router.port);
    client.send(GET);
    while (old.received() === "") await new Promise((resolve) => setTimeout(resolve, 5));
    await router.router.switchTo(routeTo([fresh.port]));
    const drained = router.router.drain([route.targets[0]!.id], 60_000);
    old.connections[0]!.socket.write(response("old"));
    await client.until(/old$/);
    expect(await drained).toEqual({ cut: 0 });
    await old.connections[0]!.closed;
    client.socket.destroy();
  });

  it("to a host that another route holds is refused, and nothing moves", async () => {
    const app = await made(answering(response("one")));
    await router.router.switchTo(routeTo([app.port]));
    await expect(router.router.switchTo(routeTo([app.port], { id: "other" }))).rejects.toMatchObject({ id: "host_in_use", what: "app.test" });
    expect(router.router.routes().map((route) => route.id)).toEqual(["app"]);
  });

  it("asked for twice changes nothing the second time", async () => {
    const app = await made(answering(response("one")));
    const route = routeTo([app.port]);
    await router.router.switchTo(route);
    await router.router.switchTo(structuredClone(route));
    expect(router.router.routes()).toEqual([route]);
  });

  it("that cannot be written to disk is refused, and traffic stays", async () => {
    const [one, two] = [await made(answering(response("one"))), await made(answering(response("two")))];
    const broken = await testRouter();
    await broken.router.switchTo(routeTo([one.port]));
    await rm(broken.folder, { recursive: true });
    await expect(broken.router.switchTo(routeTo([two.port]))).rejects.toMatchObject({ id: "snapshot_failed", what: "ENOENT" });
    const client = await rawClient(broken.port);
    client.send(GET);
    await client.until(/one$/);
    client.socket.destroy();
    await broken.router.stop();
  });
});

describe("a drain", () => {
  it("refuses a target that is still in a route, and takes an unknown one as drained", async () => {
    const app = await made(answering(response("one")));
    const route = routeTo([app.port]);
    await router.router.switchTo(route);
    await expect(router.router.drain([route.targets[0]!.id], 10)).rejects.toMatchObject({ id: "target_live" });
    expect(await router.router.drain(["never-heard-of"], 10)).toEqual({ cut: 0 });
  });

  it("ends what does not finish in time with 504, and a body under way without a clean end", async () => {
    const app = await made(({ received, socket }) => received.includes("/body") && socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"));
    const route = routeTo([app.port]);
    await router.router.switchTo(route);
    const waiting = await Promise.all(Array.from({ length: 20 }, () => rawClient(router.port)));
    for (const client of waiting) client.send(GET);
    const streaming = await rawClient(router.port);
    streaming.send(GET.replace("/ ", "/body "));
    await streaming.until(/ab\r\n/);
    await router.router.switchTo(routeTo([app.port]));
    expect(await router.router.drain([route.targets[0]!.id], 10)).toEqual({ cut: 21 });
    for (const client of waiting) {
      expect(statuses(await client.until(/<\/html>/))).toEqual([504]);
      client.socket.destroy();
    }
    expect((await streaming.closed()).text).not.toMatch(/0\r\n\r\n$/);
  });
});
