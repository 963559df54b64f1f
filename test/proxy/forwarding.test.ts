import { createHash, randomBytes } from "node:crypto";
import http from "node:http";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { rawClient, statuses, talk } from "../support/proxy-client.ts";
import { type TestRouter, routeTo, testRouter } from "../support/proxy-router.ts";
import { type RawUpstream, answering, rawUpstream, response } from "../support/proxy-upstream.ts";

let router: TestRouter;
const closing: (() => Promise<unknown>)[] = [];

async function upstream(...args: Parameters<typeof rawUpstream>): Promise<RawUpstream> {
  const made = await rawUpstream(...args);
  closing.push(() => made.close());
  await router.router.switchTo(routeTo([made.port]));
  return made;
}

async function nodeUpstream(handler: http.RequestListener): Promise<http.Server> {
  const server = http.createServer(handler).listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  await router.router.switchTo(routeTo([(server.address() as { port: number }).port]));
  return server;
}

beforeEach(async () => void (router = await testRouter()));
afterEach(async () => {
  await router.close();
  for (const close of closing.splice(0)) await close();
});

describe("a request on its way to the app", () => {
  it("carries its method, target, end-to-end fields, and who asked", async () => {
    const app = await upstream(answering(response("hi")));
    await talk(router.port, "GET /a?b=c HTTP/1.1\r\nHost: App.Test:80\r\nX-Own: 1\r\nConnection: keep-alive, x-hop\r\nX-Hop: 1\r\nTE: trailers\r\nKeep-Alive: 1\r\nX-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\nX-Request-Id: abc-123\r\nCookie: a=b\r\n\r\n", /hi$/);
    const [line, ...fields] = app.received().split("\r\n");
    expect(line).toBe("GET /a?b=c HTTP/1.1");
    const time = fields.find((field) => field.startsWith("X-Request-Start: "))!;
    expect(Math.abs(Number(time.slice(17)) - Date.now())).toBeLessThan(60_000);
    expect(fields.filter((field) => field !== "" && field !== time).sort()).toEqual([
      "Cookie: a=b", "Host: App.Test:80", "Via: 1.1 paas", "X-Forwarded-For: 9.9.9.9, 127.0.0.1", `X-Forwarded-Port: ${router.port}`,
      "X-Forwarded-Proto: http", "X-Own: 1", "X-Request-Id: abc-123",
    ]);
  });

  it("gets a request id of its own when the client's is not a sane one", async () => {
    const app = await upstream(answering(response("hi")));
    await talk(router.port, `GET / HTTP/1.1\r\nHost: app.test\r\nX-Request-Id: ${"x".repeat(201)}\r\n\r\n`, /hi$/);
    expect(app.received()).toMatch(/X-Request-Id: [0-9a-f-]{36}\r\n/);
  });

  it("keeps one connection to the app for many requests, also of many clients", async () => {
    const app = await upstream(answering(response("hi")));
    for (let i = 0; i < 5; i++) await talk(router.port, "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n", /hi$/);
    expect(app.connections).toHaveLength(1);
  });

  it("is answered in order when the client sends several at once", async () => {
    await nodeUpstream((request, answer) => setTimeout(() => answer.end(`<${request.url}>`), request.url === "/1" ? 50 : 0));
    const client = await rawClient(router.port);
    client.send(["/1", "/2", "/3"].map((path) => `GET ${path} HTTP/1.1\r\nHost: app.test\r\n\r\n`).join(""));
    const text = await client.until(/<\/3>/);
    expect([...text.matchAll(/<(.*?)>/g)].map((match) => match[1])).toEqual(["/1", "/2", "/3"]);
    client.socket.destroy();
  });

  it("may be an HTTP/1.0 one, with and without keep-alive", async () => {
    await nodeUpstream((_request, answer) => answer.write("part", () => answer.end("-end")));
    expect(await talk(router.port, "GET / HTTP/1.0\r\nHost: app.test\r\n\r\n")).toMatch(/Connection: close\r\n\r\npart-end$/);
    await upstream(answering(response("hi")));
    const kept = await talk(router.port, "GET / HTTP/1.0\r\nHost: app.test\r\nConnection: keep-alive\r\n\r\n".repeat(2), /hi[^]*hi$/);
    expect(kept.match(/Connection: keep-alive/g)).toHaveLength(2);
  });

  it("may arrive octet by octet", async () => {
    const app = await upstream(({ received, socket }) => received.endsWith("0\r\n\r\n") && socket.write(response("hi")));
    const client = await rawClient(router.port);
    for (const octet of "POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nA: b\r\n\r\n") {
      client.send(octet);
      await new Promise(setImmediate);
    }
    await client.until(/hi$/);
    expect(app.received()).toMatch(/Transfer-Encoding: chunked\r\n\r\n(1\r\n.\r\n|2\r\n..\r\n|3\r\nabc\r\n)+0\r\n\r\n$/);
    client.socket.destroy();
  });

  it("gets its 100 Continue from the router, and the app sees no Expect", async () => {
    let expected: string | undefined = "?";
    await nodeUpstream((request, answer) => {
      expected = request.headers.expect;
      request.pipe(answer);
    });
    const client = await rawClient(router.port);
    client.send("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    client.send("body");
    expect(statuses(await client.until(/body/))).toEqual([100, 200]);
    expect(expected).toBeUndefined();
    client.socket.destroy();
  });
});

describe("bodies", () => {
  for (const framing of ["content-length", "chunked"] as const)
    it(`of 5 MB pass both ways with ${framing}, octet for octet`, async () => {
      await nodeUpstream((request, answer) => {
        if (framing === "content-length") answer.setHeader("content-length", request.headers["content-length"]!);
        request.pipe(answer);
      });
      const body = randomBytes(5_000_000);
      const request = http.request({ port: router.port, method: "POST", headers: { host: "app.test", ...(framing === "content-length" ? { "content-length": body.length } : {}) } });
      for (let at = 0; at < body.length; at += 70_001) request.write(body.subarray(at, at + 70_001));
      request.end();
      const [answer] = (await once(request, "response")) as [http.IncomingMessage];
      const hash = createHash("sha256");
      for await (const part of answer) hash.update(part as Buffer);
      expect(hash.digest("hex")).toBe(createHash("sha256").update(body).digest("hex"));
      expect(answer.headers[framing === "chunked" ? "transfer-encoding" : "content-length"]).toBe(framing === "chunked" ? "chunked" : String(body.length));
    });

  it("of many clients at once, to an app that reads in fits and starts, each arrive octet for octet", async () => {
    await nodeUpstream((request, reply) => {
      const hash = createHash("sha256");
      request.on("data", (part: Buffer) => {
        hash.update(part);
        // Unread for a moment, so that octets pile up on the way.
        request.pause();
        setImmediate(() => setImmediate(() => request.resume()));
      });
      request.on("end", () => reply.end(hash.digest("hex")));
    });
    const send = async (n: number): Promise<void> => {
      const body = randomBytes(200_000 + 50_000 * (n % 7));
      const chunked = n % 2 === 0;
      const request = http.request({ port: router.port, host: "127.0.0.1", agent: false, method: n % 3 === 0 ? "PUT" : "POST", headers: { host: "app.test", ...(chunked ? {} : { "content-length": body.length }) } });
      const answer = once(request, "response") as Promise<[http.IncomingMessage]>;
      for (let at = 0; at < body.length; at += 30_001) if (!request.write(body.subarray(at, at + 30_001))) await once(request, "drain");
      request.end();
      const [reply] = await answer;
      let text = "";
      for await (const part of reply) text += String(part);
      expect(text).toBe(createHash("sha256").update(body).digest("hex"));
    };
    for (let round = 0; round < 3; round++) await Promise.all(Array.from({ length: 21 }, (_, n) => send(n)));
  });

  it("are not read faster than the client takes them", async () => {
    let sent = 0;
    await nodeUpstream((_request, answer) => {
      const more = (): void => {
        while (sent < 64_000_000) {
          sent += 65_536;
          if (!answer.write(Buffer.alloc(65_536))) return void answer.once("drain", more);
        }
        answer.end();
      };
      more();
    });
    const client = await rawClient(router.port);
    client.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n");
    await client.until(/HTTP/);
    client.socket.pause();
    let before = -1;
    while (before !== sent) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(sent).toBeLessThan(20_000_000);
    client.socket.destroy();
  });

  it("of HEAD, 204 and 304 are none, whatever length they announce", async () => {
    await upstream((connection) => {
      const heads = connection.received.split("\r\n\r\n").length - 1;
      if (heads === 1) connection.socket.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
      if (heads === 2) connection.socket.write("HTTP/1.1 204 No Content\r\n\r\n");
      if (heads === 3) connection.socket.write("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: x\r\n\r\n");
      if (heads === 4) connection.socket.write(response("end"));
    });
    const client = await rawClient(router.port);
    client.send(["HEAD", "GET", "GET", "GET"].map((method) => `${method} / HTTP/1.1\r\nHost: app.test\r\n\r\n`).join(""));
    const text = await client.until(/end$/);
    expect(statuses(text)).toEqual([200, 204, 304, 200]);
    expect(text.match(/Content-Length: 5/g)).toHaveLength(2);
    client.socket.destroy();
  });

  it("that only the app's close ends are chunked for an HTTP/1.1 client", async () => {
    await upstream(({ socket }) => socket.end("HTTP/1.1 200 OK\r\n\r\nabc"));
    const text = await talk(router.port, "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n", /0\r\n\r\n$/);
    expect(text).toMatch(/Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n$/);
  });

  it("that the app breaks off never end cleanly", async () => {
    const broken = [
      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n",
    ];
    for (const text of broken) {
      await upstream(({ socket }) => socket.end(text));
      const client = await rawClient(router.port);
      client.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n");
      expect((await client.closed()).text).not.toMatch(/0\r\n\r\n$/);
      const old = await rawClient(router.port);
      old.send("GET / HTTP/1.0\r\nHost: app.test\r\n\r\n");
      const { text: got, error } = await old.closed();
      if (!got.includes("Content-Length")) expect(error).toBe("ECONNRESET");
    }
    expect(router.lines.every((line) => line.includes("code=H18"))).toBe(true);
  });

  it("of a request may stay unread: the app's early answer reaches the client", async () => {
    await upstream(({ socket }) => socket.end("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig"));
    const client = await rawClient(router.port);
    client.send(`POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 10000000\r\n\r\n${"x".repeat(1_000)}`);
    expect((await client.closed()).text).toMatch(/^HTTP\/1\.1 413 [^]*Connection: close[^]*big$/);
  });
});

describe("an app that answers before it has the whole request", () => {
  const post = (sent: number): string => `POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 50000\r\n\r\n${"x".repeat(sent)}`;

  it("gets the rest all the same, and both connections are kept", async () => {
    const app = await upstream(({ received, socket }) => /^(POST[^]*\r\n\r\nx+)?GET|^POST[^x]*x{1000}$/.test(received) && socket.write(response("early")));
    const client = await rawClient(router.port);
    client.send(post(1_000));
    expect(await client.until(/early$/)).not.toContain("Connection: close");
    client.forget();
    client.send(`${"x".repeat(49_000)}GET / HTTP/1.1\r\nHost: app.test\r\n\r\n`);
    await client.until(/early$/);
    expect(app.connections).toHaveLength(1);
    expect(app.received().split("\r\n\r\n")[1]).toMatch(/^x{50000}GET /);
    client.socket.destroy();
  });

  it("and closes costs the client only the app's connection", async () => {
    let first = true;
    await upstream(({ socket }) => {
      if (first) socket.end(response("early", "Connection: close\r\n"));
      else socket.write(response("next"));
      first = false;
    });
    const client = await rawClient(router.port);
    client.send(post(1_000));
    await client.until(/early$/);
    client.send(`${"x".repeat(49_000)}GET / HTTP/1.1\r\nHost: app.test\r\n\r\n`);
    await client.until(/next$/);
    expect(router.lines.map((line) => line.slice(0, 7))).toEqual(["at=info", "at=info"]);
    client.socket.destroy();
  });

  it("does not wait long for a rest that does not come", async () => {
    await router.close();
    router = await testRouter({ lingerMs: 100 });
    const app = await upstream(({ socket }) => socket.write(response("early")));
    const client = await rawClient(router.port);
    client.send(post(1_000));
    await client.closed();
    await app.connections[0]!.closed;
    expect((await router.router.health()).inFlight).toBe(0);
  });
});

describe("interim responses", () => {
  it("are passed on, but for a 100 that nobody asked for", async () => {
    await upstream(({ socket }) => socket.write(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${response("hi")}`));
    const text = await talk(router.port, "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n", /hi$/);
    expect(statuses(text)).toEqual([103, 200]);
    expect(text).toContain("Link: </a>");
  });
});

describe("a client that goes away", () => {
  it("aborts the app's work at once", async () => {
    const app = await upstream(() => {});
    const client = await rawClient(router.port);
    client.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n");
    while (app.connections.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const gone = performance.now();
    client.socket.destroy();
    await app.connections[0]!.closed;
    expect(performance.now() - gone).toBeLessThan(5_000);
    expect((await router.router.health()).inFlight).toBe(0);
    expect(router.lines[0]).toMatch(/^at=error code=H27 .* status=499 /);
  });
});
