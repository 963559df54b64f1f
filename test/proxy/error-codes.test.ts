/** Each of the router's error codes made to happen once as a page and once as JSON: status, words, and exactly one line in the log. */

import net from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Limits } from "../../proxy/limits.ts";
import { deafServer } from "../support/deaf-server.ts";
import { freePort } from "../support/free-port.ts";
import { type RawClient, rawClient, talk } from "../support/proxy-client.ts";
import { type TestRouter, routeTo, testRouter } from "../support/proxy-router.ts";
import { type RawConnection, rawUpstream } from "../support/proxy-upstream.ts";

const WHOLE_ANSWER = /<\/html>\n$|\}\n$/;
/** Short enough for a test; each case names those that it waits for. */
const LIMITS = { refusedMs: 200, setAsideMs: 100, lingerMs: 100, requestsPerTarget: 1 };
/** For those errors alone that time makes: a busy machine would make them of others. */
const SOON = 150;

let router: TestRouter;
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await router.close();
});

const route = (overrides: Parameters<typeof routeTo>[1]) => (): Promise<void> => router.router.switchTo(routeTo([], overrides));

/** An app that does this with each connection that something arrives on. */
const app = (onData: (connection: RawConnection) => unknown) => async (): Promise<void> => {
  const upstream = await rawUpstream(onData);
  closing.push(() => upstream.close());
  await router.router.switchTo(routeTo([upstream.port]));
};

async function client(text: string): Promise<RawClient> {
  const made = await rawClient(router.port);
  closing.push(() => made.socket.destroy());
  made.send(text);
  return made;
}

async function refusing(): Promise<void> {
  await router.router.switchTo(routeTo([await freePort()]));
}

async function deaf(): Promise<void> {
  const server = await deafServer();
  closing.push(() => server.close());
  await router.router.switchTo(routeTo([server.port]));
}

async function full(): Promise<void> {
  await router.close();
  router = await testRouter(LIMITS);
  await app(() => {})();
  await client("GET /first HTTP/1.1\r\nHost: app.test\r\n\r\n");
  await expect.poll(async () => (await router.router.health()).inFlight).toBe(1);
}

/** The machine itself is out of something: what no upstream can be made to show. */
async function outOfFiles(): Promise<void> {
  await router.router.switchTo(routeTo([1]));
  const { connect } = net;
  const spy = vi.spyOn(net, "connect").mockImplementation(((options: net.TcpNetConnectOpts) => {
    if (options.port !== 1) return connect(options);
    return new net.Socket().destroy(Object.assign(new Error("socket: too many open files"), { code: "EMFILE" }));
  }) as typeof net.connect);
  closing.push(() => spy.mockRestore());
}

const request = (accept: string): string => `GET / HTTP/1.1\r\nHost: app.test\r\nAccept: ${accept}\r\n\r\n`;
const posting = (accept: string): string => `POST / HTTP/1.1\r\nHost: app.test\r\nAccept: ${accept}\r\nContent-Length: 2\r\n\r\nx`;

type Case = { code: string; description: string; status: number; id: string; what: string; arrange(): Promise<void>; limits?: Partial<Limits>; ask?: (accept: string) => string };

const CASES: Case[] = [
  { code: "H10", description: "App crashed", status: 503, id: "app_crashed", what: "the only dyno crashed and none comes", arrange: route({ unavailable: "H10" }) },
  { code: "H11", description: "Backlog too deep", status: 503, id: "backlog_too_deep", what: "every dyno has as much waiting as it may", arrange: full },
  { code: "H12", description: "Request timeout", status: 503, id: "request_timeout", what: "no first byte in time", limits: { firstByteMs: SOON }, arrange: app(() => {}) },
  { code: "H13", description: "Connection closed without response", status: 503, id: "closed_without_response", what: "FIN before the status line", arrange: app(({ socket }) => socket.end()) },
  { code: "H13", description: "Connection closed without response", status: 503, id: "closed_without_response", what: "RST before the status line", arrange: app(({ socket }) => socket.resetAndDestroy()) },
  { code: "H14", description: "No web processes running", status: 503, id: "no_web_dynos", what: "scaled to none", arrange: route({ unavailable: "H14" }) },
  { code: "H17", description: "Poorly formatted HTTP response", status: 502, id: "bad_response", what: "garbage for a status line", arrange: app(({ socket }) => socket.write("garbage\r\n\r\n")) },
  { code: "H17", description: "Poorly formatted HTTP response", status: 502, id: "bad_response", what: "interim responses without end", arrange: app(({ socket }) => socket.write("HTTP/1.1 100 Continue\r\n\r\n".repeat(20))) },
  { code: "H17", description: "Poorly formatted HTTP response", status: 502, id: "bad_response", what: "half a head, then FIN", arrange: app(({ socket }) => socket.end("HTTP/1.1 200 OK\r\nContent-Le")) },
  { code: "H19", description: "Backend connection timeout", status: 503, id: "connect_timeout", what: "SYNs that vanish", limits: { connectMs: SOON }, arrange: deaf },
  { code: "H21", description: "Backend connection refused", status: 503, id: "connection_refused", what: "every connection refused", arrange: refusing },
  { code: "H25", description: "HTTP Restriction", status: 502, id: "http_restriction", what: "a response head of more than 512 KiB", arrange: app(({ socket }) => socket.write(`HTTP/1.1 200 OK\r\n${`X: ${"y".repeat(8_000)}\r\n`.repeat(70)}\r\n`)) },
  { code: "H28", description: "Client Connection Idle", status: 408, id: "client_idle", what: "the rest of a body does not come", limits: { rollingMs: SOON }, arrange: app(() => {}), ask: posting },
  { code: "H80", description: "Maintenance mode", status: 503, id: "maintenance", what: "maintenance is on", arrange: route({ unavailable: "H80" }) },
  { code: "H81", description: "Blank app", status: 404, id: "blank_app", what: "no release yet", arrange: route({ unavailable: "H81" }) },
  { code: "H99", description: "Platform error", status: 503, id: "platform_error", what: "the machine is out of file descriptors", arrange: outOfFiles },
];

