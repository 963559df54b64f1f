import { afterAll, beforeAll, expect, test } from "vitest";
import { startApiServer, type ApiServer } from "../support/api-server.ts";

let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer();
  await server.pipeline.createApp("bare", server.ann.user);
});
afterAll(() => server.stop());

test.each(["/addons", "/apps/bare/addons", "/addon-attachments", "/apps/bare/addon-attachments", "/addon-services"])("%s is an empty list", async (path) => {
  expect(await server.ask("GET", path, { headers: { accept: "application/vnd.heroku+json; version=3.sdk", "accept-expansion": "addon_service,plan" } })).toMatchObject({ status: 200, body: [] });
});

test.each([
  ["GET", "/addons/postgresql-flat-1", "add_on"], ["GET", "/addon-services/heroku-postgresql", "addon_service"], ["GET", "/addon-services/heroku-postgresql/plans", "addon_service"], ["GET", "/apps/bare/addon-attachments/DATABASE", "attachment"],
  ["POST", "/apps/bare/addons", "addon_service"], ["POST", "/addon-attachments", "add_on"],
])("%s %s finds no %s", async (method, path, resource) => {
  expect(await server.ask(method, path, method === "POST" ? { json: { plan: { name: "x" }, attachment: { name: "DATABASE" }, config: {} } } : {})).toMatchObject({ status: 404, body: { id: "not_found", resource } });
});

test("resolving finds no add-on in one's own app, and no app in somebody else's", async () => {
  const resolve = (app: string | null, as = server.ann) => server.ask("POST", "/actions/addons/resolve", { as, json: { addon: "DATABASE", app } });
  for (const app of ["bare", null]) expect(await resolve(app)).toMatchObject({ status: 404, body: { resource: "add_on" } });
  expect(await resolve("bare", server.bob)).toMatchObject({ status: 404, body: { resource: "app" } });
  expect(await server.ask("POST", "/actions/addon-attachments/resolve", { json: { addon_attachment: "DATABASE", app: "bare" } })).toMatchObject({ status: 404, body: { resource: "attachment" } });
});
