/** Random and near-miss heads against an independent reader: whatever is let through has exactly one reading. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { requestHeadForApp, responseHeadForClient } from "../../proxy/forward.ts";
import { BodyReader, CHUNKED, LENGTH } from "../../proxy/framing.ts";
import { DEFAULT_LIMITS } from "../../proxy/limits.ts";
import { RequestHead } from "../../proxy/request-head.ts";
import { ResponseHead } from "../../proxy/response-head.ts";
import { readRequests } from "../support/proxy-wire.ts";

/** `npm run fuzz:router` raises it. */
const RUNS = Number(process.env["FUZZ_RUNS"] ?? 3_000);

const name = fc.constantFrom(
  "Host", "host", "Content-Length", "content-length", "Content_Length", "Transfer-Encoding", "transfer-encoding", "Transfer_Encoding", "Connection", "Upgrade", "Expect",
  "X-Forwarded-For", "X_Forwarded_For", "X-Request-Id", "TE", "Trailer", "Keep-Alive", "Proxy-Connection", "X-Own", "Cookie", "__proto__", "Content-Length ", "\tHost", "", "H\x00st", "Set-Cookie",
);
const value = fc.oneof(
  fc.constantFrom(
    "app.test", "APP.test:80", "app.test.", "a,b", "0", "2", "5", "+2", "0x2", "2, 2", "", " 2", "2 ", "chunked", "Chunked", "chunked, chunked", "gzip", "identity", "\x0bchunked", "close", "keep-alive",
    "content-length", "transfer-encoding, close", "host", "x-own, x-forwarded-for", "upgrade", "Upgrade, close", "websocket", "h2c", "100-continue", "y", "1.1.1.1", "timeout=5", "a\rb", "a\nb", "a\r\n b", "a\0b", "\xff",
  ),
  fc.string({ unit: "binary-ascii", maxLength: 12 }),
);
const separator = fc.oneof({ weight: 20, arbitrary: fc.constant(": ") }, { weight: 1, arbitrary: fc.constantFrom(":", " : ", " ", ":\t", "") });
const ending = fc.oneof({ weight: 40, arbitrary: fc.constant("\r\n") }, { weight: 1, arbitrary: fc.constantFrom("\n", "\r", "\r\r\n", "\r\n ", "\r\n\t") });
const line = fc.tuple(name, separator, value, ending).map((parts) => parts.join(""));
const sane = fc.constantFrom("Host: app.test\r\n", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "X-Own: 1\r\n", "Connection: close\r\n");
const fields = fc.array(fc.oneof({ weight: 2, arbitrary: sane }, line), { maxLength: 8 }).map((lines) => lines.join(""));
const requestLine = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom("GET / HTTP/1.1\r\n", "POST /a?b HTTP/1.1\r\n", "HEAD / HTTP/1.0\r\n", "GET http://app.test/x HTTP/1.1\r\n") },
  { weight: 1, arbitrary: fc.constantFrom("GET  / HTTP/1.1\r\n", "GET / HTTP/1.1\n", "GET / HTTP/2.0\r\n", "GET /\r\n", " GET / HTTP/1.1\r\n", "\r\nGET / HTTP/1.1\r\n", "GET /\0 HTTP/1.1\r\n", "OPTIONS * HTTP/1.1\r\n") },
);
/** A head in which up to three octets are not what they were. */
const spoilt = (head: fc.Arbitrary<string>): fc.Arbitrary<Buffer> =>
  fc.tuple(head, fc.array(fc.tuple(fc.nat(2_000), fc.nat(255)), { maxLength: 3 }), fc.boolean()).map(([text, changes, spoil]) => {
    const bytes = Buffer.from(text, "latin1");
    if (spoil) for (const [at, octet] of changes) bytes[at % bytes.length] = octet;
    return bytes;
  });

