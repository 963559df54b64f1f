/** Log sessions and what their URLs show, in the protocol that Heroku's CLI speaks. */

import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import type { App } from "../../server/domain/model.ts";
import { startApiServer, type ApiServer } from "../support/api-server.ts";

let server: ApiServer;
let app: App;
let count = 0;
beforeAll(async () => void (server = await startApiServer()));
afterAll(() => server.stop());
beforeEach(async () => void (app = await server.pipeline.createApp(`logged-${++count}`, server.ann.user)));

async function session(body: Record<string, unknown> = {}): Promise<string> {
  const answer = await server.ask<{ logplex_url: string }>("POST", `/apps/${app.name}/log-sessions`, { json: body });
  expect(answer.status, answer.text).toBe(201);
  return answer.body.logplex_url;
}
/** The lines of a session without their times. */
async function shown(body: Record<string, unknown> = {}): Promise<string[]> {
  return (await (await fetch(await session(body))).text()).split("\n").filter(Boolean).map((line) => line.slice(33));
}

type Tail = { response: IncomingMessage; text(): string; until(text: string): Promise<void> };

/** An open stream, read as it comes. */
async function tail(url: string, headers: Record<string, string> = {}): Promise<Tail> {
  const request = get(url, { headers: { accept: "text/event-stream", ...headers } });
  onTestFinished(() => void request.destroy());
  const [response] = (await once(request, "response")) as [IncomingMessage];
  let text = "";
  response.setEncoding("utf8").on("data", (part: string) => (text += part)).on("error", () => undefined);
  return {
    response,
    text: () => text,
    async until(wanted) {
      while (!text.includes(wanted)) await once(response, "data");
    },
  };
}

test("a session is Heroku's object, and its URL shows the last lines without a token", async () => {
  server.print(app, "web.1", 2, "one", "two", "three");
  const { status, body } = await server.ask("POST", `/apps/${app.name}/log-sessions`, { json: { lines: 2, tail: false } });
  expect([status, body]).toEqual([201, {
    created_at: expect.stringMatching(/^\d{4}-.*Z$/) as string, id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string, logplex_url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/log-sessions\/[\w.-]+$/) as string,
    updated_at: expect.stringMatching(/^\d{4}-.*Z$/) as string,
  }]);
  const plain = await fetch(body["logplex_url"] as string);
  expect(plain.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  expect(await plain.text()).toMatch(/^2026-11-23T22:14:47\.\d{6}\+00:00 app\[web\.1\]: two\n2026-11-23T22:14:47\.\d{6}\+00:00 app\[web\.1\]: three\n$/);
});

