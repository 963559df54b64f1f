import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import http from "node:http";
import net from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { KEPT_CONNECTIONS, startLoad } from "../support/load.ts";
import { overload } from "../support/overload.ts";
import { rawClient } from "../support/proxy-client.ts";
import { routeTo } from "../support/proxy-router.ts";
import { type RawUpstream, rawUpstream, response } from "../support/proxy-upstream.ts";
import { ROUTER_MAIN, type RouterChild, routerChild } from "../support/router-child.ts";

const HOSTS = { hosts: ["app.localhost"] };
const GET = "GET / HTTP/1.1\r\nHost: app.localhost\r\n\r\n";

let router: RouterChild;
const servers: http.Server[] = [];
const upstreams: RawUpstream[] = [];
afterEach(async () => {
  await router.close();
  for (const server of servers.splice(0)) server.closeAllConnections(), server.close();
  for (const upstream of upstreams.splice(0)) await upstream.close();
});

/** An app that answers `text`. @returns its port */
async function app(text: string): Promise<number> {
  const server = http.createServer((_request, reply) => reply.end(text)).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return (server.address() as { port: number }).port;
}

async function raw(...args: Parameters<typeof rawUpstream>): Promise<RawUpstream> {
  const upstream = await rawUpstream(...args);
  upstreams.push(upstream);
  return upstream;
}

/** Resolves when another router than `pid` answers the control socket. */
async function successorOf(pid: number): Promise<void> {
  await expect.poll(() => router.client.health().then((health) => health.pid, () => pid), { timeout: 5_000 * overload() }).not.toBe(pid);
}

const ended = (pid: number) => expect.poll(() => { try { process.kill(pid, 0); return "lives"; } catch { return "ended"; } }, { timeout: 5_000 * overload() }).toBe("ended");

describe("a router with several workers", () => {
  it("counts a flip as done when every worker follows it: a thousand new connections after it reach the new dyno alone", async () => {
    router = await routerChild("--workers", "3");
    await router.client.switchTo(routeTo([await app("old")], HOSTS));
    const text = () => fetchText(router.port);
    expect(await text()).toBe("old");
    await router.client.switchTo(routeTo([await app("new")], HOSTS));
    const seen = new Set<string>();
    for (let round = 0; round < 20; round++) for (const body of await Promise.all(Array.from({ length: 50 }, text))) seen.add(body);
    expect([...seen]).toEqual(["new"]);
    expect((await router.client.health()).workers).toHaveLength(3);
  });

  it("loses to the SIGKILL of a worker at most what was in flight in it, refuses nobody, and replaces it at once", async () => {
    router = await routerChild("--workers", "2");
    await router.client.switchTo(routeTo([await app("well")], HOSTS));
    const load = startLoad(router.port, "app", 200);
    await load.more(100);
    const before = (await router.client.health()).workers;
    // A request may also be on its way on a kept connection that is just being closed.
    const most = load.inFlight() + KEPT_CONNECTIONS;
    process.kill(before[0]!, "SIGKILL");
    await expect.poll(async () => (await router.client.health()).workers.filter((pid) => !before.includes(pid)), { timeout: 5_000 * overload() }).toHaveLength(1);
    await load.more(200);
    await load.stop();
    expect(load.failures().filter(({ reason }) => !/socket hang up|ECONNRESET/.test(reason))).toEqual([]);
    expect(load.failures().length).toBeLessThanOrEqual(most);
    expect(router.complaints()).toContain("a worker died and is replaced");
    // The one that came knows the routes of today.
    await router.client.switchTo(routeTo([await app("changed")], HOSTS));
    const bodies = await Promise.all(Array.from({ length: 100 }, () => fetchText(router.port)));
    expect(new Set(bodies)).toEqual(new Set(["changed"]));
  });

  it("keeps new connections waiting, and refuses none, while its only worker is replaced", async () => {
    router = await routerChild();
    await router.client.switchTo(routeTo([await app("well")], HOSTS));
    process.kill((await router.client.health()).workers[0]!, "SIGKILL");
    expect(await Promise.all(Array.from({ length: 20 }, () => fetchText(router.port)))).toEqual(Array.from({ length: 20 }, () => "well"));
  });

  it("kills a worker that hangs, so that the others' flips go on", { timeout: 30_000 * overload() }, async () => {
    router = await routerChild("--workers", "2");
    await router.client.switchTo(routeTo([await app("old")], HOSTS));
    const [hanging] = (await router.client.health()).workers;
    process.kill(hanging!, "SIGSTOP");
    const port = await app("new");
    const route = routeTo([port], HOSTS);
    for (;;) {
      // The first call may outlast its caller's patience; asking again is what it is for.
      if (await router.client.switchTo(route).then(() => true, ({ id }: { id: string }) => (expect(id).toBe("router_timeout"), false))) break;
    }
    await ended(hanging!);
    expect(await fetchText(router.port)).toBe("new");
  });
});