describe("a request head", () => {
  it("that is let through reads in only one way at the app", () => {
    const head = new RequestHead();
    let accepted = 0;
    const request = spoilt(fc.tuple(requestLine, fields).map(([first, lines]) => `${first}${lines}\r\n`));
    fc.assert(
      fc.property(request, (bytes) => {
        const size = head.parse(bytes, bytes.length, DEFAULT_LIMITS);
        if (size <= 0) return;
        accepted++;
        const wire = requestHeadForApp(head, { address: "127.0.0.1", origin: "X-Forwarded-Proto: http\r\nX-Forwarded-Port: 80\r\n", protocol: "1.1" }, "id", 1);
        const body = head.body === CHUNKED ? "0\r\n\r\n" : head.body === LENGTH && !head.websocket ? "x".repeat(Math.min(head.length, 100_000)) : "";
        if (head.body === LENGTH && head.length > 100_000) return;
        const requests = readRequests(wire + body);
        expect(requests).toHaveLength(1);
        const names = requests[0]!.fields.map(([field]) => field);
        expect(names.filter((field) => field === "host")).toHaveLength(1);
        expect(names.filter((field) => /^x[-_]forwarded[-_](for|proto|port)$/.test(field))).toEqual(["x-forwarded-for", "x-forwarded-proto", "x-forwarded-port"]);
        expect(names.filter((field) => /^(te|trailer|keep-alive|proxy-connection|expect)$/.test(field))).toEqual([]);
        expect(names.includes("upgrade")).toBe(head.websocket);
      }),
      { numRuns: RUNS },
    );
    expect(accepted).toBeGreaterThan(RUNS / 50);
  });

  it("waits for the rest of an empty line before it", () => {
    const bytes = Buffer.from("\r\nGET / HTTP/1.1\r\nHost: app.test\r\n\r\n");
    for (let end = 0; end < bytes.length; end++) expect(new RequestHead().parse(bytes, end, DEFAULT_LIMITS), `of ${end} octets`).toBe(0);
    expect(new RequestHead().parse(bytes, bytes.length, DEFAULT_LIMITS)).toBe(bytes.length);
  });

  it("reads the same however it is cut in two", () => {
    const head = new RequestHead();
    const request = spoilt(fc.tuple(requestLine, fields).map(([first, lines]) => `${first}${lines}\r\nbehind`));
    fc.assert(
      fc.property(request, fc.nat(), (bytes, cut) => {
        const whole = head.parse(bytes, bytes.length, DEFAULT_LIMITS);
        const at = cut % bytes.length;
        const part = head.parse(bytes, at, DEFAULT_LIMITS);
        // A part is never complete before the whole is, and what it is refused for the whole is refused for.
        if (whole > 0) expect(part).toBe(at >= whole ? whole : 0);
        else if (part > 0) throw new Error("complete, though the whole is not");
      }),
      { numRuns: RUNS },
    );
  });
});

describe("a chunked body", () => {
  it("reads the same in one piece and in any two, and gives back exactly what was framed", () => {
    const chunk = fc.tuple(fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 40 }), fc.constantFrom("", ";x", ';a="b"'));
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 5 }), fc.constantFrom("", "A: b\r\n"), fc.nat(), (chunks, trailer, cut) => {
        const text = `${chunks.map(([data, extension]) => `${data.length.toString(16)}${extension}\r\n${data}\r\n`).join("")}0\r\n${trailer}\r\n`;
        const bytes = Buffer.from(`${text}behind`, "latin1");
        const reader = new BodyReader(CHUNKED, 0);
        const at = cut % bytes.length;
        let payload = "";
        let end = reader.read(bytes, 0, at);
        payload += reader.parts.map((part) => part.toString("latin1")).join("");
        if (!reader.done) {
          end = reader.read(bytes, at, bytes.length);
          payload += reader.parts.map((part) => part.toString("latin1")).join("");
        }
        expect(reader).toMatchObject({ done: true, malformed: false });
        expect(payload).toBe(chunks.map(([data]) => data).join(""));
        expect(end).toBe(text.length);
      }),
      { numRuns: RUNS },
    );
  });
});

describe("a response head", () => {
  it("that is let through has at most one framing and no octet that could start another line", () => {
    const head = new ResponseHead(DEFAULT_LIMITS);
    const statusLine = fc.constantFrom("HTTP/1.1 200 OK\r\n", "HTTP/1.1 204 No Content\r\n", "HTTP/1.0 200 OK\r\n", "HTTP/1.1 304\r\n", "HTTP/1.1 200 \r\n", "HTTP/1.1 2000 OK\r\n");
    const response = spoilt(fc.tuple(statusLine, fields).map(([first, lines]) => `${first}${lines}\r\n`));
    let accepted = 0;
    fc.assert(
      fc.property(response, fc.boolean(), fc.boolean(), (bytes, toHead, http10) => {
        if (head.parse(bytes, 0, bytes.length, toHead) <= 0) return;
        accepted++;
        const text = responseHeadForClient(bytes, head, { chunked: head.body >= CHUNKED && !http10, close: false, http10, fields: "" });
        expect(text).toMatch(/^HTTP\/1\.1 \d{3} [^\r\n\0]*\r\n([!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n\0]*\r\n)*\r\n$/);
        expect((text.match(/^(content-length|transfer-encoding):/gim) ?? []).length).toBeLessThanOrEqual(1);
      }),
      { numRuns: RUNS },
    );
    expect(accepted).toBeGreaterThan(RUNS / 50);
  });
});
