/** Webhooks: what they are told, how it is signed, that it is tried again, and where they may not lead (group S of the catalogue of bad inputs). */

import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { App } from "../../server/domain/model.ts";
import { parseWebhookUrl, webhookRetry } from "../../server/domain/webhook.ts";
import { createWebhookService } from "../../server/webhooks/webhooks.ts";
import { startApiServer, type ApiServer } from "../support/api-server.ts";

type Got = { headers: IncomingHttpHeaders; body: string; path: string };
type Delivery = { id: string; status: string; num_attempts: number; next_attempt_at: string | null; last_attempt: { code: number | null; status: string; error_message: string | null } | null; event: { id: string; include: string } };

let server: ApiServer;
let receiver: Server;
let url: string;
let app: App;
const got: Got[] = [];
let answer = 200;
beforeAll(async () => {
  server = await startApiServer();
  receiver = createServer((request, response) => {
    void text(request).then((body) => {
      got.push({ headers: request.headers, body, path: request.url ?? "" });
      response.writeHead(answer, answer === 302 ? { location: "/elsewhere" } : {}).end("thanks");
    });
  }).listen(0, "127.0.0.1");
  await once(receiver, "listening");
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook?x=1`;
});
afterAll(async () => {
  await server.stop();
  receiver.close();
});
beforeEach(async () => {
  app = await server.pipeline.createApp(undefined, server.ann.user);
  got.length = 0;
  answer = 200;
});

const create = (json: object) => server.ask<{ id: string }>("POST", `/apps/${app.id}/webhooks`, { json: { url, include: ["api:app", "api:release", "dyno"], level: "sync", ...json } });
const deliveries = async () => (await server.ask<Delivery[]>("GET", `/apps/${app.id}/webhook-deliveries`, { headers: { range: "seq ..; order=desc,max=1000" } })).body;
const settled = () => vi.waitFor(async () => {
  const [first] = await deliveries();
  expect(first?.num_attempts).toBeGreaterThan(0);
  return first as Delivery;
}, 30_000);

test("one is created, shown without its secret, changed and removed", async () => {
  const made = await create({ secret: "a-secret-word", authorization: "Bearer for-the-receiver" });
  expect(made).toMatchObject({ status: 201 });
  expect(made.headers.get("heroku-webhook-secret")).toBe("a-secret-word");
  expect(made.body).toEqual({ app: { id: app.id, name: app.name }, created_at: expect.any(String) as string, id: made.body.id, include: ["api:app", "api:release", "dyno"], level: "sync", updated_at: expect.any(String) as string, url });
  const path = `/apps/${app.id}/webhooks/${made.body.id}`;
  expect((await server.ask("GET", path)).body).toEqual(made.body);
  expect((await server.ask("PATCH", path, { json: { level: "notify", include: ["dyno"] } })).body).toMatchObject({ level: "notify", include: ["dyno"], url });
  expect(server.store.webhooks.find(made.body.id)?.secret).toBe("a-secret-word");
  expect((await server.ask("GET", `/apps/${app.id}/webhooks`)).text).not.toMatch(/a-secret-word|for-the-receiver/);
  expect((await server.ask("DELETE", path)).status).toBe(200);
  expect((await server.ask("GET", path)).status).toBe(404);
  expect((await create({})).headers.get("heroku-webhook-secret")).toMatch(/^[0-9a-f]{64}$/);
});

test("an event is delivered, signed over the very bytes that are sent, and the delivery says so", async () => {
  const { body: webhook } = await create({ secret: "key", authorization: "Bearer x" });
  await server.ask("PATCH", `/apps/${app.id}`, { json: { maintenance: true } });
  const delivery = await settled();
  expect(got).toHaveLength(1);
  const [{ headers, body, path } = expect.unreachable()] = got;
  expect(path).toBe("/hook?x=1");
  expect(headers).toMatchObject({ "content-type": "application/json", authorization: "Bearer x", "heroku-webhook-hmac-sha256": createHmac("sha256", "key").update(body).digest("base64") });
  expect(JSON.parse(body)).toMatchObject({
    resource: "app", action: "update", actor: { email: "ann@example.com" }, data: { id: app.id, maintenance: true }, webhook_metadata: { webhook: { id: webhook.id }, delivery: { id: delivery.id }, event: { include: "api:app" } },
  });
  expect(delivery).toMatchObject({ status: "succeeded", num_attempts: 1, next_attempt_at: null, last_attempt: { code: 200, status: "succeeded", error_message: null }, event: { include: "api:app" } });
  const path2 = `/apps/${app.id}/webhook-deliveries/${delivery.id}`;
  expect((await server.ask("GET", path2)).body).toEqual(delivery);
  expect((await server.ask("GET", `/apps/${app.id}/webhook-events/${delivery.event.id}`)).body).toMatchObject({ include: "api:app", payload: { resource: "app" } });
});

test("what the pipeline tells goes to those who asked for it, in its order", async () => {
  await create({ include: ["api:release", "api:build", "dyno"] });
  const release = server.pipeline.deploy(app, server.ann.user);
  const build = server.store.builds.list(app.id)[0] ?? expect.unreachable();
  const dyno = { appId: app.id, name: "web.1", releaseVersion: 2 };
  for (const event of [
    { kind: "build_started", appId: app.id, build, user: server.ann.user }, { kind: "build_ended", appId: app.id, build, succeeded: true }, { kind: "release_created", appId: app.id, release, email: "ann@example.com" },
    { kind: "dyno_starting", dyno, command: "npm start" }, { kind: "dyno_up", dyno }, { kind: "dyno_crashed", dyno }, { kind: "dyno_exited", dyno, code: 1, outOfMemory: false },
  ] as const) server.webhooks.take(event);
  await expect.poll(() => got.length).toBe(7);
  expect(got.map(({ body }) => JSON.parse(body) as { resource: string; action: string; data: { status?: string; state?: string } }).map(({ resource, action, data }) => [resource, action, data.status ?? data.state])).toEqual([
    ["build", "create", "succeeded"], ["build", "update", "succeeded"], ["release", "create", "pending"], ["dyno", "create", "starting"], ["dyno", "update", "up"], ["dyno", "update", "crashed"], ["dyno", "destroy", "down"],
  ]);
});

test("events that nobody asked for, and of other apps, are not even written down", async () => {
  await create({ include: ["api:domain"] });
  const other = await server.pipeline.createApp(undefined, server.ann.user);
  await server.ask("PATCH", `/apps/${app.id}`, { json: { maintenance: true } });
  await server.ask("POST", `/apps/${other.id}/domains`, { json: { hostname: "other.hooks.example.com" } });
  expect((await server.ask("GET", `/apps/${app.id}/webhook-events`)).body).toEqual([]);
  expect(await deliveries()).toEqual([]);
});

describe("a delivery that fails", () => {
  test("is tried again after a while where the level is sync, and goes through then", async () => {
    answer = 500;
    await create({});
    const began = Date.now();
    await server.ask("PATCH", `/apps/${app.id}`, { json: { maintenance: true } });
    const failed = await settled();
    expect(failed).toMatchObject({ status: "retrying", num_attempts: 1, last_attempt: { code: 500, status: "failed", error_message: "It answered 500." } });
    expect(Date.parse(failed.next_attempt_at ?? "") - began).toBeGreaterThan(3000);
    // The five seconds are over.
    answer = 204;
    server.store.webhooks.settle({ ...(server.store.webhooks.delivery(failed.id) ?? expect.unreachable()), nextAttemptAt: new Date().toISOString() });
    await server.ask("PATCH", `/apps/${app.id}`, { json: { maintenance: false } });
    await expect.poll(async () => (await deliveries()).map(({ status }) => status)).toEqual(["succeeded", "succeeded"]);
    expect(got).toHaveLength(3);
  });

  test("is not tried again where the level is notify, and a redirect is not followed", async () => {
    answer = 302;
    await create({ level: "notify" });
    await server.ask("PATCH", `/apps/${app.id}`, { json: { maintenance: true } });
    expect(await settled()).toMatchObject({ status: "failed", next_attempt_at: null, last_attempt: { code: 302 } });
    expect(got.map(({ path }) => path)).toEqual(["/hook?x=1"]);
  });

  test("waits longer each time, for about a day", () => {
    const waits = Array.from({ length: 9 }, (_, index) => webhookRetry("sync", index + 1));
    expect(waits).toEqual([5, 30, 120, 600, 3600, 14_400, 28_800, 43_200, undefined]);
    expect(webhookRetry("notify", 1)).toBeUndefined();
  });
});

test("what was not delivered before a stop is delivered after the next start", async () => {
  answer = 500;
  await create({});
  await server.ask("PATCH", `/apps/${app.id}`, { json: { maintenance: true } });
  const { id } = await settled();
  answer = 200;
  server.store.webhooks.settle({ ...(server.store.webhooks.delivery(id) ?? expect.unreachable()), nextAttemptAt: new Date().toISOString() });
  const next = createWebhookService({ store: server.store, log: server.fastify.log as never, allow: ["127.0.0.1"] });
  next.start();
  await expect.poll(async () => (await deliveries())[0]?.status).toBe("succeeded");
  await next.stop();
});

describe("group S: a URL that leads into the machine or its network", () => {
  const REFUSED = {
    S2: "http://127.1:1/", S3: "http://2130706433:1/", S4: "http://0x7f000001:1/", S5: "http://017700000001:1/", S6: "http://0.0.0.0/", S7: "http://[::1]/", S8: "http://[::ffff:127.0.0.1]/", S9: "http://[::ffff:7f00:1]/",
    S10: "http://169.254.169.254/latest/meta-data", S11: "http://[fd00:ec2::254]/", S12: "http://localhost./", S13: "https://x.internal/", "S17 file": "file:///etc/passwd", "S17 gopher": "gopher://example.com/", "S17 ftp": "ftp://example.com/",
    "S18 user": "http://a@127.0.0.1/", "S18 fragment": "http://a#@127.0.0.1/", "S18 socket": "unix:/var/run/docker.sock", "private": "http://10.0.0.1/", "private 172": "http://172.16.0.1/", "private 192": "http://192.168.0.1/",
    "IPv6 local": "http://[fe80::1]/", "no scheme": "example.com", "empty": "", "blank": "https://exa mple.com/", "line break": "https://example.com/\r\nX: y", "long": `https://example.com/${"x".repeat(2000)}`,
  };
  // This server lets 127.0.0.1 through, for the tests' own receiver: here another one, as in production, is asked.
  const strict = createWebhookService({ store: {} as never, log: {} as never, allow: [] });

  test.each(Object.entries(REFUSED))("%s: %s is refused", (_id, given) => {
    const judge = (): void => {
      const host = parseWebhookUrl(given).hostname.replace(/^\[|\]$/g, "");
      if (/(^|\.)(localhost|internal|local)\.?$/.test(host)) throw new Error("refused by name");
      strict.assertAddress(host);
    };
    expect(judge).toThrow();
  });

  test.each(["S6", "S7", "S10", "S12", "S13", "S17 file", "S18 user", "private", "no scheme", "empty", "long"] as const)("%s is refused by the API, which makes nothing", async (id) => {
    expect(await create({ url: REFUSED[id] })).toMatchObject({ status: 422, body: { id: "invalid_params", message: expect.stringMatching(/^url: /) as string } });
    expect(server.store.webhooks.list(app.id)).toEqual([]);
  });

  test("S14-16: a public name that leads to a private address is refused when it is looked up, and no connection is made", async () => {
    const lookup = vi.spyOn(process.getBuiltinModule("node:dns"), "lookup").mockImplementation(((_host: string, _options: object, callback: (error: null, addresses: object[]) => void) =>
      callback(null, [{ address: "93.184.216.34", family: 4 }, { address: "10.0.0.1", family: 4 }])) as never);
    await create({ url: "http://rebinding.example.com/", level: "notify" });
    await server.ask("PATCH", `/apps/${app.id}`, { json: { maintenance: true } });
    expect(await settled()).toMatchObject({ status: "failed", last_attempt: { code: null, error_message: "The URL does not lead to the public internet." } });
    lookup.mockRestore();
  });

  test("an address that was allowed when the webhook was made is asked again before every attempt", async () => {
    const connections: unknown[] = [];
    const inner = createServer().listen(0, "127.0.0.2").on("connection", (socket) => connections.push(socket));
    await once(inner, "listening");
    const now = new Date().toISOString();
    server.store.webhooks.insert({ id: crypto.randomUUID(), appId: app.id, url: `http://127.0.0.2:${(inner.address() as AddressInfo).port}/`, include: ["api:app"], level: "notify", secret: "s", authorization: null, createdAt: now, updatedAt: now });
    await server.ask("PATCH", `/apps/${app.id}`, { json: { maintenance: true } });
    expect(await settled()).toMatchObject({ status: "failed", last_attempt: { code: null, error_message: "The URL does not lead to the public internet." } });
    expect(connections).toEqual([]);
    inner.close();
  });

  test.each([[{ include: [] }, /^include: /], [{ include: ["api:secrets"] }, /^include\.0: must be one of/], [{ level: "loud" }, /^level: must be one of/], [{ secret: "" }, /^secret: /], [{ secret: "a\r\nX: y" }, /^secret: /], [{ authorization: "a\r\nX: y" }, /^authorization: /], [{ authorization: 1 }, /^authorization: /]])(
    "%j is refused", async (json, message) => expect(await create(json)).toMatchObject({ status: 422, body: { message: expect.stringMatching(message) as string } }));
});
