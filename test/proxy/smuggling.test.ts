/** The inputs H1-H34 against a raw recording upstream: it sees at most one request, with exactly one length. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { rawClient, statuses } from "../support/proxy-client.ts";
import { type TestRouter, routeTo, testRouter } from "../support/proxy-router.ts";
import { type RawUpstream, rawUpstream, response } from "../support/proxy-upstream.ts";
import { type WireRequest, readRequests } from "../support/proxy-wire.ts";

let router: TestRouter;
let app: RawUpstream;
beforeEach(async () => {
  router = await testRouter({ lingerMs: 100 });
  // Answers a whole request, and again whatever else comes.
  app = await rawUpstream(({ received, socket }) => {
    try {
      readRequests(received);
      socket.write(response("answer"));
    } catch {
      // More is coming.
    }
  });
  await router.router.switchTo(routeTo([app.port]));
});
afterEach(async () => {
  await router.close();
  await app.close();
});

const VICTIM = "GET /victim HTTP/1.1\r\nHost: app.test\r\n\r\n";

/** Sends `text` and waits for the first final answer; returns its status and what reached the app. */
async function send(text: string): Promise<{ status: number; requests: WireRequest[]; text: string }> {
  const client = await rawClient(router.port);
  client.send(text);
  const answer = await client.until(/HTTP\/1\.1 [2-5][^]*(answer|<\/html>\n)/);
  // Whatever else would reach the app is on its way by now: let the router's loop turn a few times.
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 2));
  client.socket.destroy();
  return { status: statuses(answer).find((status) => status >= 200)!, requests: readRequests(app.received()), text: answer };
}

function post(fields: string, body: string): string {
  return `POST / HTTP/1.1\r\nHost: app.test\r\n${fields}\r\n${body}`;
}

