/** Drains against real receivers: rsyslog, an HTTPS server, a fluentd-protocol server; and against receivers that are slow, away, or not what they say. */

import { FluentServer } from "@fluent-org/logger";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import type { App } from "../../server/domain/model.ts";
import { createDrain } from "../../server/logs/drains/drain.ts";
import { createDrains, type Drains } from "../../server/logs/drains/drains.ts";
import { createHistory } from "../../server/logs/history.ts";
import { createHub, type Hub, type NewLine } from "../../server/logs/hub.ts";
import { createClock } from "../../server/logs/line.ts";
import { eventually } from "../git/eventually.ts";
import { addApp, openStore } from "../store/test-store.ts";
import { createCertificateMaker, type CertificateMaker } from "../support/certificate-maker.ts";
import { freePort } from "../support/free-port.ts";

const MB = 1024 * 1024;
const AT = "2026-11-23T22:14:47.123456+00:00";
let maker: CertificateMaker;
beforeAll(async () => void (maker = await createCertificateMaker()));

type House = { app: App; hub: Hub; drains: Drains; dir: string; say(text: string, more?: Partial<NewLine>): void };

function house(allow = ["127.0.0.1"]): House {
  const dir = mkdtempSync(join(tmpdir(), "paas-drains-"));
  const store = openStore();
  const app = addApp(store, "shop");
  const history = createHistory({ dir: join(dir, "apps"), maxBytes: MB, maxTotalBytes: MB, onFailure: () => undefined });
  const hub = createHub(history, createClock());
  writeFileSync(join(dir, "ca.pem"), maker.root);
  const drains = createDrains({ store, hub, allow, caFile: join(dir, "ca.pem"), now: () => AT, firstRetryMs: 20 });
  onTestFinished(async () => {
    await drains.stop();
    await history.close();
    rmSync(dir, { recursive: true });
  });
  return { app, hub, drains, dir, say: (text, more = {}) => hub.write(app.id, { at: AT, source: "app", ps: "web.1", release: 7, text, ...more }) };
}

async function listen<T extends Server | HttpsServer>(server: T): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

/** RFC 6587 section 3.4.1: `MSG-LEN SP SYSLOG-MSG`. @returns the messages, and what is left over */
function unframe(octets: Buffer): { messages: string[]; rest: Buffer } {
  const messages: string[] = [];
  for (;;) {
    const space = octets.indexOf(" ");
    const length = Number(octets.toString("latin1", 0, space));
    if (space === -1 || octets.length < space + 1 + length) return { messages, rest: octets };
    expect(Number.isInteger(length)).toBe(true);
    messages.push(octets.toString("utf8", space + 1, space + 1 + length));
    octets = octets.subarray(space + 1 + length);
  }
}

type Post = { headers: IncomingHttpHeaders; url: string; messages: string[] };
async function httpsReceiver(answer: (count: number) => number = () => 204): Promise<{ port: number; posts: Post[] }> {
  const { chain, key } = await maker.issue(["localhost"]);
  const posts: Post[] = [];
  const server = createHttpsServer({ cert: chain, key }, (request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part)).on("end", () => {
      const { messages, rest } = unframe(Buffer.concat(parts));
      expect(rest).toHaveLength(0);
      posts.push({ headers: request.headers, url: request.url ?? "", messages });
      response.writeHead(answer(posts.length), { location: "https://127.0.0.1:1/" }).end();
    });
  });
  return { port: await listen(server), posts };
}

test("an https drain posts Logplex's batches: framed, counted, with the drain's token and the URL's credentials", async () => {
  const { app, drains, say } = house();
  const { port, posts } = await httpsReceiver();
  const drain = await drains.add(app, `https://ann:s%40cret@localhost:${port}/logs?a=b`);
  say("héllo");
  say("at=info status=200", { source: "heroku", ps: "router" });
  say("State changed from starting to up", { source: "heroku" });
  await eventually("the lines came", () => posts.flatMap(({ messages }) => messages).length === 3);
  expect(posts[0]).toMatchObject({
    url: "/logs?a=b",
    headers: { "content-type": "application/logplex-1", "logplex-msg-count": "3", "logplex-drain-token": drain.token, "logplex-frame-id": expect.stringMatching(/^[0-9a-f-]{36}$/) as string, authorization: `Basic ${btoa("ann:s@cret")}` },
    messages: [`<190>1 ${AT} ${drain.token} app web.1 - héllo\n`, `<158>1 ${AT} ${drain.token} heroku router - at=info status=200\n`, `<45>1 ${AT} ${drain.token} heroku web.1 - State changed from starting to up\n`],
  });
  await eventually("the answer counted", () => drains.state(drain).delivered === 3);
  expect(drains.state(drain)).toEqual({ delivered: 3, dropped: 0, waiting: 0, lastError: null });
});

