import { once } from "node:events";
import { X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { join } from "node:path";
import tls from "node:tls";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type ClientOptions, WebSocket, WebSocketServer } from "ws";
import type { Certificate } from "../../proxy/certificate.ts";
import { certificateFor } from "../support/proxy-certificate.ts";
import { talk } from "../support/proxy-client.ts";
import { routeTo } from "../support/proxy-router.ts";
import { type RouterChild, routerChild } from "../support/router-child.ts";

let certificates: Record<"first" | "second" | "wildcard" | "other", Certificate>;
beforeAll(async () => {
  const [first, second, wildcard, other] = await Promise.all([
    certificateFor("one", "app.test"), certificateFor("one", "app.test"), certificateFor("wild", "*.app.test"), certificateFor("two", "other.test"),
  ]);
  certificates = { first: first!, second: second!, wildcard: wildcard!, other: other! };
});

let router: RouterChild;
let tlsPort = 0;
let app: http.Server;
let received: http.IncomingHttpHeaders[] = [];
beforeEach(async () => {
  received = [];
  app = http.createServer((request, reply) => {
    received.push(request.headers);
    request.resume().on("end", () => reply.end(`${request.method} ${request.url}`));
  }).listen(0, "127.0.0.1");
  await once(app, "listening");
  router = await routerChild("--tls-port", "0", "--workers", "2");
  tlsPort = (await router.client.health()).tlsPort!;
});
afterEach(async () => {
  await router.close();
  app.closeAllConnections();
  app.close();
});

const port = (): number => (app.address() as { port: number }).port;
const routed = (overrides = {}): Promise<void> => router.client.switchTo(routeTo([port()], { hosts: ["app.test", "www.app.test"], ...overrides }));

/** The certificate that a client is shown who asks for this name; the error's code where there is none. */
async function shown(servername: string | undefined): Promise<string> {
  const socket = tls.connect({ port: tlsPort, host: "127.0.0.1", rejectUnauthorized: false, ...(servername === undefined ? {} : { servername }) });
  try {
    await once(socket, "secureConnect");
    return socket.getPeerX509Certificate()!.fingerprint256;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "closed";
  } finally {
    socket.destroy();
  }
}
const fingerprint = ({ chain }: Certificate): string => new X509Certificate(chain).fingerprint256;

type Reply = { status: number; headers: http.IncomingHttpHeaders; body: string };
function ask(options: https.RequestOptions, body = ""): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = https.request({ host: "127.0.0.1", port: tlsPort, servername: "app.test", rejectUnauthorized: false, agent: false, headers: { host: "app.test" }, ...options }, (reply) => {
      let text = "";
      reply.setEncoding("utf8").on("data", (piece: string) => (text += piece)).on("end", () => resolve({ status: reply.statusCode!, headers: reply.headers, body: text }));
    });
    request.on("error", reject).end(body);
  });
}

