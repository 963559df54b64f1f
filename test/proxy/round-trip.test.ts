/** Cases that the suite of Heroku's own router (heroku/vegur) names and the other files do not hold: one request, one answer, octet for octet. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type RawClient, rawClient, statuses } from "../support/proxy-client.ts";
import { type TestRouter, routeTo, testRouter } from "../support/proxy-router.ts";
import { type RawUpstream, answering, rawUpstream, response } from "../support/proxy-upstream.ts";

const GET = "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n";

let router: TestRouter;
let client: RawClient;
const upstreams: RawUpstream[] = [];
beforeEach(async () => {
  router = await testRouter({ lingerMs: 100 });
  client = await rawClient(router.port);
});
afterEach(async () => {
  client.socket.destroy();
  await router.close();
  for (const upstream of upstreams.splice(0)) await upstream.close();
});

async function app(...args: Parameters<typeof rawUpstream>): Promise<RawUpstream> {
  const made = await rawUpstream(...args);
  upstreams.push(made);
  await router.router.switchTo(routeTo([made.port]));
  return made;
}

/** Sends and returns what comes up to `until`, of this exchange only. */
async function exchange(text: string, until: RegExp): Promise<string> {
  client.forget();
  client.send(text);
  return client.until(until);
}

/** The connection still serves: nothing of the exchange before is left on it. */
async function stillServes(): Promise<void> {
  await app(answering(response("next")));
  expect(await exchange(GET, /next$/)).toMatch(/^HTTP\/1\.1 200 /);
}

describe("Expect: 100-continue", () => {
  const head = (version: string, expectation = "100-continue"): string => `POST / HTTP/${version}\r\nHost: app.test\r\nExpect: ${expectation}\r\nContent-Length: 4\r\n\r\n`;

  it("is answered with one 100, also when the app says its own", async () => {
    await app(({ received, socket }) => received.endsWith("body") && socket.write(`HTTP/1.1 100 Continue\r\n\r\n${response("ok")}`));
    expect(await exchange(head("1.1", "100-Continue"), /100 Continue\r\n\r\n$/)).toMatch(/^HTTP\/1\.1 100 /);
    client.send("body");
    expect(statuses(await client.until(/ok$/))).toEqual([100, 200]);
    await stillServes();
  });

  it("whose body comes with the head needs no 100", async () => {
    const echo = await app(({ received, socket }) => received.endsWith("body") && socket.write(response("ok")));
    expect(statuses(await exchange(`${head("1.1")}body`, /ok$/))).toEqual([200]);
    expect(echo.received()).not.toMatch(/expect/i);
  });

  it("is no HTTP/1.0 client's to say: it gets no 100", async () => {
    await app(({ received, socket }) => received.endsWith("body") && socket.write(`HTTP/1.1 100 Continue\r\n\r\n${response("ok")}`));
    client.send(head("1.0"));
    client.send("body");
    expect(statuses((await client.closed()).text)).toEqual([200]);
  });

  it("is followed by the app's refusal when the app wants no body, and the next request is read right", async () => {
    await app(({ received, socket }) => /\r\n\r\n$/.test(received) && socket.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"));
    expect(statuses(await exchange(head("1.1"), /no$/))).toEqual([100, 403]);
    client.send("body");
    await stillServes();
  });

  for (const expectation of ["200-ok", "", "100-continue, x"])
    it(`of another kind, ${JSON.stringify(expectation)}, is 417`, async () => {
      const seen = await app(answering(response("ok")));
      client.send(head("1.1", expectation));
      expect(statuses((await client.closed()).text)).toEqual([417]);
      expect(seen.received()).toBe("");
    });
});

describe("field lines", () => {
  it("keep their order and case both ways, those said twice stay two, and Via gets the router's at its end (RFC 9110 7.6.3)", async () => {
    const echo = await app(answering("HTTP/1.1 200 OK\r\nX-b: 1\r\nSet-Cookie: a=1\r\nx-A: 2\r\nSet-Cookie: b=2\r\nVia: 1.1 inner\r\nContent-Length: 2\r\n\r\nok"));
    const text = await exchange("GET / HTTP/1.1\r\nzZ: 1\r\nHost: app.test\r\nAa: 2\r\nzz: 3\r\nVia: 1.0 outer\r\n\r\n", /ok$/);
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\nX-b: 1\r\nSet-Cookie: a=1\r\nx-A: 2\r\nSet-Cookie: b=2\r\nVia: 1\.1 inner\r\nVia: 1\.1 paas\r\nContent-Length: 2\r\n\r\nok$/);
    expect(echo.received()).toMatch(/^GET \/ HTTP\/1\.1\r\nzZ: 1\r\nHost: app\.test\r\nAa: 2\r\nzz: 3\r\nVia: 1\.0 outer\r\nX-Forwarded-For: [^]*\r\nVia: 1\.1 paas\r\n\r\n$/);
  });

  it("that hold for one hop only end here, on the app's side too", async () => {
    await app(answering("HTTP/1.1 200 OK\r\nConnection: keep-alive, x-hop\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\nProxy-Authenticate: x\r\nTE: x\r\nX-Own: 1\r\nContent-Length: 2\r\n\r\nok"));
    expect(await exchange(GET, /ok$/)).toMatch(/^HTTP\/1\.1 200 OK\r\nX-Own: 1\r\nVia: 1\.1 paas\r\nContent-Length: 2\r\n\r\nok$/);
  });

  it("of a status that nobody knows pass with its phrase", async () => {
    await app(answering("HTTP/1.1 799 Quite Unheard-of\r\nContent-Length: 2\r\n\r\nok"));
    expect(await exchange(GET, /ok$/)).toMatch(/^HTTP\/1\.1 799 Quite Unheard-of\r\n/);
  });
});