test("a batch that an https receiver refuses is sent again, the same, until it is taken; a redirect is a refusal", async () => {
  const { app, drains, say } = house();
  const { port, posts } = await httpsReceiver((count) => ([503, 302, 200][count - 1] ?? 200));
  const drain = await drains.add(app, `https://localhost:${port}/`);
  say("once");
  await eventually("it was taken", () => drains.state(drain).delivered === 1);
  expect(posts.map(({ messages }) => messages)).toEqual(Array.from({ length: 3 }, () => [`<190>1 ${AT} ${drain.token} app web.1 - once\n`]));
  expect(new Set(posts.map(({ headers }) => headers["logplex-frame-id"])).size).toBe(1);
});

test("a certificate that is not to be trusted gets no line", async () => {
  const { app, drains, say } = house();
  const other = await createCertificateMaker("Other");
  const { chain, key } = await other.issue(["localhost"]);
  let asked = 0;
  const port = await listen(createHttpsServer({ cert: chain, key }, () => asked++));
  const tried = await Promise.all(["https://localhost", "https://127.0.0.1", "syslog+tls://localhost", "fluent+tls://localhost"].map((url) => drains.add(app, `${url}:${port}`)));
  say("secret");
  await eventually("all failed", () => tried.every((drain) => drains.state(drain).lastError !== null));
  for (const drain of tried) expect(drains.state(drain).lastError).toMatch(/certificate/);
  expect(asked).toBe(0);
});

test("a receiver that is away costs 1,000 lines of memory; what did not fit is counted, told in its place, and comes to nobody else's harm", async () => {
  const { app, drains, hub, say } = house();
  const port = await freePort();
  const good = await httpsReceiver();
  const away = await drains.add(app, `syslog://localhost:${port}`);
  const fine = await drains.add(app, `https://localhost:${good.port}/`);
  for (let round = 0; round < 30; round++) {
    for (let index = 0; index < 50; index++) say(`line ${round * 50 + index}`);
    await eventually("the good one has it", () => drains.state(fine).delivered === (round + 1) * 50);
  }
  expect(drains.state(away)).toMatchObject({ delivered: 0, dropped: 500, waiting: 1000, lastError: expect.stringMatching(/ECONNREFUSED/) as string });
  expect(hub.counts().get(app.id)).toMatchObject({ dropped: 500 });

  let received = Buffer.alloc(0);
  const server = createServer((socket) => void socket.on("data", (part: Buffer) => (received = Buffer.concat([received, part]))));
  server.listen(port, "127.0.0.1");
  onTestFinished(() => void server.close());
  await eventually("it has what was kept", () => drains.state(away).delivered === 1001);
  say("after the gap");
  await eventually("and what came then", () => unframe(received).messages.length === 1002);
  const texts = unframe(received).messages.map((message) => message.split(" - - ")[1]);
  expect(texts.slice(0, 1000)).toEqual(Array.from({ length: 1000 }, (_, index) => `line ${index}`));
  expect(texts.slice(1000)).toEqual([`Error L10 (output buffer overflow): 500 messages dropped since ${AT}.`, "after the gap"]);
  await drains.stop();
});

test("a gap is told where it is: what comes while the queue empties comes behind it, or is part of it", async () => {
  const sent: string[][] = [];
  let taken = Promise.withResolvers<void>();
  const drain = createDrain({
    async send({ lines }) {
      sent.push(lines.map(({ text }) => text));
      await taken.promise;
    },
    close: () => undefined,
  }, () => undefined);
  const add = (text: string): void => drain.add({ at: AT, source: "app", ps: "web.1", release: 1, text });
  for (let index = 0; index < 1005; index++) add(String(index));
  for (let batch = 1; batch <= 10; batch++) {
    await eventually(`batch ${batch}`, () => sent.length === batch);
    if (batch === 2) add("too early");
    const before = taken;
    taken = Promise.withResolvers();
    before.resolve();
  }
  await eventually("all is sent", () => sent.flat().length >= 1001);
  expect(sent.flat()).toEqual([...Array.from({ length: 1000 }, (_, index) => String(index)), `Error L10 (output buffer overflow): 6 messages dropped since ${AT}.`]);
  drain.stop();
});