describe("TLS", () => {
  it("goes down the same road as plain HTTP: bodies, keep-alive and forwarded headers that say https", async () => {
    await routed();
    await router.client.putCertificate(certificates.first);
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    const big = "x".repeat(300_000);
    for (const path of ["/a", "/b"]) expect(await ask({ agent, path, method: "POST", headers: { host: "app.test" } }, big)).toMatchObject({ status: 200, body: `POST ${path}` });
    agent.destroy();
    expect(received[0]).toMatchObject({ "x-forwarded-proto": "https", "x-forwarded-port": String(tlsPort), "x-forwarded-for": "127.0.0.1" });
    await expect.poll(() => readFile(join(router.folder, "access.log"), "utf8")).toMatch(/path="\/b" .* status=200 .* protocol=https$/m);
    expect(await readFile(join(router.folder, "routes.json"), "utf8")).toContain("PRIVATE KEY");
    expect((await stat(join(router.folder, "routes.json"))).mode & 0o777).toBe(0o600);
  });

  it("carries WebSockets", async () => {
    const server = new WebSocketServer({ server: app });
    server.on("connection", (socket) => socket.on("message", (message) => socket.send(`echo ${String(message)}`)));
    await routed();
    await router.client.putCertificate(certificates.first);
    const socket = new WebSocket(`wss://127.0.0.1:${tlsPort}/`, { servername: "app.test", rejectUnauthorized: false, headers: { host: "app.test" } } as ClientOptions);
    await once(socket, "open");
    socket.send("hello");
    expect(String((await once(socket, "message"))[0])).toBe("echo hello");
    socket.close();
    await once(socket, "close");
    server.close();
  });

  it("shows each host its own certificate, an exact name before a wildcard, and none to a host that has none", async () => {
    for (const certificate of [certificates.first, certificates.wildcard, certificates.other]) await router.client.putCertificate(certificate);
    expect(await shown("app.test")).toBe(fingerprint(certificates.first));
    expect(await shown("APP.test")).toBe(fingerprint(certificates.first));
    expect(await shown("www.app.test")).toBe(fingerprint(certificates.wildcard));
    expect(await shown("other.test")).toBe(fingerprint(certificates.other));
    for (const name of ["stranger.test", "a.www.app.test", undefined]) expect(await shown(name)).toMatch(/^(ECONNRESET|ERR_SSL_[\w/]+)$/);
  });

  it("replaces a certificate in every worker without touching a connection, and takes it away again", async () => {
    await routed();
    await router.client.putCertificate(certificates.first);
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    await ask({ agent });
    await router.client.putCertificate(certificates.second);
    for (let n = 0; n < 20; n++) expect(await shown("app.test")).toBe(fingerprint(certificates.second));
    expect(await ask({ agent })).toMatchObject({ status: 200 });
    agent.destroy();
    expect(await router.client.certificates()).toEqual([{ id: "one", hosts: ["app.test"], fingerprint: fingerprint(certificates.second) }]);
    await router.client.removeCertificate("one");
    expect(await shown("app.test")).toMatch(/^(ECONNRESET|ERR_SSL_[\w/]+)$/);
    expect(await router.client.certificates()).toEqual([]);
  });

  it("outlives the router: certificates come back with the snapshot, and pass to a successor", async () => {
    await routed();
    await router.client.putCertificate(certificates.first);
    const { pid } = await router.client.health();
    await router.client.upgrade();
    await expect.poll(() => router.client.health().then((health) => health.pid, () => pid)).not.toBe(pid);
    expect((await router.client.health()).tlsPort).toBe(tlsPort);
    expect(await ask({})).toMatchObject({ status: 200 });
    expect(await router.client.certificates()).toHaveLength(1);
  });

  it("refuses what is no certificate, and a key of another one, with the reason, and changes nothing", async () => {
    const { first, other } = certificates;
    await router.client.putCertificate(first);
    await expect(router.client.putCertificate({ ...first, key: other.key })).rejects.toMatchObject({ id: "invalid_certificate", what: expect.stringContaining("`key` belongs to another") as string });
    await expect(router.client.putCertificate({ ...first, chain: "no PEM" })).rejects.toMatchObject({ id: "invalid_certificate", what: expect.stringContaining("cannot be read") as string });
    await expect(router.client.putCertificate({ ...first, hosts: ["App.test"] })).rejects.toMatchObject({ id: "invalid_certificate", what: expect.stringContaining("`hosts`") as string });
    expect(await shown("app.test")).toBe(fingerprint(first));
  });

  it("is not spoken below 1.2, and plain HTTP on its port ends in a closed connection that harms nobody", async () => {
    await router.client.putCertificate(certificates.first);
    const old = tls.connect({ port: tlsPort, host: "127.0.0.1", servername: "app.test", rejectUnauthorized: false, maxVersion: "TLSv1.1", minVersion: "TLSv1", ciphers: "DEFAULT@SECLEVEL=0" });
    await expect(once(old, "secureConnect")).rejects.toMatchObject({ code: expect.stringMatching(/SSL|ECONNRESET/) as string });
    const plain = net.connect(tlsPort, "127.0.0.1").on("error", () => {});
    plain.write("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n");
    await once(plain.resume(), "close");
    expect(await shown("app.test")).toBe(fingerprint(certificates.first));
  });
});

describe("the way to TLS", () => {
  it("is told by a redirect that keeps host, path and query; POST stays POST", async () => {
    await routed({ redirectToTls: true });
    expect(await talk(router.port, "GET /a?b=c HTTP/1.1\r\nHost: www.app.test:80\r\n\r\n", /\r\n\r\n$/)).toMatch(new RegExp(`^HTTP/1.1 301 Moved Permanently\r\n(.+\r\n)*Location: https://www\\.app\\.test:${tlsPort}/a\\?b=c\r\n`));
    expect(await talk(router.port, "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 2\r\n\r\nhi", /\r\n\r\n$/)).toMatch(/^HTTP\/1.1 308 Permanent Redirect\r\n/);
    expect(received).toEqual([]);
    await router.client.putCertificate(certificates.first);
    expect(await ask({ path: "/over" })).toMatchObject({ status: 200, body: "GET /over" });
  });

  it("is remembered by browsers when the route says so, over TLS alone (RFC 6797 7.2)", async () => {
    await routed({ hstsSeconds: 3600 });
    await router.client.putCertificate(certificates.first);
    expect((await ask({})).headers["strict-transport-security"]).toBe("max-age=3600");
    expect(await talk(router.port, "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n", /GET \/$/)).not.toMatch(/strict-transport/i);
  });
});

describe("an ACME challenge", () => {
  it("is answered on every host by every worker, redirect or not, until it is taken back", async () => {
    await routed({ redirectToTls: true });
    await router.client.putChallenge("token-1", "token-1.thumbprint");
    const ask = (host: string) => talk(router.port, `GET /.well-known/acme-challenge/token-1 HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`, /\r\n\r\n[^]*$/);
    for (let n = 0; n < 10; n++) for (const host of ["app.test", "not-yet.test"]) expect(await ask(host)).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*\r\n\r\ntoken-1\.thumbprint$/);
    await router.client.removeChallenge("token-1");
    expect(await ask("app.test")).toMatch(/^HTTP\/1.1 301 /);
    expect(await ask("not-yet.test")).toMatch(/^HTTP\/1.1 404 /);
  });

  it("passes to a successor in the middle of an order", async () => {
    await router.client.putChallenge("token-2", "text");
    const { pid } = await router.client.health();
    await router.client.upgrade();
    await expect.poll(() => router.client.health().then((health) => health.pid, () => pid)).not.toBe(pid);
    expect(await talk(router.port, "GET /.well-known/acme-challenge/token-2 HTTP/1.1\r\nHost: a.test\r\n\r\n", /text$/)).toMatch(/^HTTP\/1.1 200/);
  });
});