describe("a request whose framing is doubtful is refused, and the app sees nothing of it", () => {
  const refused: [string, string, string, number][] = [
    ["H1", "Content-Length and Transfer-Encoding", post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", `0\r\n\r\n${VICTIM}`), 400],
    ["H1b", "Transfer-Encoding and Content-Length", post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", `0\r\n\r\n${VICTIM}`), 400],
    ["H2", "two different lengths", post("Content-Length: 0\r\nContent-Length: 45\r\n", VICTIM), 400],
    ["H3", "two equal lengths", post("Content-Length: 2\r\nContent-Length: 2\r\n", "hi"), 400],
    ["H4", "a list of lengths", post("Content-Length: 2, 2\r\n", "hi"), 400],
    ["H5", "a length with a sign", post("Content-Length: +2\r\n", "hi"), 400],
    ["H5b", "a negative length", post("Content-Length: -2\r\n", "hi"), 400],
    ["H6", "a hexadecimal length", post("Content-Length: 0x2\r\n", "hi"), 400],
    ["H7", "an empty length", post("Content-Length: \r\n", "hi"), 400],
    ["H7b", "a length of 30 digits", post(`Content-Length: ${"9".repeat(30)}\r\n`, "hi"), 400],
    ["H7c", "a length with a blank in it", post("Content-Length: 1 2\r\n", "hi"), 400],
    ["H8", "chunked twice", post("Transfer-Encoding: chunked, chunked\r\n", `0\r\n\r\n${VICTIM}`), 400],
    ["H8b", "chunked twice on two lines", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", `0\r\n\r\n${VICTIM}`), 400],
    ["H9", "an unknown coding before chunked", post("Transfer-Encoding: cow, chunked\r\n", `0\r\n\r\n${VICTIM}`), 400],
    ["H9b", "chunked, then an unknown coding", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n", `0\r\n\r\n${VICTIM}`), 400],
    ["H10", "the coding identity", post("Transfer-Encoding: identity\r\nContent-Length: 2\r\n", "hi"), 400],
    ["H10b", "chunked in quotes", post('Transfer-Encoding: "chunked"\r\n', `0\r\n\r\n${VICTIM}`), 400],
    ["H10c", "chunked after a vertical tab", post("Transfer-Encoding: \x0bchunked\r\n", `0\r\n\r\n${VICTIM}`), 400],
    ["H10d", "chunked after a letter beyond ASCII", post("Transfer-Encoding: \xffchunked\r\n", `0\r\n\r\n${VICTIM}`), 400],
    ["H10e", "chunked in HTTP/1.0", post("Transfer-Encoding: chunked\r\n", `0\r\n\r\n${VICTIM}`).replace("HTTP/1.1", "HTTP/1.0"), 400],
    ["H11", "a blank before the colon", post("Transfer-Encoding : chunked\r\n", `0\r\n\r\n${VICTIM}`), 400],
    ["H11b", "no colon at all", post("Transfer-Encoding\r\n", ""), 400],
    ["H11c", "an empty name", post(": chunked\r\n", ""), 400],
    ["H12", "a folded line", post("Transfer-Encoding:\r\n chunked\r\n", `0\r\n\r\n${VICTIM}`), 400],
    ["H12b", "a folded first line", `POST / HTTP/1.1\r\n Host: app.test\r\n\r\n`, 400],
    ["H13", "a bare LF", "POST / HTTP/1.1\nHost: app.test\n\n", 400],
    ["H13b", "a bare LF in a value", post("X: a\nTransfer-Encoding: chunked\r\n", `0\r\n\r\n${VICTIM}`), 400],
    ["H14", "a bare CR in a value", post("X: a\rTransfer-Encoding: chunked\r\n", `0\r\n\r\n${VICTIM}`), 400],
    ["H15", "a NUL in a value", post("X: a\0b\r\n", ""), 400],
    ["H15b", "a NUL in a name", post("X\0: b\r\n", ""), 400],
    ["H15c", "a NUL in the target", "GET /\0 HTTP/1.1\r\nHost: app.test\r\n\r\n", 400],
    ["H16", "20 KB of chunk extension", post("Transfer-Encoding: chunked\r\n", `2;${"x".repeat(20_000)}\r\nhi\r\n0\r\n\r\n`), 400],
    ["H17", "a chunk size of 17 digits", post("Transfer-Encoding: chunked\r\n", `00000000000000002\r\nhi\r\n0\r\n\r\n`), 400],
    ["H17b", "a chunk size with a sign", post("Transfer-Encoding: chunked\r\n", "+2\r\nhi\r\n0\r\n\r\n"), 400],
    ["H17c", "a chunk size with a blank", post("Transfer-Encoding: chunked\r\n", "2 \r\nhi\r\n0\r\n\r\n"), 400],
    ["H17d", "a chunk size that ends in a bare LF", post("Transfer-Encoding: chunked\r\n", "2\nhi\r\n0\r\n\r\n"), 400],
    ["H17e", "a chunk extension with a bare LF", post("Transfer-Encoding: chunked\r\n", "2;\nhi\r\n0\r\n\r\n"), 400],
    ["H17f", "a chunk longer than its size", post("Transfer-Encoding: chunked\r\n", "2\r\nhix\r\n0\r\n\r\n"), 400],
    ["H17h", "a chunk whose end is a CR without its LF", post("Transfer-Encoding: chunked\r\n", "2\r\nhi\rx0\r\n\r\n"), 400],
    ["H17g", "a chunk size 0x2", post("Transfer-Encoding: chunked\r\n", "0x2\r\nhi\r\n0\r\n\r\n"), 400],
    ["H19b", "a trailer that is no field line", post("Transfer-Encoding: chunked\r\n", "0\r\nGET /victim HTTP/1.1\r\n\r\n"), 400],
    ["H19c", "20 KB of trailers", post("Transfer-Encoding: chunked\r\n", `0\r\n${"A: b\r\n".repeat(4_000)}\r\n`), 400],
    ["H20", "1,001 fields and a length", `GET / HTTP/1.1\r\nHost: app.test\r\n${"X: y\r\n".repeat(999)}Content-Length: 45\r\n\r\n${VICTIM}`, 431],
    ["H20b", "2,000 fields and a length", `GET / HTTP/1.1\r\nHost: app.test\r\n${"X: y\r\n".repeat(2_000)}Content-Length: 45\r\n\r\n${VICTIM}`, 431],
    ["H21", "1,001 fields and a coding", `GET / HTTP/1.1\r\nHost: app.test\r\n${"X: y\r\n".repeat(999)}Transfer-Encoding: chunked\r\n\r\n${VICTIM}`, 431],
    ["H25", "two Hosts", "GET / HTTP/1.1\r\nHost: app.test\r\nHost: other.test\r\n\r\n", 400],
    ["H25b", "two equal Hosts", "GET / HTTP/1.1\r\nHost: app.test\r\nHost: app.test\r\n\r\n", 400],
    ["H26", "a target that names another host", "GET http://other.test/ HTTP/1.1\r\nHost: app.test\r\n\r\n", 400],
    ["H28", "HTTP/1.0 without a Host", "GET / HTTP/1.0\r\n\r\n", 400],
    ["H28b", "HTTP/1.1 without a Host", "GET / HTTP/1.1\r\n\r\n", 400],
    ["H31", "an expectation that nobody can meet", post("Expect: y 100-continue\r\nContent-Length: 2\r\n", "hi"), 417],
    ["H32", "TRACE", "TRACE / HTTP/1.1\r\nHost: app.test\r\n\r\n", 405],
    ["H32b", "CONNECT", "CONNECT app.test:80 HTTP/1.1\r\nHost: app.test\r\n\r\n", 405],
    ["H32c", "GET *", "GET * HTTP/1.1\r\nHost: app.test\r\n\r\n", 400],
    ["version", "HTTP/2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505],
    ["version-b", "HTTP/1.2", "GET / HTTP/1.2\r\nHost: app.test\r\n\r\n", 505],
    ["version-c", "HTTP/0.9", "GET /\r\n\r\n", 400],
    ["line", "two blanks in the request line", "GET  / HTTP/1.1\r\nHost: app.test\r\n\r\n", 400],
    ["line-b", "a tab in the request line", "GET\t/ HTTP/1.1\r\nHost: app.test\r\n\r\n", 400],
    ["line-c", "a fragment in the target", "GET /#x HTTP/1.1\r\nHost: app.test\r\n\r\n", 400],
    ["line-d", "raw UTF-8 in the target", "GET /\xc3\xa9 HTTP/1.1\r\nHost: app.test\r\n\r\n", 400],
    ["line-e", "a relative target", "GET admin HTTP/1.1\r\nHost: app.test\r\n\r\n", 400],
  ];
  for (const [id, what, text, status] of refused)
    it(`${id}: ${what}`, async () => {
      const result = await send(text).catch((error: unknown) => error);
      expect(result).toMatchObject({ status, requests: [] });
      expect((result as { text: string }).text).toContain("Connection: close");
      expect(router.lines).toHaveLength(1);
      expect(router.lines[0]).toContain("at=error code=H26");
    });
});

describe("limits of the head", () => {
  const limits: [string, (size: number) => string, number, number][] = [
    ["the request line", (size) => `GET /${"x".repeat(size - 14)} HTTP/1.1\r\nHost: app.test\r\n\r\n`, 8_192, 414],
    ["one header line", (size) => `GET / HTTP/1.1\r\nHost: app.test\r\nX: ${"x".repeat(size - 3)}\r\n\r\n`, 8_192, 431],
    ["a header name", (size) => `GET / HTTP/1.1\r\nHost: app.test\r\n${"x".repeat(size)}: y\r\n\r\n`, 1_000, 431],
    ["the number of fields", (size) => `GET / HTTP/1.1\r\nHost: app.test\r\n${"X: y\r\n".repeat(size - 1)}\r\n`, 1_000, 431],
    ["the method", (size) => `${"G".repeat(size)} / HTTP/1.1\r\nHost: app.test\r\n\r\n`, 127, 400],
    ["the head", (size) => {
      const start = "GET / HTTP/1.1\r\nHost: app.test\r\n";
      const left = size - start.length - 2;
      const line = `X: ${"x".repeat(8_000)}\r\n`;
      const whole = Math.floor((left - 10) / line.length);
      return `${start}${line.repeat(whole)}X: ${"y".repeat(left - whole * line.length - 5)}\r\n\r\n`;
    }, 65_536, 431],
  ];
  for (const [what, make, limit, status] of limits)
    it(`${what}: ${limit} is served, ${limit + 1} is refused with ${status}`, async () => {
      expect((await send(make(limit))).status).toBe(200);
      expect((await send(make(limit + 1))).status).toBe(status);
      expect(readRequests(app.received())).toHaveLength(1);
    });
});

describe("a request that is served keeps exactly one framing", () => {
  it("H18: no last chunk: the app never sees a whole request, and its connection is closed", async () => {
    const client = await rawClient(router.port);
    client.send(post("Transfer-Encoding: chunked\r\n", "2\r\nhi\r\n"));
    while (!app.received().includes("hi")) await new Promise((resolve) => setTimeout(resolve, 5));
    client.socket.destroy();
    await app.connections[0]!.closed;
    expect(() => readRequests(app.received())).toThrow();
  });

  it("H19: trailers go no further", async () => {
    const { requests } = await send(post("Transfer-Encoding: chunked\r\n", "2\r\nhi\r\n0\r\nContent-Length: 9\r\nHost: evil\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n"));
    expect(requests).toHaveLength(1);
    expect(requests[0]!.body).toBe("hi");
    expect(app.received()).not.toMatch(/evil|1\.1\.1\.1|: 9\r/);
  });

  for (const [id, nominated] of [["H22", "content-length"], ["H22b", "close, Content-Length"], ["H22c", "content_length"]] as const)
    it(`${id}: Connection: ${nominated} takes no length away`, async () => {
      const { requests } = await send(`GET / HTTP/1.1\r\nHost: app.test\r\nConnection: ${nominated}\r\nContent-Length: ${VICTIM.length}\r\n\r\n${VICTIM}`);
      expect(requests).toHaveLength(1);
      expect(requests[0]!.body).toBe(VICTIM);
    });

  it("H23: Connection: transfer-encoding takes no coding away", async () => {
    const { requests } = await send(`GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close, transfer-encoding\r\nTransfer-Encoding: chunked\r\n\r\n${VICTIM.length.toString(16)}\r\n${VICTIM}\r\n0\r\n\r\n`);
    expect(requests).toHaveLength(1);
    expect(requests[0]!.body).toBe(VICTIM);
  });

  it("H24: Connection: host, x-forwarded-for takes neither away, and a plain nomination does", async () => {
    const { requests } = await send("GET / HTTP/1.1\r\nHost: app.test\r\nConnection: host, x-forwarded-for, X-Forwarded-Proto, cookie, x-own\r\nX-Forwarded-For: 1.1.1.1\r\nCookie: a=b\r\nX-Own: 1\r\n\r\n");
    const names = requests[0]!.fields.map(([name]) => name);
    expect(names).toEqual(["host", "cookie", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-port", "x-request-id", "x-request-start", "via"]);
    expect(requests[0]!.fields[2]).toEqual(["x-forwarded-for", "1.1.1.1, 127.0.0.1"]);
  });

  it("H26: a target that names the same host is made a path", async () => {
    const { requests } = await send("GET http://APP.test:80?q=1 HTTP/1.1\r\nHost: app.test\r\n\r\n");
    expect(requests[0]!.line).toBe("GET /?q=1 HTTP/1.1");
  });

  it("H32: OPTIONS * passes", async () => {
    expect((await send("OPTIONS * HTTP/1.1\r\nHost: app.test\r\n\r\n")).requests[0]!.line).toBe("OPTIONS * HTTP/1.1");
  });

  it("H33: aliases with an underscore of protected names are dropped, other underscores and __proto__ pass", async () => {
    const { requests } = await send("GET / HTTP/1.1\r\nHost: app.test\r\nX_Forwarded_For: 1.1.1.1\r\nContent_Length: 5\r\nTransfer_encoding: chunked\r\nX_Own: 1\r\n__proto__: x\r\n\r\n");
    expect(requests[0]!.fields.map(([name]) => name)).toEqual(["host", "x_own", "__proto__", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-port", "x-request-id", "x-request-start", "via"]);
    expect(app.received()).not.toContain("1.1.1.1");
  });

  it("fields that only the router may say are not the client's to say", async () => {
    const { requests } = await send("GET / HTTP/1.1\r\nHost: app.test\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nForwarded: for=1.1.1.1\r\nX-Request-Start: 1\r\nProxy: evil\r\nX-Forwarded-Port: 1\r\n\r\n");
    expect(JSON.stringify(requests)).not.toMatch(/evil|https|1\.1\.1\.1|"1"/);
  });

  it("one empty line before the request is forgiven, two are not", async () => {
    expect((await send(`\r\n${VICTIM}`)).status).toBe(200);
    expect((await send(`\r\n\r\n${VICTIM}`)).status).toBe(400);
  });
});

describe("H34: a bad response becomes 502, and its connection is never used again", () => {
  const bad: [string, string, string][] = [
    ["two different lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi", "H17"],
    ["a length and a coding", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "H17"],
    ["204 with a body", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nhi", "H17"],
    ["three 100s", "HTTP/1.1 100 Continue\r\n\r\n".repeat(3), "H17"],
    ["endless interim responses", "HTTP/1.1 102 Processing\r\n\r\n".repeat(20), "H17"],
    ["1,001 fields", `HTTP/1.1 200 OK\r\n${"X: y\r\n".repeat(1_001)}\r\n`, "H25"],
    ["endless fields", `HTTP/1.1 200 OK\r\n${`X: ${"y".repeat(8_000)}\r\n`.repeat(70)}`, "H25"],
    ["a cookie of 8,193 octets", `HTTP/1.1 200 OK\r\nSet-Cookie: ${"y".repeat(8_193)}\r\nContent-Length: 0\r\n\r\n`, "H25"],
    ["a bare LF in a value", "HTTP/1.1 302 Found\r\nLocation: /a\nSet-Cookie: x=y\r\nContent-Length: 0\r\n\r\n", "H17"],
    ["a bare CR in a value", "HTTP/1.1 302 Found\r\nLocation: /a\rSet-Cookie: x=y\r\nContent-Length: 0\r\n\r\n", "H17"],
    ["a folded line", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n", "H17"],
    ["garbage for a status line", "SSH-2.0-OpenSSH_9.2\r\n", "H17"],
    ["a status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", "H17"],
    ["HTTP/2", "HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n", "H17"],
    ["an unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "H17"],
    ["chunked in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "H17"],
  ];
  for (const [what, text, code] of bad)
    it(what, async () => {
      const broken = await rawUpstream(({ socket }) => socket.write(text, "latin1"));
      await router.router.switchTo(routeTo([broken.port]));
      const { status } = await send(VICTIM);
      expect(status).toBe(502);
      await broken.connections[0]!.closed;
      expect(router.lines).toHaveLength(1);
      expect(router.lines[0]).toContain(`code=${code}`);
      await broken.close();
    });

  it("but no reason phrase is fine, with and without the blank before it", async () => {
    for (const line of ["HTTP/1.1 200 ", "HTTP/1.1 200"]) {
      const terse = await rawUpstream(({ socket }) => socket.write(`${line}\r\nContent-Length: 6\r\n\r\nanswer`));
      await router.router.switchTo(routeTo([terse.port]));
      expect((await send(VICTIM)).text).toMatch(/^HTTP\/1\.1 200 \r\n/);
      await terse.close();
    }
  });

  it("octets behind a whole response are never taken for the next one", async () => {
    const poison = await rawUpstream(({ socket }) => socket.write(response("answer") + response("poison")));
    await router.router.switchTo(routeTo([poison.port]));
    const client = await rawClient(router.port);
    client.send(VICTIM + VICTIM);
    expect(await client.until(/answer[^]*answer/)).not.toContain("poison");
    expect(poison.connections).toHaveLength(2);
    client.socket.destroy();
    await poison.close();
  });

  it("octets that come while a connection rests end it", async () => {
    const late = await rawUpstream(({ socket }) => {
      socket.write(response("answer"));
      setTimeout(() => socket.write(response("poison")), 20);
    });
    await router.router.switchTo(routeTo([late.port]));
    await send(VICTIM);
    await late.connections[0]!.closed;
    expect((await send(VICTIM)).text).not.toContain("poison");
    await late.close();
  });
});