test("a receiver that takes the connection and then nothing more is bounded as well, and removing its drain ends it", async () => {
  const { app, drains, say } = house();
  const sockets: Socket[] = [];
  const port = await listen(createServer({ pauseOnConnect: true }, (socket) => void sockets.push(socket)));
  const drain = await drains.add(app, `syslog://127.0.0.1:${port}`);
  const long = "x".repeat(9000);
  for (let index = 0; index < 5000; index++) {
    say(`${index} ${long}`);
    if (index % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const state = drains.state(drain);
  expect(state.dropped).toBeGreaterThan(3000);
  expect(state.waiting).toBeLessThanOrEqual(1000);
  await eventually("it is connected", () => sockets.length === 1);
  const closed = once(sockets[0] as Socket, "close");
  drains.remove(drain);
  sockets[0]?.resume();
  await closed;
  expect(() => drains.find(app, drain.id)).toThrow("Couldn't find that drain");
});

test.each([["without", undefined], ["with", "k3y"]])("a fluentd-protocol server gets records with their times and acknowledges them, %s a shared key", async (_what, sharedKey) => {
  const { app, drains, say } = house();
  const entries: { tag: string; time: unknown; record: unknown }[] = [];
  const server = new FluentServer({ listenOptions: { port: 0, host: "127.0.0.1" }, ...(sharedKey === undefined ? {} : { security: { serverHostname: "receiver", sharedKey, authorize: true, userDict: { ann: "secret" } } }) });
  server.on("entry", (tag: string, time: unknown, record: unknown) => entries.push({ tag, time, record }));
  await server.listen();
  onTestFinished(() => server.close());
  const drain = await drains.add(app, sharedKey === undefined ? `fluent://localhost:${server.port}` : `fluent://ann:secret@localhost:${server.port}/my.tag?shared_key=${sharedKey}`);
  for (let index = 0; index < 250; index++) say(`line ${index}`);
  await eventually("all are acknowledged", () => drains.state(drain).delivered === 250);
  expect(entries.map(({ record }) => (record as { message: string }).message)).toEqual(Array.from({ length: 250 }, (_, index) => `line ${index}`));
  expect(entries[0]).toMatchObject({ tag: sharedKey === undefined ? "paas.shop" : "my.tag", record: { message: "line 0", app: "shop", source: "app", dyno: "web.1", release: "v7" } });
  expect(String((entries[0]?.time as { epoch?: number }).epoch)).toBe(String(Math.floor(Date.parse(AT) / 1000)));
  expect((entries[0]?.time as { nano?: number }).nano).toBe(123_456_000);
});

test("a fluentd-protocol server that does not know the shared key, or a password that it does not know, gets no line", async () => {
  const { app, drains, say } = house();
  const entries: unknown[] = [];
  const server = new FluentServer({ listenOptions: { port: 0, host: "127.0.0.1" }, security: { serverHostname: "receiver", sharedKey: "right", authorize: true, userDict: { ann: "secret" } } });
  server.on("entry", (...entry: unknown[]) => entries.push(entry));
  await server.listen();
  onTestFinished(() => server.close());
  const wrong = [`fluent://ann:secret@localhost:${server.port}?shared_key=wrong`, `fluent://ann:wrong@localhost:${server.port}?shared_key=right`];
  const tried = await Promise.all(wrong.map((url) => drains.add(app, url)));
  say("secret");
  await eventually("both were refused", () => tried.every((drain) => drains.state(drain).lastError !== null));
  expect(entries).toEqual([]);
});

test("a receiver that never acknowledges a chunk gets it again, with the same id", async () => {
  const { app, drains, say } = house();
  const { decodeMulti, encode } = await import("@msgpack/msgpack");
  const chunks: string[] = [];
  const port = await listen(createServer((socket) => void socket.on("data", (part: Buffer) => {
    const [, , options] = [...decodeMulti(part)][0] as [string, unknown, { chunk: string }];
    chunks.push(options.chunk);
    if (chunks.length === 1) socket.destroy();
    else socket.write(encode({ ack: chunks.length === 2 ? "another" : options.chunk }));
  })));
  const drain = await drains.add(app, `fluent://127.0.0.1:${port}`);
  say("once");
  await eventually("it is acknowledged", () => drains.state(drain).delivered === 1);
  expect(chunks).toEqual([chunks[0], chunks[0], chunks[0]]);
});

test.each(["127.0.0.1:514", "localhost:514", "127.1:514", "[::1]:514", "[::ffff:127.0.0.1]:514", "0.0.0.0:514", "10.213.0.2:514", "169.254.169.254:80", "0x7f.1:514", "2130706433:514"])("no drain leads to %s, unless the operator allows it", async (host) => {
  const { app, drains } = house([]);
  for (const scheme of ["syslog", "syslog+tls", "fluent"]) await expect(drains.add(app, `${scheme}://${host}`)).rejects.toMatchObject({ id: "invalid_params" });
  await expect(drains.add(app, `https://${host}/`)).rejects.toMatchObject({ id: "invalid_params" });
});

test("a name that leads into the machine only after its drain was added is refused when it is connected to", async () => {
  const { app, drains, dir, say } = house(["127.0.0.1"]);
  let connections = 0;
  const port = await listen(createServer(() => connections++));
  const store = openStore();
  const other = addApp(store, "other");
  // Written while it was allowed, read by a control plane whose operator allows it no more.
  for (const scheme of ["syslog", "fluent", "https"]) store.logDrains.insert({ id: scheme, appId: other.id, url: `${scheme}://localhost:${port}`, token: `d.${scheme}`, createdAt: AT, updatedAt: AT });
  const hub = createHub(createHistory({ dir: join(dir, "other"), maxBytes: MB, maxTotalBytes: MB, onFailure: () => undefined }), createClock());
  const strict = createDrains({ store, hub, allow: [], caFile: undefined, now: () => AT, firstRetryMs: 20 });
  strict.start();
  hub.write(other.id, { source: "app", ps: "web.1", text: "secret" });
  await eventually("all were refused", () => strict.states().length === 3 && strict.states().every(({ state }) => /not an address of the public internet/.test(state.lastError ?? "")));
  expect(connections).toBe(0);
  await strict.stop();
  say("");
  expect(app.name).toBe("shop");
  await drains.stop();
});

test.each([["syslog", false], ["syslog+tls", true]])("rsyslog understands %s, message by message", async (scheme, tls) => {
  if (!existsSync("/usr/sbin/rsyslogd")) execFileSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "rsyslog", "rsyslog-gnutls"], { stdio: "ignore" });
  const { app, drains, dir, say } = house();
  const port = await freePort();
  const { chain, key } = await maker.issue(["localhost"], { commonName: "localhost" });
  for (const [name, text] of [["cert.pem", chain], ["key.pem", key]] as const) writeFileSync(join(dir, name), text, { mode: 0o600 });
  const out = join(dir, "received");
  writeFileSync(join(dir, "rsyslog.conf"), `
global(workDirectory="${dir}" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off"${tls ? ` defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="${dir}/ca.pem" defaultNetstreamDriverCertFile="${dir}/cert.pem" defaultNetstreamDriverKeyFile="${dir}/key.pem"` : ""})
module(load="imtcp"${tls ? ' streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon"' : ""})
template(name="fields" type="string" string="%pri%|%timestamp:::date-rfc3339%|%hostname%|%app-name%|%procid%|%msgid%|%structured-data%|%msg%\\n")
input(type="imtcp" address="127.0.0.1" port="${port}")
action(type="omfile" file="${out}" template="fields")
`);
  const rsyslogd = spawn("/usr/sbin/rsyslogd", ["-n", "-f", join(dir, "rsyslog.conf"), "-i", join(dir, "pid")], { stdio: ["ignore", "inherit", "inherit"] });
  onTestFinished(async () => {
    const ended = once(rsyslogd, "exit");
    rsyslogd.kill("SIGTERM");
    await ended;
  });
  const drain = await drains.add(app, `${scheme}://localhost:${port}`);
  say("héllo | world");
  say("[not structured data]");
  say("x".repeat(9990));
  say('at=info method=GET path="/"', { source: "heroku", ps: "router" });
  await eventually("rsyslog wrote all", () => existsSync(out) && readFileSync(out, "utf8").split("\n").length === 5);
  expect(readFileSync(out, "utf8").split("\n").slice(0, 4)).toEqual([
    `190|2026-11-23T22:14:47.123456+00:00|${drain.token}|app|web.1|-|-|héllo | world`,
    `190|2026-11-23T22:14:47.123456+00:00|${drain.token}|app|web.1|-|-|[not structured data]`,
    `190|2026-11-23T22:14:47.123456+00:00|${drain.token}|app|web.1|-|-|${"x".repeat(9990)}`,
    `158|2026-11-23T22:14:47.123456+00:00|${drain.token}|heroku|router|-|-|at=info method=GET path="/"`,
  ]);
});
