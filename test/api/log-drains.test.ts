/** Log drains as Heroku's clients know them. */

import { afterAll, beforeAll, expect, test } from "vitest";
import type { App } from "../../server/domain/model.ts";
import { startApiServer, type ApiServer } from "../support/api-server.ts";

let server: ApiServer;
let app: App;
beforeAll(async () => {
  server = await startApiServer();
  app = await server.pipeline.createApp("drained", server.ann.user);
});
afterAll(() => server.stop());

const add = (url: unknown) => server.ask("POST", "/apps/drained/log-drains", { json: { url } });

test("a drain is Heroku's object, found by id, token and URL, and gone when it is removed by its URL", async () => {
  const url = "syslog+tls://1.1.1.1:6514";
  const added = await add(url);
  expect([added.status, added.body]).toEqual([201, {
    addon: null, app: { id: app.id, name: "drained" }, created_at: expect.stringMatching(/Z$/) as string, id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    token: expect.stringMatching(/^d\.[0-9a-f-]{36}$/) as string, updated_at: expect.stringMatching(/Z$/) as string, url, delivered: 0, dropped: 0, last_error: null, waiting: 0,
  }]);
  expect((await server.ask("GET", "/apps/drained/log-drains")).body).toEqual([added.body]);
  for (const key of [added.body["id"], added.body["token"], encodeURIComponent(url)]) expect((await server.ask("GET", `/apps/drained/log-drains/${key as string}`)).body).toEqual(added.body);
  expect(await server.ask("DELETE", `/apps/drained/log-drains/${encodeURIComponent(url)}`)).toMatchObject({ status: 200, body: added.body });
  expect((await server.ask("GET", "/apps/drained/log-drains")).body).toEqual([]);
  expect(await server.ask("DELETE", `/apps/drained/log-drains/${encodeURIComponent(url)}`)).toMatchObject({ status: 404, body: { id: "not_found", resource: "drain" } });
});

test("the same drain twice, no URL, and one that leads into the machine are refused in words", async () => {
  await add("https://user:pass@1.1.1.1/x");
  expect(await add("https://user:pass@1.1.1.1/x")).toMatchObject({ status: 422, body: { message: "url: the app has that drain already." } });
  expect(await add("http://1.1.1.1/x")).toMatchObject({ status: 422, body: { message: "url: must begin with syslog://, syslog+tls://, https://, fluent:// or fluent+tls://." } });
  expect(await add("https://127.0.0.1:3000/apps")).toMatchObject({ status: 422, body: { message: expect.stringMatching(/^url: 127\.0\.0\.1 is not an address of the public internet/) as string } });
  expect(await add(5)).toMatchObject({ status: 422 });
  expect((await server.ask("POST", "/apps/drained/log-drains", { json: {} })).status).toBe(422);
});

test("another app's drain is not found, and no token or password of a drain stands in the log", async () => {
  const other = await server.pipeline.createApp("not-drained", server.ann.user);
  const { body } = await add("https://ann:very-secret@1.1.1.1/y");
  for (const method of ["GET", "DELETE"]) expect((await server.ask(method, `/apps/${other.name}/log-drains/${body["id"] as string}`)).status).toBe(404);
  expect(JSON.stringify(server.logged)).not.toMatch(/very-secret/);
});