describe("an upgrade of the router", () => {
  it("under load, five times, refuses no connection and fails no request, and each leaves no process behind", { timeout: 60_000 * overload() }, async () => {
    router = await routerChild("--workers", "2");
    await router.client.switchTo(routeTo([await app("well")], HOSTS));
    const load = startLoad(router.port, "app", 300);
    await load.more(100);
    const before: number[] = [];
    for (let round = 0; round < 5; round++) {
      const { pid, port, workers } = await router.client.health();
      before.push(pid, ...workers);
      const successor = await router.client.upgrade();
      await successorOf(pid);
      expect(await router.client.health()).toMatchObject({ pid: successor.pid, port });
      await load.more(200);
      // Routes change and are followed, by the successor.
      await router.client.switchTo(routeTo([await app("well")], HOSTS));
      await load.more(100);
    }
    await load.stop();
    expect(load.failures()).toEqual([]);
    for (const pid of before) await ended(pid);
  });

  it("ends the predecessor and its workers with their last connection; a keep-alive connection gets its next answer first", async () => {
    router = await routerChild();
    await router.client.switchTo(routeTo([await app("well")], HOSTS));
    const kept = await rawClient(router.port);
    kept.send(GET);
    await kept.until(/well$/);
    const { pid, workers } = await router.client.health();
    await router.client.upgrade();
    await successorOf(pid);
    kept.send(GET);
    expect((await kept.closed()).text).toMatch(/Connection: close\r\n\r\nwell$/);
    await ended(workers[0]!);
    await ended(pid);
    expect(await fetchText(router.port)).toBe("well");
  });

  it("goes on draining what the predecessor has in flight, and sends what it still takes where the route now leads", async () => {
    router = await routerChild();
    const slow = await raw(() => {});
    const route = routeTo([slow.port], HOSTS);
    await router.client.switchTo(route);
    const waiting = await rawClient(router.port);
    waiting.send(GET);
    await expect.poll(() => slow.received()).not.toBe("");
    const idle = await rawClient(router.port);
    const { pid } = await router.client.health();
    await router.client.upgrade();
    await successorOf(pid);
    expect((await router.client.health()).inFlight).toBe(1);
    await router.client.switchTo(routeTo([await app("new")], HOSTS));
    const drained = router.client.drain([route.targets[0]!.id], 60_000);
    idle.send(GET);
    expect((await idle.closed()).text).toMatch(/new$/);
    slow.connections[0]!.socket.write(response("finished"));
    expect(await drained).toEqual({ cut: 0 });
    expect((await waiting.closed()).text).toMatch(/finished$/);
  });

  it("that cannot start is refused with the reason, and the router serves on and can change", async () => {
    router = await routerChild();
    await router.client.switchTo(routeTo([await app("well")], HOSTS));
    const broken = join(router.folder, "broken.ts");
    await writeFile(broken, "throw new Error('not today');\n");
    await expect(router.client.upgrade({ script: broken })).rejects.toMatchObject({ id: "upgrade_failed" });
    expect((await router.client.health()).pid).toBe(router.child.pid);
    await router.client.switchTo(routeTo([await app("changed")], HOSTS));
    expect(await fetchText(router.port)).toBe("changed");
  });

  it("takes other arguments: as many workers as the new settings say", async () => {
    router = await routerChild();
    await router.client.switchTo(routeTo([await app("well")], HOSTS));
    const args = ["--port", String(router.port), "--socket", router.controlPath, "--snapshot", join(router.folder, "routes.json"), "--workers", "3"];
    const { pid } = await router.client.health();
    await router.client.upgrade({ program: process.execPath, script: ROUTER_MAIN, args });
    await successorOf(pid);
    expect((await router.client.health()).workers).toHaveLength(3);
    expect(await fetchText(router.port)).toBe("well");
  });
});

describe("the log of all workers", () => {
  it("is followed over the control socket from now on, line by line", async () => {
    router = await routerChild("--workers", "2");
    await router.client.switchTo(routeTo([await app("well")], HOSTS));
    const following = http.request({ socketPath: router.controlPath, path: "/log" }).end();
    const [reply] = (await once(following, "response")) as [http.IncomingMessage];
    let text = "";
    reply.on("data", (piece: Buffer) => (text += piece.toString("latin1")));
    await Promise.all(Array.from({ length: 30 }, (_, n) => fetchText(router.port, `/${n}`)));
    await expect.poll(() => text.split("\n").length, { timeout: 5_000 * overload() }).toBe(31);
    const paths = [...text.matchAll(/^at=info method=GET path="\/(\d+)" host=app\.localhost .* status=200 bytes=\d+ protocol=http$/gm)].map(([, n]) => Number(n));
    expect(paths.sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, n) => n));
    following.destroy();
  });
});

describe("a listening address", () => {
  it("that another program has is reported, and the router does not start", async () => {
    const taken = net.createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as { port: number };
    await expect(routerChild("--port", String(port))).rejects.toThrow("EADDRINUSE");
    taken.close();
    router = await routerChild();
  });
});

function fetchText(port: number, path = "/"): Promise<string> {
  return new Promise((resolve, reject) => {
    const asking = http.request({ host: "127.0.0.1", port, path, agent: false, headers: { host: "app.localhost" } }, (reply) => {
      let body = "";
      reply.on("data", (piece: Buffer) => (body += piece.toString()));
      reply.on("end", () => resolve(body));
      reply.on("error", reject);
    });
    asking.on("error", reject).end();
  });
}
