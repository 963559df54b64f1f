/** What a user's URL is fetched from, and what never is. */

import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { createFetcher } from "../../server/outbound/fetch.ts";
import { createCertificateMaker } from "../support/certificate-maker.ts";

const servers: Server[] = [];
afterEach(() => servers.splice(0).forEach((server) => server.closeAllConnections()));

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return (server.address() as AddressInfo).port;
}
const serve = (handler: RequestListener): Promise<number> => listen(createServer(handler));

async function get(url: string, { allow = ["127.0.0.1"], maxBytes = 1 << 20, authorities = async (): Promise<string | undefined> => undefined, signal = AbortSignal.timeout(30_000) } = {}): Promise<string> {
  const body = await createFetcher({ allow, authorities }).get(url, { maxBytes, signal });
  const chunks: Buffer[] = [];
  for await (const chunk of body as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test("a file comes over TLS that the given authorities vouch for, and not over TLS that they do not", async () => {
  const maker = await createCertificateMaker();
  const { chain, key } = await maker.issue(["localhost"]);
  const port = await listen(createTlsServer({ cert: chain, key }, (_request, response) => void response.end("over TLS")) as unknown as Server);
  expect(await get(`https://localhost:${port}/`, { allow: ["127.0.0.1", "::1"], authorities: async () => maker.root })).toBe("over TLS");
  await expect(get(`https://localhost:${port}/`, { allow: ["127.0.0.1", "::1"] })).rejects.toThrow(/^The connection to localhost:\d+ failed \([A-Z_]+\)\.$/);
});

test("redirects are followed, and a password stays with the host that it was given for", async () => {
  const seen: (string | undefined)[] = [];
  const second = await serve((request, response) => {
    seen.push(request.headers.authorization);
    response.end("arrived");
  });
  const first = await serve((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(302, { location: `http://127.0.0.1:${second}/file` }).end();
  });
  expect(await get(`http://ann:p%20w@127.0.0.1:${first}/`)).toBe("arrived");
  expect(seen).toEqual([`Basic ${Buffer.from("ann:p w").toString("base64")}`, undefined]);
});

describe("nothing is asked of", () => {
  test.each(["http://127.0.0.1", "http://127.1", "http://2130706433", "http://0x7f000001", "http://017700000001", "http://0.0.0.0", "http://[::1]", "http://[::ffff:127.0.0.1]", "http://localhost", "http://localhost."])("%s, where nothing is allowed", async (origin) => {
    let asked = 0;
    const port = await serve((_request, response) => void response.end(String((asked += 1))));
    for (const scheme of ["http", "https"]) await expect(get(`${origin.replace("http", scheme)}:${port}/`, { allow: [] })).rejects.toMatchObject({ id: "invalid_params", message: expect.stringMatching(/cannot be fetched from|failed \(E/) });
    expect(asked).toBe(0);
  });

  test("a private address that a public answer redirects to", async () => {
    const port = await serve((_request, response) => void response.writeHead(301, { location: "https://10.1.2.3/secret" }).end());
    await expect(get(`http://127.0.0.1:${port}/`)).rejects.toThrow("10.1.2.3 cannot be fetched from: 10.1.2.3 is not an address of the public internet (the operator may allow it by PAAS_FETCH_ALLOW).");
  });

  test("a public address by plain http", async () => {
    await expect(get("http://1.1.1.1/x.tgz")).rejects.toThrow("1.1.1.1 cannot be fetched from: 1.1.1.1 is not allowed by PAAS_FETCH_ALLOW.");
  });

  test.each(["file:///etc/passwd", "gopher://example.com/", "ftp://example.com/", "example.com", "", "https://", `https://example.com/${"a".repeat(5000)}`, "https://a%@example.com/", "https://example.com/\n"])("%j", async (url) => {
    await expect(get(url)).rejects.toMatchObject({ id: "invalid_params", message: expect.stringMatching(/^The URL/) });
  });
});

describe("it ends with a reason", () => {
  test.each<[string, RegExp, RequestListener]>([
    ["when the file is not there", /^127\.0\.0\.1:\d+ answered 404\.$/, (_request, response) => void response.writeHead(404).end()],
    ["when the file says that it is too large", /sent more than 1 MB\.$/, (_request, response) => void response.writeHead(200, { "content-length": String(2 << 20) }).write("x")],
    ["when the file turns out to be too large", /sent more than 1 MB\.$/, (_request, response) => void response.end(Buffer.alloc(2 << 20))],
    ["when the answer is cut off", /^The connection to 127\.0\.0\.1:\d+ /, (_request, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("x", () => response.destroy());
    }],
    ["when it leads in circles", /redirects too often\.$/, (request, response) => void response.writeHead(302, { location: "/again" }).end(request.url)],
  ])("%s", async (_what, message, handler) => {
    const port = await serve(handler);
    await expect(get(`http://127.0.0.1:${port}/file?secret=1`)).rejects.toMatchObject({ id: "invalid_params", message: expect.stringMatching(message) });
  });

  test("when it is broken off", async () => {
    const stop = new AbortController();
    const port = await serve(() => stop.abort());
    await expect(get(`http://127.0.0.1:${port}/`, { signal: stop.signal })).rejects.toThrow("was broken off");
  });
});