/** The one line for the request; `full` leaves its first one in flight, which has none yet. */
function lineOf(code: string, description: string, status: number, method = "GET"): RegExp {
  return new RegExp(`^at=error code=${code} desc="${description}" method=${method} path="/" host=app\\.test request_id=[0-9a-f-]{36} fwd="127\\.0\\.0\\.1" dyno=(web\\.1)? connect=\\d+ms service=\\d+ms status=${status} bytes=\\d+ protocol=http$`);
}

describe("an error of the router", () => {
  for (const { code, description, status, id, what, arrange, limits, ask = request } of CASES)
    it(`${code}, ${what}: ${status} as a page and as JSON, and one line each in the log`, async () => {
      router = await testRouter({ ...LIMITS, ...limits });
      await arrange();
      const page = await talk(router.port, ask("text/html"), WHOLE_ANSWER);
      expect(page).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*\r\nContent-Type: text/html; charset=utf-8\r\n[^]*<h1>${status} [^]*<small>${code} \\S+ [0-9a-f-]{36}</small>`));
      // Nothing of the router's insides.
      expect(page).not.toMatch(/at .*\.ts:\d|Error:|EMFILE/);
      const [head, body] = (await talk(router.port, ask("application/json"), WHOLE_ANSWER)).split("\r\n\r\n") as [string, string];
      expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*\r\nContent-Type: application/json\r\n`));
      expect(JSON.parse(body)).toEqual({ id, message: expect.stringMatching(/^[A-Z][^<>]*\.$/) as string });
      expect(router.lines).toHaveLength(2);
      for (const line of router.lines) expect(line).toMatch(lineOf(code, description, status, ask === posting ? "POST" : "GET"));
      // The page's id is the line's.
      expect(page).toContain(/request_id=(\S+)/.exec(router.lines[0]!)![1]!);
    });

  it("H26, a request that is no HTTP: 400, one line in the log", async () => {
    router = await testRouter(LIMITS);
    expect(await talk(router.port, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 [^]*Connection: close[^]*<small>H26 /);
    expect(router.lines).toEqual([expect.stringMatching(/^at=error code=H26 desc="Request Error" .* status=400 /)]);
  });

  it("H15, an app that falls silent in its answer: broken off without an end, one line in the log", async () => {
    router = await testRouter({ ...LIMITS, rollingMs: SOON });
    await app(({ socket }) => socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"))();
    expect(await talk(router.port, request("*/*"))).toMatch(/^HTTP\/1\.1 200 [^]*2\r\nab\r\n$/);
    expect(router.lines).toEqual([expect.stringMatching(lineOf("H15", "Idle connection", 200))]);
  });

  it("H18, an app that resets its connection in its answer: broken off without an end, one line in the log", async () => {
    router = await testRouter(LIMITS);
    const answered = Promise.withResolvers<RawConnection>();
    await app((connection) => connection.socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", () => answered.resolve(connection)))();
    const reading = await client(request("*/*"));
    await reading.until(/ab\r\n$/);
    (await answered.promise).socket.resetAndDestroy();
    expect((await reading.closed()).text).toMatch(/2\r\nab\r\n$/);
    expect(router.lines).toEqual([expect.stringMatching(lineOf("H18", "Server Request Interrupted", 200))]);
  });

  it("H27, a client that goes while the app works: the app's work is aborted, one line with 499 in the log", async () => {
    router = await testRouter(LIMITS);
    const aborted = Promise.withResolvers<void>();
    await app(({ closed }) => void closed.then(aborted.resolve))();
    const gone = await client(request("*/*"));
    await expect.poll(async () => (await router.router.health()).inFlight).toBe(1);
    gone.socket.destroy();
    await aborted.promise;
    expect(router.lines).toEqual([expect.stringMatching(lineOf("H27", "Client Request Interrupted", 499))]);
  });

  it("504 at the end of a drain, one line in the log", async () => {
    router = await testRouter(LIMITS);
    await app(() => {})();
    const [old] = router.router.routes();
    const waiting = await client(request("*/*"));
    await expect.poll(async () => (await router.router.health()).inFlight).toBe(1);
    await app(() => {})();
    expect(await router.router.drain(old!.targets.map(({ id }) => id), 20)).toEqual({ cut: 1 });
    expect(await waiting.until(WHOLE_ANSWER)).toMatch(/^HTTP\/1\.1 504 /);
    expect(router.lines).toEqual([expect.stringMatching(lineOf("H13", "Connection cut at the end of a drain", 504))]);
  });
});