test("to Heroku's CLI the lines are server-sent events with ids, and without tail the answer ends", async () => {
  server.print(app, "web.1", 2, "one", "two");
  const { response, text } = await tail(await session({ tail: false }));
  await once(response, "end");
  expect(response.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
  expect(text()).toMatch(/^retry: 1\n\nid: \d+\ndata: 2026\S+ app\[web\.1\]: one\n\nid: \d+\ndata: 2026\S+ app\[web\.1\]: two\n\n$/);
});

test("with tail, lines come as they are printed, after those that there were, none twice and none missing", async () => {
  server.print(app, "web.1", 2, ...Array.from({ length: 50 }, (_, index) => `early ${index}`));
  const opened = tail(await session({ tail: true, lines: 1500 }));
  server.print(app, "web.1", 2, ...Array.from({ length: 50 }, (_, index) => `between ${index}`));
  const stream = await opened;
  server.print(app, "web.1", 2, ...Array.from({ length: 50 }, (_, index) => `late ${index}`));
  await stream.until("late 49\n");
  const texts = [...stream.text().matchAll(/app\[web\.1\]: (.*)/g)].map(([, text]) => text);
  expect(texts).toEqual(["early", "between", "late"].flatMap((word) => Array.from({ length: 50 }, (_, index) => `${word} ${index}`)));
});

test("who was cut off comes back with Last-Event-ID and misses nothing", async () => {
  const url = await session({ tail: true });
  server.print(app, "web.1", 2, "first", "second");
  const before = await tail(url);
  await before.until("first\n");
  const id = /id: (\d+)\ndata: .* first\n/.exec(before.text())?.[1] ?? "";
  before.response.destroy();
  server.print(app, "web.1", 2, "third");
  const after = await tail(url, { "last-event-id": id });
  await after.until("third\n");
  expect([...after.text().matchAll(/app\[web\.1\]: (.*)/g)].map(([, text]) => text)).toEqual(["second", "third"]);
});

test("source, dyno, process type and release choose lines", async () => {
  server.pipeline.deploy(app, server.ann.user);
  server.print(app, "web.1", 1, "web of v1");
  server.print(app, "web.2", 2, "web of v2");
  server.print(app, "worker.1", 2, "worker of v2");
  server.access(`at=info method=GET path="/" host=${app.name}.localhost request_id=r fwd="1.2.3.4" dyno=web.1 connect=0ms service=1ms status=200 bytes=5 protocol=http`);
  expect(await shown({ source: "heroku" })).toEqual([`heroku[router]: at=info method=GET path="/" host=${app.name}.localhost request_id=r fwd="1.2.3.4" dyno=web.1 connect=0ms service=1ms status=200 bytes=5 protocol=http`]);
  expect(await shown({ dyno: "web.1" })).toEqual(["app[web.1]: web of v1"]);
  expect(await shown({ dyno_name: "web.2" })).toEqual(["app[web.2]: web of v2"]);
  expect(await shown({ type: "worker" })).toEqual(["app[worker.1]: worker of v2"]);
  expect(await shown({ dyno: "web" })).toHaveLength(2);
  for (const release of ["v2", "2", 2]) expect(await shown({ release, source: "app" })).toEqual(["app[web.2]: web of v2", "app[worker.1]: worker of v2"]);
  expect((await server.ask("POST", `/apps/${app.name}/log-sessions`, { json: { release: "v9" } })).status).toBe(404);
});

test("GET /apps/:app/logs shows the same with a token", async () => {
  server.pipeline.deploy(app, server.ann.user);
  server.print(app, "web.1", 1, "old");
  server.print(app, "web.1", 2, "new");
  expect((await server.ask("GET", `/apps/${app.name}/logs?release=v1`)).text).toMatch(/ app\[web\.1\]: old\n$/);
  expect((await server.ask("GET", `/apps/${app.name}/logs?lines=1&dyno=web.1`)).text).toMatch(/^\S+ app\[web\.1\]: new\n$/);
  expect((await server.ask("GET", `/apps/${app.name}/logs`, { as: server.bob })).status).toBe(404);
});

test.each([[{ lines: -1 }], [{ lines: "many" }], [{ lines: 1.5 }], [{ source: "mine" }], [{ tail: "yes" }], [{ other: 1 }], [{ dyno: 5 }]])("%j is refused", async (body) => {
  expect((await server.ask("POST", `/apps/${app.name}/log-sessions`, { json: body })).status).toBe(422);
});

test("lines as the CLI sends them: a string, none, more than are kept", async () => {
  server.print(app, "web.1", 2, "one", "two");
  for (const lines of ["1500", null, 100_000, 2]) expect(await shown({ lines })).toHaveLength(2);
  expect(await shown({ lines: 0 })).toEqual([]);
});

test("a URL that was changed, is over, or whose app is gone shows nothing", async () => {
  const url = await session();
  const sealed = url.split("/").at(-1) ?? "";
  const [text = "", signature = ""] = sealed.split(".");
  const forged = Buffer.from(Buffer.from(text, "base64url").toString().replace(app.id, crypto.randomUUID())).toString("base64url");
  for (const wrong of [`${forged}.${signature}`, text, `${text}.`, `${text}.${"A".repeat(43)}`, "x", server.logs.sessions.seal({ id: "i", appId: app.id, lines: 1, tail: false, expiresAt: Date.now() - 1 })])
    expect((await fetch(`${server.url}/log-sessions/${wrong}`)).status, wrong).toBe(404);
  expect((await fetch(url)).status).toBe(200);
  await server.pipeline.destroyApp(app);
  expect((await fetch(url)).status).toBe(404);
});

test("a reader that does not keep up costs a bounded memory and is told what it missed, in its place", async () => {
  const { response, text, until } = await tail(await session({ tail: true }));
  await until(":\n\n");
  response.pause();
  const long = "x".repeat(1000);
  for (let round = 0; round < 40; round++) {
    server.print(app, "web.1", 2, ...Array.from({ length: 200 }, (_, index) => `${round * 200 + index} ${long}`));
    await new Promise((resolve) => setImmediate(resolve));
  }
  response.resume();
  await until("Error L11");
  server.print(app, "web.1", 2, "after");
  await until("after\n");
  const missed = Number(/heroku\[logplex\]: Error L11 \(Tail buffer overflow\) -> This tail session dropped (\d+) messages since 2026-11-23T22:14:47/.exec(text())?.[1]);
  const got = [...text().matchAll(/app\[web\.1\]: (\d+) x/g)].map(([, number]) => Number(number));
  // Lines that tell of lines which the disk was too slow for may be among those that were missed.
  expect(missed + got.length).toBeGreaterThanOrEqual(8000);
  expect(missed + got.length).toBeLessThan(8010);
  expect(got).toEqual([...got].sort((a, b) => a - b));
  // Where a number is missing, there the reader was told.
  const parts = text().split("Error L11").map((part) => [...part.matchAll(/app\[web\.1\]: (\d+) x/g)].map(([, number]) => Number(number)));
  for (const numbers of parts) expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => (numbers[0] ?? 0) + index));
});

test("a server that stops does not wait for those who tail", async () => {
  const other = await startApiServer();
  const one = await other.pipeline.createApp("tailed", other.ann.user);
  const { body } = await other.ask<{ logplex_url: string }>("POST", "/apps/tailed/log-sessions", { json: { tail: true } });
  other.print(one, "web.1", 1, "x");
  const stream = await tail(body.logplex_url);
  await stream.until("x\n");
  const closed = new Promise((resolve) => stream.response.once("close", resolve));
  await other.stop();
  await closed;
}, 30_000);