describe("HTTP/1.0", () => {
  it("clients are answered as HTTP/1.1 and closed; the app is asked in HTTP/1.1", async () => {
    const seen = await app(answering(response("ok")));
    client.send("GET / HTTP/1.0\r\nHost: app.test\r\n\r\n");
    expect((await client.closed()).text).toMatch(/^HTTP\/1\.1 200 [^]*Connection: close\r\n[^]*ok$/);
    expect(seen.received()).toMatch(/^GET \/ HTTP\/1\.1\r\n[^]*\r\nVia: 1\.0 paas\r\n/);
  });

  it("apps are passed on as HTTP/1.1, and their connection is used once", async () => {
    const old = await app(({ socket }) => socket.end("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    for (let i = 0; i < 2; i++) expect(await exchange(GET, /ok$/)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(old.connections).toHaveLength(2);
  });
});

describe("a chunked answer", () => {
  const start = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n";

  it("may have trailers, extensions, leading zeros and come octet by octet: its body arrives, its end is clean", async () => {
    await app(async ({ socket }) => {
      socket.write(start);
      for (const octet of "00A;a=b\r\n0123456789\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n") {
        socket.write(octet);
        await new Promise(setImmediate);
      }
    });
    const text = await exchange(GET, /\r\n0\r\n\r\n$/);
    expect(text.slice(text.indexOf("\r\n\r\n") + 4).replaceAll(/(^|\r\n)[0-9a-f]+\r\n/g, "").trim()).toBe("0123456789ok");
    await stillServes();
  });

  for (const [what, wrong] of [["no size", "x\r\nab\r\n"], ["a chunk longer than its size", "2\r\nabc\r\n0\r\n\r\n"], ["a bare LF behind its size", "2\nab\r\n0\r\n\r\n"], ["a trailer that is none", "0\r\nx\r\n\r\n"]] as const)
    it(`with ${what} in the middle never ends cleanly`, async () => {
      await app(async ({ socket }) => {
        socket.write(`${start}2\r\nok\r\n`);
        await client.until(/ok\r\n$/);
        socket.write(wrong);
      });
      client.send(GET);
      expect((await client.closed()).text).not.toMatch(/0\r\n\r\n$/);
      expect(router.lines).toEqual([expect.stringMatching(/^at=error code=H17 .* status=200 /)]);
    });
});

describe("an answer without a body", () => {
  const cases: [string, string, string][] = [
    ["HEAD with a length", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"],
    ["HEAD announced in chunks", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"],
    ["HEAD with neither", "HEAD", "HTTP/1.1 200 OK\r\n\r\n"],
    ["HEAD of an app that closes", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"],
    ["204", "GET", "HTTP/1.1 204 No Content\r\n\r\n"],
    ["204 of an app that closes", "GET", "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"],
    ["204 in chunks", "GET", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"],
    ["204 in chunks, with the last one", "GET", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["304 with a length", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"],
    ["304 of an app that closes", "GET", "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n"],
    ["304 in chunks", "GET", "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"],
  ];
  for (const [what, method, text] of cases)
    it(`${what} ends with its head, and the client's connection is kept`, async () => {
      await app(({ socket }) => (text.includes("close") ? socket.end(text) : socket.write(text)));
      const got = await exchange(GET.replace("GET", method), /\r\n\r\n$|<\/html>\n$/);
      expect(got.split("\r\n")[0]).toBe(text.split("\r\n")[0]);
      expect(got).not.toContain("close");
      if (what.startsWith("204")) expect(got).not.toMatch(/chunked|\r\n0\r\n/);
      await stillServes();
    });

  it("but with octets behind it costs the app its connection, and the client sees none of them", async () => {
    const talkative = await app(answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nextra"));
    expect(await exchange(GET.replace("GET", "HEAD"), /\r\n\r\n$/)).not.toContain("extra");
    await talkative.connections[0]!.closed;
    await stillServes();
    expect(client.received()).not.toContain("extra");
  });
});

describe("limits of an answer's head", () => {
  const start = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n";
  const limits: [string, number, (size: number) => string][] = [
    ["a cookie", 8_192, (size) => `Set-Cookie: ${"y".repeat(size)}\r\n`],
    ["the number of fields", 1_000, (size) => "X: y\r\n".repeat(size - 1)],
    ["the head", 524_288, (size) => {
      const line = `X: ${"x".repeat(8_000)}\r\n`;
      const left = size - start.length - 2;
      const whole = Math.floor((left - 10) / line.length);
      return `${line.repeat(whole)}X: ${"y".repeat(left - whole * line.length - 5)}\r\n`;
    }],
  ];
  for (const [what, limit, make] of limits)
    it(`${what}: ${limit} passes, ${limit + 1} is H25`, async () => {
      await app(answering(`${start}${make(limit)}\r\nok`));
      expect(statuses(await exchange(GET, /ok$|<\/html>\n$/))).toEqual([200]);
      await app(answering(`${start}${make(limit + 1)}\r\nok`));
      expect(statuses(await exchange(GET, /ok$|<\/html>\n$/))).toEqual([502]);
      expect(router.lines[1]).toMatch(/^at=error code=H25 desc="HTTP Restriction" .* status=502 /);
    });
});

describe("the two connections are kept or closed each for itself", () => {
  const kept = (said: string): string => (said === "" ? "" : `Connection: ${said}\r\n`);
  for (const fromClient of ["close", "keep-alive", ""])
    for (const fromApp of ["close", "keep-alive", ""])
      it(`client says ${fromClient || "nothing"}, app says ${fromApp || "nothing"}`, async () => {
        const seen = await app(({ socket }) => (fromApp === "close" ? socket.end(response("ok", kept(fromApp))) : socket.write(response("ok", kept(fromApp)))));
        for (let i = 0; i < 2; i++) {
          const text = await exchange(GET.replace("\r\n\r\n", `\r\n${kept(fromClient)}\r\n`), /ok$/);
          expect(text.includes("Connection: close")).toBe(fromClient === "close");
          if (fromClient !== "close") continue;
          expect((await client.closed()).error).toBeNull();
          client = await rawClient(router.port);
        }
        expect(seen.connections).toHaveLength(fromApp === "close" ? 2 : 1);
        expect(seen.received()).not.toMatch(/^connection:/im);
      });
});

describe("an Upgrade", () => {
  const upgrade = (fields: string): string => `GET / HTTP/1.1\r\nHost: app.test\r\n${fields}\r\n\r\n`;

  it("answered by 101 to another protocol is a bad answer", async () => {
    await app(answering("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n"));
    expect(statuses(await exchange(upgrade("Connection: Upgrade\r\nUpgrade: websocket"), /<\/html>\n$/))).toEqual([502]);
    expect(router.lines).toEqual([expect.stringContaining("code=H17")]);
  });

  for (const [what, fields] of [["is not nominated in Connection", "Upgrade: websocket"], ["comes with a body", "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2"]] as const)
    it(`that ${what} is none: the request goes on as a plain one`, async () => {
      const seen = await app(answering(response("ok")));
      expect(statuses(await exchange(`${upgrade(fields)}${fields.includes("Length") ? "hi" : ""}`, /ok$|<\/html>\n$/))).toEqual([200]);
      expect(seen.received()).not.toMatch(/upgrade/i);
    });
});
