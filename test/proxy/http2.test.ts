import { once } from "node:events";
import { readFile } from "node:fs/promises";
import http from "node:http";
import http2 from "node:http2";
import { join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import tls from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { certificateFor } from "../support/proxy-certificate.ts";
import { FLAG, FRAME, frameClient, literals } from "../support/http2-frames.ts";
import { overload } from "../support/overload.ts";
import { routeTo } from "../support/proxy-router.ts";
import { type RouterChild, routerChild } from "../support/router-child.ts";

type Answer = { status: number; headers: http2.IncomingHttpHeaders; body: string };

let router: RouterChild;
let tlsPort = 0;
let app: http.Server;
let received: { request: http.IncomingMessage; body: string }[] = [];
/** What the app does once it has all of a request. */
let respond: (request: http.IncomingMessage, reply: http.ServerResponse) => void;
let client: http2.ClientHttp2Session;

beforeEach(async () => {
  received = [];
  respond = (request, reply) => reply.end(`${request.method} ${request.url}`);
  app = http.createServer(async (request, reply) => {
    const body = await text(request).catch(() => "cut off");
    received.push({ request, body });
    respond(request, reply);
  }).listen(0, "127.0.0.1");
  await once(app, "listening");
  router = await routerChild("--tls-port", "0");
  tlsPort = (await router.client.health()).tlsPort!;
  await router.client.putCertificate(await certificateFor("one", "app.test"));
  await router.client.switchTo(routed());
  client = connect();
});
afterEach(async () => {
  client.destroy();
  await router.close();
  app.closeAllConnections();
  app.close();
});

const routed = (overrides = {}) => routeTo([(app.address() as { port: number }).port], overrides);
const connect = (): http2.ClientHttp2Session => http2.connect(`https://app.test:${tlsPort}`, { createConnection: () => socketFor("h2") }).on("error", () => undefined);
const socketFor = (protocol: string): tls.TLSSocket => tls.connect({ port: tlsPort, host: "127.0.0.1", servername: "app.test", rejectUnauthorized: false, ALPNProtocols: [protocol] });

async function ask(headers: http2.OutgoingHttpHeaders, body?: string | Buffer, session = client): Promise<Answer> {
  const stream = session.request({ ":authority": "app.test", ":path": "/", ...headers }, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  // Read from the first octet on: a stream that has closed before somebody reads is one that "closed prematurely" to Node.
  const [[answered], answer] = await Promise.all([once(stream, "response") as Promise<[http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader]>, buffer(stream)]);
  return { status: answered[":status"]!, headers: answered, body: answer.toString("latin1") };
}
/** The code that a stream was reset with. */
function resetOf(stream: http2.ClientHttp2Stream): Promise<number> {
  stream.on("error", () => undefined).resume();
  return new Promise((resolve) => stream.on("close", () => resolve(stream.rstCode ?? 0)));
}
const lines = async (): Promise<string> => readFile(join(router.folder, "access.log"), "utf8");

describe("a client that speaks HTTP/2", () => {
  it("is answered by the app, which sees an ordinary request of HTTP/1.1 with the router's own fields", async () => {
    respond = (_request, reply) => reply.writeHead(201, [["X-Own", "1"], ["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"], ["Keep-Alive", "timeout=5"]]).end("made");
    const answer = await ask({ ":method": "POST", ":path": "/x?y=1", "content-type": "text/plain", cookie: ["c=3", "d=4"], "x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "http" }, "hello");
    expect([answer.status, answer.body]).toEqual([201, "made"]);
    expect(answer.headers).toMatchObject({ "x-own": "1", "set-cookie": ["a=1", "b=2"] });
    expect(Object.keys(answer.headers)).not.toContain("keep-alive");
    const { request, body } = received[0]!;
    expect([request.method, request.url, request.httpVersion, body]).toEqual(["POST", "/x?y=1", "1.1", "hello"]);
    expect(request.headers).toMatchObject({ host: "app.test", cookie: "c=3; d=4", "x-forwarded-proto": "https", "x-forwarded-for": "1.2.3.4, 127.0.0.1", "transfer-encoding": "chunked", via: "2.0 paas" });
    await expect.poll(lines).toMatch(/at=info method=POST path="\/x\?y=1" host=app\.test .*status=201 bytes=\d+ protocol=https/);
  });

  it("has many requests under way on one connection, and each gets its own answer whole", async () => {
    respond = (request, reply) => void setTimeout(() => reply.end(request.url!.repeat(20_000)), Math.random() * 20);
    const answers = await Promise.all(Array.from({ length: 90 }, (_, i) => ask({ ":path": `/${i}-` })));
    expect(answers.map(({ body }, i) => body === `/${i}-`.repeat(20_000))).toEqual(answers.map(() => true));
  });

  it("sends and gets large bodies with every octet in its place, though it reads slowly", async () => {
    const large = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
    respond = (_request, reply) => reply.end(large);
    const stream = client.request({ ":method": "PUT", ":authority": "app.test", ":path": "/" });
    stream.end(large);
    const [answered] = (await once(stream, "response")) as [http2.IncomingHttpStatusHeader];
    expect(answered[":status"]).toBe(200);
    stream.pause();
    const other = await ask({ ":path": "/beside" });
    expect(other.body.length).toBe(large.length);
    expect((await buffer(stream)).equals(large)).toBe(true);
    expect(Buffer.from(received[0]!.body).equals(Buffer.from(large.toString()))).toBe(true);
  });

  it.each([["GET", undefined, undefined], ["GET", "a body", undefined], ["DELETE", undefined, "0"], ["POST", undefined, "0"]] as const)(
    "sends a %s with body %j framed exactly once", async (method, body, length) => {
      await ask({ ":method": method }, body);
      const { request, body: arrived } = received[0]!;
      expect([arrived, request.headers["content-length"], request.headers["transfer-encoding"]]).toEqual([body ?? "", length, body === undefined ? undefined : "chunked"]);
      expect(received).toHaveLength(1);
    });

  it("gets no body with HEAD, 204 and 304", async () => {
    respond = (request, reply) => reply.writeHead(Number(request.url!.slice(1)), { "x-own": "1" }).end();
    for (const [method, status] of [["HEAD", 200], ["GET", 204], ["GET", 304]] as const) {
      const answer = await ask({ ":method": method, ":path": `/${status}` });
      expect([answer.status, answer.headers["x-own"], answer.body]).toEqual([status, "1", ""]);
    }
  });

  it("gets interim responses: 100 where it waits for it, and 103", async () => {
    respond = (_request, reply) => reply.writeEarlyHints({ link: "</a.css>; rel=preload" }, () => reply.end("done"));
    const stream = client.request({ ":method": "POST", ":authority": "app.test", ":path": "/", expect: "100-continue" });
    const interim: unknown[] = [];
    stream.on("headers", (headers: http2.IncomingHttpStatusHeader) => interim.push(headers[":status"]));
    stream.on("continue", () => stream.end("body"));
    expect(await text(stream)).toBe("done");
    expect(interim).toEqual([100, 103]);
    expect(received[0]!.body).toBe("body");
  });

  it("may be answered before it has sent everything, and is told that the rest is not needed", async () => {
    app.removeAllListeners("request");
    app.on("request", (_request, reply: http.ServerResponse) => reply.writeHead(413, { connection: "close" }).end("too much"));
    const stream = client.request({ ":method": "POST", ":authority": "app.test", ":path": "/" });
    stream.write("a".repeat(100));
    const closed = once(stream, "close");
    const [[answered], body] = await Promise.all([once(stream, "response") as Promise<[http2.IncomingHttpStatusHeader]>, text(stream)]);
    expect([answered[":status"], body]).toEqual([413, "too much"]);
    await closed;
    expect(stream.rstCode).toBe(http2.constants.NGHTTP2_NO_ERROR);
  });

  it("that takes its request back aborts it at the app, and is logged as gone", async () => {
    let gone: Promise<unknown> | undefined;
    const asked = new Promise<void>((resolve) => (respond = (_request, reply) => (gone = once(reply, "close"), resolve())));
    const stream = client.request({ ":authority": "app.test", ":path": "/slow" }).on("error", () => undefined);
    await asked;
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await gone;
    await expect.poll(lines).toMatch(/at=error code=H27 .*path="\/slow" .*status=499/);
    respond = (_request, reply) => reply.end();
    expect((await ask({})).status).toBe(200);
  });

  it.each([{ "content-length": "100" }, {}])("sees a response with %j that breaks off as an error, never as its end", async (fields) => {
    respond = (_request, reply) => void (reply.writeHead(200, fields), reply.write("half", () => reply.destroy()));
    const stream = client.request({ ":authority": "app.test", ":path": "/" });
    const [began, reset] = [new Promise((resolve) => stream.on("response", resolve)), resetOf(stream)];
    await began;
    expect(await reset).toBe(http2.constants.NGHTTP2_INTERNAL_ERROR);
    await expect.poll(lines).toMatch(/code=H18/);
  });

  it("gets the router's own pages and codes", async () => {
    expect((await ask({ ":authority": "nobody.test" })).status).toBe(404);
    await router.client.switchTo(routed({ targets: [], unavailable: "H80" }));
    expect(await ask({ accept: "application/json" })).toMatchObject({ status: 503, body: expect.stringContaining("maintenance") as string });
    await expect.poll(lines).toMatch(/code=H80/);
  });

  it("is refused what HTTP/1.1 would read as something else; one that lies about its body's length loses its connection", async () => {
    const bad: http2.OutgoingHttpHeaders[] = [
      { host: "other.test" }, { ":method": "GET /x HTTP/1.1\r\nX:" }, { ":path": "/a b" }, { ":path": "/\r\nX: 1" }, { ":path": "http://other.test/" }, { ":authority": "app.test, other.test" }, { ":authority": "" },
    ];
    for (const headers of bad) expect([headers, await Promise.race([ask(headers).then(({ status }) => status, () => 400)])]).toEqual([headers, 400]);
    expect((await ask({})).status).toBe(200);
    const lying = client.request({ ":method": "POST", ":authority": "app.test", ":path": "/", "content-length": "3" });
    lying.end("more than three");
    expect(await resetOf(lying)).not.toBe(http2.constants.NGHTTP2_NO_ERROR);
    client = connect();
    expect((await ask({})).status).toBe(200);
    // What was cut off in the middle of its body may have reached the app as such, never as a whole request.
    expect(received.filter(({ body }) => body !== "cut off").map(({ request }) => request.url)).toEqual(["/", "/"]);
  });

  it("may be served without HTTP/2: then every client speaks HTTP/1.1", async () => {
    const without = await routerChild("--tls-port", "0", "--http2-streams", "0");
    try {
      expect(await without.client.health()).toMatchObject({ http2Streams: 0 });
      await without.client.putCertificate(await certificateFor("one", "app.test"));
      const socket = tls.connect({ port: (await without.client.health()).tlsPort!, host: "127.0.0.1", servername: "app.test", rejectUnauthorized: false, ALPNProtocols: ["h2", "http/1.1"] });
      await once(socket, "secureConnect");
      expect(socket.alpnProtocol).toBe("http/1.1");
      socket.destroy();
    } finally {
      await without.close();
    }
  });

  it("is not offered to those who ask for HTTP/1.1, and WebSockets are not offered in it", async () => {
    const plain = socketFor("http/1.1");
    await once(plain, "secureConnect");
    expect(plain.alpnProtocol).toBe("http/1.1");
    plain.destroy();
    await ask({});
    expect(client.remoteSettings.enableConnectProtocol).toBe(false);
    expect(client.remoteSettings.maxConcurrentStreams).toBe(100);
  });

  it("follows a flip with no failed request, and is sent to another connection when the router gives its place away", async () => {
    const next = http.createServer((_request, reply) => reply.end("new")).listen(0, "127.0.0.1");
    await once(next, "listening");
    respond = (_request, reply) => void setTimeout(() => reply.end("old"), 10);
    const statuses: number[] = [];
    const bodies = new Set<string>();
    let flipped = false;
    let stale = 0;
    let stop = false;
    const load = Array.from({ length: 8 }, async () => {
      while (!stop) {
        const after = flipped;
        const { status, body } = await ask({});
        statuses.push(status);
        bodies.add(body);
        if (after && body === "old") stale += 1;
      }
    });
    await expect.poll(() => statuses.length, { timeout: 10_000 * overload() }).toBeGreaterThan(50);
    await router.client.switchTo(routeTo([(next.address() as { port: number }).port]));
    flipped = true;
    const before = statuses.length;
    await expect.poll(() => statuses.length, { timeout: 10_000 * overload() }).toBeGreaterThan(before + 50);
    stop = true;
    await Promise.all(load);
    expect([new Set(statuses), bodies, stale]).toEqual([new Set([200]), new Set(["old", "new"]), 0]);

    const goaway = once(client, "goaway");
    const slow = ask({ ":path": "/last" });
    await router.client.upgrade({});
    await goaway;
    expect((await slow).status).toBe(200);
    const fresh = connect();
    expect((await ask({}, undefined, fresh)).body).toBe("new");
    fresh.destroy();
    next.closeAllConnections();
    next.close();
  });
});

describe("a peer that breaks the rules of HTTP/2", () => {
  const PSEUDO: [string, string][] = [[":method", "GET"], [":scheme", "https"], [":path", "/"], [":authority", "app.test"]];
  const malformed: [string, [string, string][]][] = [
    ["Connection", [...PSEUDO, ["connection", "close"]]],
    ["Transfer-Encoding", [...PSEUDO, ["transfer-encoding", "chunked"]]],
    ["Keep-Alive", [...PSEUDO, ["keep-alive", "timeout=1"]]],
    ["Proxy-Connection", [...PSEUDO, ["proxy-connection", "close"]]],
    ["Upgrade", [...PSEUDO, ["upgrade", "websocket"]]],
    ["TE other than trailers", [...PSEUDO, ["te", "gzip"]]],
    ["a name in upper case", [...PSEUDO, ["X-Upper", "1"]]],
    ["two authorities", [...PSEUDO, [":authority", "other.test"]]],
    ["two paths", [...PSEUDO, [":path", "/other"]]],
    ["no path", PSEUDO.filter(([name]) => name !== ":path")],
    ["an unknown pseudo-header", [...PSEUDO, [":other", "1"]]],
    ["a pseudo-header behind a field", [["x-a", "1"], ...PSEUDO]],
    ["two hosts", [...PSEUDO, ["host", "app.test"], ["host", "app.test"]]],
    ["a host that is not the authority", [...PSEUDO, ["host", "other.test"]]],
    ["two lengths", [...PSEUDO, ["content-length", "0"], ["content-length", "1"]]],
    ["a length without a body", [...PSEUDO, ["content-length", "5"]]],
  ];

  it("is refused malformed requests, and nothing of them reaches the app (RFC 9113 8.1.1)", async () => {
    for (const [what, fields] of malformed) {
      const peer = await frameClient(tlsPort);
      peer.send(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 1, literals(fields));
      const answer = await peer.frame(({ type, stream }) => stream === 1 || type === FRAME.goaway);
      // A reset, or the answer 400 (index 12 of HPACK's static table).
      expect([what, answer === null || answer.type === FRAME.reset || answer.type === FRAME.goaway || answer.payload[0] === 0x8c]).toEqual([what, true]);
      peer.close();
    }
    expect((await ask({ ":path": "/after" })).body).toBe("GET /after");
    expect(received.map(({ request }) => request.url)).toEqual(["/after"]);
  });

  it("has fields with octets that no field may hold taken out before anybody sees them", async () => {
    const peer = await frameClient(tlsPort);
    peer.send(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 1, literals([...PSEUDO, ["x-a", "1\r\nx-b: 2"], ["x-c", "1\0"], ["x:d", "1"], ["x-kept", "1"]]));
    await peer.frame(({ type, stream }) => stream === 1 && type === FRAME.headers);
    peer.close();
    expect(received).toHaveLength(1);
    expect(received[0]!.request.rawHeaders.filter((name) => name.startsWith("x"))).toEqual(["x-kept"]);
  });

  const HEAD = literals(PSEUDO);
  const floods: [string, (peer: Awaited<ReturnType<typeof frameClient>>) => void][] = [
    ["streams opened and taken back (CVE-2023-44487)", (peer) => {
      for (let stream = 1; stream < 2_000; stream += 2) {
        peer.send(FRAME.headers, FLAG.endHeaders | FLAG.endStream, stream, HEAD);
        peer.send(FRAME.reset, 0, stream, Buffer.from([0, 0, 0, 8]));
      }
    }],
    ["CONTINUATION frames without an end (CVE-2024-27983)", (peer) => {
      peer.send(FRAME.headers, 0, 1, HEAD);
      for (let i = 0; i < 5_000; i++) peer.send(FRAME.continuation, 0, 1, literals([["x-a", "a".repeat(100)]]));
    }],
    ["empty DATA frames (CVE-2019-9518)", (peer) => {
      peer.send(FRAME.headers, FLAG.endHeaders, 1, literals([[":method", "POST"], ...PSEUDO.slice(1)]));
      for (let i = 0; i < 20_000; i++) peer.send(FRAME.data, 0, 1);
    }],
  ];
  it.each(floods)("loses its connection for a flood of %s, and nobody else notices", async (_what, flood) => {
    const [before] = (await router.client.health()).workers;
    const peer = await frameClient(tlsPort);
    flood(peer);
    const end = await peer.frame(({ type }) => type === FRAME.goaway);
    expect(end === null || end.payload.readUInt32BE(4) !== http2.constants.NGHTTP2_NO_ERROR).toBe(true);
    peer.close();
    expect((await ask({})).status).toBe(200);
    expect((await router.client.health()).workers).toEqual([before]);
    expect(router.complaints()).toBe("");
    await expect.poll(async () => (await router.client.health()).inFlight, { timeout: 5_000 * overload() }).toBe(0);
  });
});
