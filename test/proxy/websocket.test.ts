import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { type RawClient, rawClient, statuses } from "../support/proxy-client.ts";
import { type TestRouter, routeTo, testRouter } from "../support/proxy-router.ts";
import { type RawConnection, type RawUpstream, answering, rawUpstream, response } from "../support/proxy-upstream.ts";

const UPGRADE = "GET /ws HTTP/1.1\r\nHost: app.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: x\r\n\r\n";
const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: y\r\n\r\n";

let router: TestRouter;
let upstreams: RawUpstream[] = [];
beforeEach(async () => void (router = await testRouter({ lingerMs: 200 })));
afterEach(async () => {
  await router.close();
  for (const upstream of upstreams.splice(0)) await upstream.close();
});

async function app(...args: Parameters<typeof rawUpstream>): Promise<RawUpstream> {
  const made = await rawUpstream(...args);
  upstreams.push(made);
  await router.router.switchTo(routeTo([made.port]));
  return made;
}

describe("a WebSocket", () => {
  it("carries frames of every size both ways, octet for octet", async () => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(server, "listening");
    server.on("connection", (socket) => socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary })));
    await router.router.switchTo(routeTo([(server.address() as { port: number }).port]));
    const socket = new WebSocket(`ws://127.0.0.1:${router.port}/`, { headers: { host: "app.test" } });
    await once(socket, "open");
    for (const size of [0, 1, 125, 126, 65_535, 65_536, 4_000_000]) {
      const sent = randomBytes(size);
      socket.send(sent);
      const [got] = (await once(socket, "message")) as [Buffer];
      expect(createHash("sha256").update(got).digest("hex")).toBe(createHash("sha256").update(sent).digest("hex"));
    }
    socket.close(4000, "bye");
    expect(await once(socket, "close")).toEqual([4000, Buffer.from("bye")]);
    server.close();
  });

  it("is asked for in the app with exactly one Upgrade, and early octets wait for the 101", async () => {
    const echo = await app(() => {});
    const client = await rawClient(router.port);
    client.send(`${UPGRADE}early`);
    while (!echo.received().includes("\r\n\r\n")) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(echo.received()).toMatch(/Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n$/);
    echo.connections[0]!.socket.write(`${SWITCH}hello`);
    expect(await client.until(/hello$/)).toMatch(/^HTTP\/1\.1 101 [^]*\r\nUpgrade: websocket\r\n[^]*Sec-WebSocket-Accept: y\r\n/);
    while (!echo.received().endsWith("early")) await new Promise((resolve) => setTimeout(resolve, 5));
    client.socket.destroy();
    await echo.connections[0]!.closed;
  });

  it("that the app declines ends the connection, and what was sent behind it never reaches the app", async () => {
    const plain = await app(answering(response("no")));
    const client = await rawClient(router.port);
    client.send(`${UPGRADE}GET /smuggled HTTP/1.1\r\nHost: app.test\r\n\r\n`);
    const { text } = await client.closed();
    expect(statuses(text)).toEqual([200]);
    expect(plain.received()).not.toContain("smuggled");
    expect(router.lines).toHaveLength(1);
  });

  it("is the only protocol that is switched to", async () => {
    const plain = await app(answering(response("plain")));
    const client = await rawClient(router.port);
    client.send(UPGRADE.replace("WebSocket", "h2c").replace("Sec-WebSocket-Key: x", "HTTP2-Settings: x"));
    await client.until(/plain$/);
    expect(plain.received()).not.toMatch(/upgrade|settings/i);
    client.socket.destroy();
  });

  it("opened by an app that nobody asked is a bad response", async () => {
    await app(answering(SWITCH));
    const client = await rawClient(router.port);
    client.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n");
    expect(statuses(await client.until(/<\/html>/))).toEqual([502]);
    client.socket.destroy();
  });

  it("stays on the old release after a flip, until the drain's time is over: then both sides see a FIN", async () => {
    const old = await app(({ received, socket }) => received.endsWith("\r\n\r\n") && socket.write(SWITCH));
    const [route] = router.router.routes();
    const client = await rawClient(router.port);
    client.send(UPGRADE);
    await client.until(/101/);
    const next = await rawUpstream(answering(response("next")));
    upstreams.push(next);
    await router.router.switchTo(routeTo([next.port]));
    const drained = router.router.drain([route!.targets[0]!.id], 2_000);
    client.send("still");
    while (!old.received().endsWith("still")) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await drained).toEqual({ cut: 1 });
    expect((await client.closed()).error).toBeNull();
    await old.connections[0]!.closed;
  });

  it("that is silent both ways for the rolling time is closed (H15)", async () => {
    await router.close();
    router = await testRouter({ lingerMs: 200, rollingMs: 1_000 });
    await app(({ received, socket }) => received.endsWith("\r\n\r\n") && socket.write(SWITCH));
    const client = await rawClient(router.port);
    client.send(UPGRADE);
    await client.closed();
    expect(router.lines[0]).toMatch(/^at=error code=H15 .* status=101 /);
  });

  it("ends on the app's side when the client's side ends, and the other way round", async () => {
    const echo = await app(({ received, socket }) => received.endsWith("\r\n\r\n") && socket.write(SWITCH));
    const one = await rawClient(router.port);
    one.send(UPGRADE);
    await one.until(/101/);
    one.socket.end();
    await echo.connections[0]!.closed;
    await one.closed();
    const two = await rawClient(router.port);
    two.send(UPGRADE);
    await two.until(/101/);
    echo.connections[1]!.socket.end();
    await two.closed();
    expect(router.lines.every((line) => line.includes("at=info"))).toBe(true);
  });

  it("is one of 1,000 that stay open over a flip, each on its own release, and are all closed by a FIN at the end of the drain", async () => {
    await router.close();
    router = await testRouter({ lingerMs: 200 });
    const echo = ({ received, socket }: RawConnection): unknown => socket.write(received.endsWith("\r\n\r\n") ? SWITCH : received.slice(received.lastIndexOf("<")));
    const old = await app(echo);
    const [route] = router.router.routes();
    const clients: RawClient[] = [];
    for (let i = 0; i < 1_000; i += 50) clients.push(...(await Promise.all(Array.from({ length: 50 }, () => rawClient(router.port)))));
    for (const client of clients) client.send(UPGRADE);
    await Promise.all(clients.map((client) => client.until(/101[^]*\r\n\r\n$/)));
    const next = await app(echo);
    clients.forEach((client, i) => client.send(`<${i}>`));
    await Promise.all(clients.map((client, i) => client.until(new RegExp(`\r\n\r\n<${i}>$`))));
    expect([old.connections.length, next.connections.length]).toEqual([1_000, 0]);
    expect(await router.router.drain([route!.targets[0]!.id], 100)).toEqual({ cut: 1_000 });
    const ends = await Promise.all(clients.map((client) => client.closed()));
    expect(ends.filter(({ error }) => error !== null)).toEqual([]);
    await Promise.all(old.connections.map(({ closed }) => closed));
    expect((await router.router.health()).inFlight).toBe(0);
  });
});
