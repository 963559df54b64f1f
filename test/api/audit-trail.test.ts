/** The audit trail: every change is in it, nothing secret is, and admins alone read it. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deedOf } from "../../server/api/audit-trail.ts";
import { POLICIES } from "../../server/api/policies.ts";
import { startApiServer, type ApiServer } from "../support/api-server.ts";
import { makeCast, makeWorld, type Cast } from "../support/api-world.ts";

type Event = { seq: number; type: string; action: string; actor: { id: string; email: string }; app: { id: string; name: string } | null; data: Record<string, unknown>; created_at: string; request: { ip_address: string } };

let server: ApiServer;
let cast: Cast;
beforeAll(async () => {
  server = await startApiServer();
  cast = await makeCast(server);
});
afterAll(() => server.stop());

const trail = async (query = "", range?: string) => (await server.ask<Event[]>("GET", `/audit-trail/events${query}`, { as: server.admin, ...(range === undefined ? {} : { headers: { range } }) })).body;

const CHANGES = Object.entries(POLICIES).filter(([route, { scope }]) => !route.startsWith("GET ") && !["open", "read", "read-protected"].includes(scope)).map(([route]) => route);

test.each(CHANGES)("%s is recorded: who, what, when, from where", async (route) => {
  const [method = "", path = ""] = route.split(" ");
  const world = await makeWorld(server, cast, route);
  const as = POLICIES[route]?.role === "admin" ? server.admin : server.ann;
  const json = world.body(route);
  const answer = await server.ask(method, path.replaceAll(/:(\w+)/g, (_, name: string) => world.params[name] ?? ""), { as, ...(json === undefined ? {} : { json }) });
  const [event] = await trail();
  expect(event).toMatchObject({
    ...deedOf(path, { POST: "create", PATCH: "update", PUT: "update", DELETE: "destroy" }[method] ?? ""), actor: { id: as.user.id, email: as.user.email }, request: { ip_address: "127.0.0.1" },
    data: { status: answer.status }, created_at: expect.stringMatching(/^\d{4}-.*Z$/) as string,
  });
  if (path.includes(":app")) expect(event?.app?.id).toBe(world.app.id);
});

test("reading, refused requests and those of nobody are not recorded", async () => {
  const { app } = await makeWorld(server, cast, "");
  const before = (await trail())[0]?.seq;
  await server.ask("GET", `/apps/${app.id}`);
  await server.ask("POST", "/filters/apps", { json: { in: { id: [app.id] } } });
  await server.ask("DELETE", `/apps/${app.id}`, { as: server.bob });
  await server.ask("DELETE", `/apps/${app.id}`, { as: cast.collaborator });
  await server.ask("DELETE", `/apps/${app.id}`, { as: null });
  expect((await trail())[0]?.seq).toBe(before);
});

test("what fails is recorded as what it came to", async () => {
  const { app } = await makeWorld(server, cast, "");
  await server.ask("PATCH", `/apps/${app.id}/config-vars`, { json: { PORT: "1" } });
  expect((await trail())[0]).toMatchObject({ type: "config-var", action: "update", data: { status: 422 } });
});

test("no secret gets into it: config vars, passwords, tokens, private keys", async () => {
  const { app } = await makeWorld(server, cast, "");
  const secrets = ["value-of-a-config-var", "a-password-that-is-long", "the-present-password", "sk-in-a-name"];
  await server.ask("PATCH", `/apps/${app.id}/config-vars`, { json: { SECRET: secrets[0], name: secrets[3] } });
  await server.ask("POST", "/admin/users", { as: server.admin, json: { email: "secretive@example.com", password: secrets[1] } });
  await server.ask("PATCH", "/account", { json: { name: "Ann", password: secrets[2] } });
  const token = (await server.ask<{ access_token: { token: string } }>("POST", "/oauth/authorizations", { json: {} })).body.access_token.token;
  await server.ask("POST", `/apps/${app.id}/sni-endpoints`, { json: cast.certificate });
  await server.ask("DELETE", `/apps/${app.id}/domains/${encodeURIComponent("https://user:url-password@example.com/x")}`);
  const text = JSON.stringify(await trail("", "seq ..; max=1000"));
  for (const secret of [...secrets, token, "url-password", "BEGIN"]) expect(text).not.toContain(secret);
  expect(text).toContain("secretive@example.com");
});

describe("the trail is read", () => {
  test("by what, whom and when, and in parts", async () => {
    const { app } = await makeWorld(server, cast, "");
    for (const A of ["1", "2", "3"]) await server.ask("PATCH", `/apps/${app.id}/config-vars`, { json: { A } });
    await server.ask("PATCH", `/apps/${app.id}`, { json: { maintenance: true } });
    const of = async (query: string, range?: string) => (await trail(`?app=${app.id}${query}`, range)).map(({ type, seq }) => ({ type, seq }));
    const all = await of("");
    expect(all.map(({ type }) => type)).toEqual(["app", "config-var", "config-var", "config-var"]);
    expect((await of("&type=app&action=update&actor=ann@example.com")).length).toBe(1);
    expect(await of("&actor=bob@example.com")).toEqual([]);
    expect(await of("&before=2020-01-01")).toEqual([]);
    expect((await of("&after=2020-01-01T00:00:00Z")).length).toBe(4);
    const seqs = all.map(({ seq }) => seq).toReversed();
    expect((await of("", "seq ..; max=2")).map(({ seq }) => seq)).toEqual(seqs.slice(0, 2));
    expect((await of("", `seq ]${seqs[1]}..; max=2`)).map(({ seq }) => seq)).toEqual(seqs.slice(2));
    expect((await of("", `seq ]${seqs[3]}..; max=1, order=desc`)).map(({ seq }) => seq)).toEqual([seqs[2]]);
    expect((await of("", `seq ${seqs[1]}..${seqs[2]}`)).map(({ seq }) => seq)).toEqual(seqs.slice(1, 3));
    const first = await server.ask("GET", "/audit-trail/events", { as: server.admin, headers: { range: "seq ..; order=desc, max=1" } });
    expect([first.status, first.headers.get("next-range")]).toEqual([206, expect.stringMatching(/^seq \]\d+\.\.; max=1, order=desc$/)]);
    expect((await server.ask("GET", "/audit-trail/events?after=yesterday", { as: server.admin })).status).toBe(422);
  });

  test("the app's name stays when the app is gone", async () => {
    const made = await server.ask<{ id: string }>("POST", "/apps", { json: { name: "short-lived" } });
    await server.ask("DELETE", "/apps/short-lived");
    expect(await trail("?app=short-lived")).toMatchObject([{ type: "app", action: "destroy", app: { id: made.body.id, name: "short-lived" } }, { action: "create", app: { id: made.body.id }, data: { name: "short-lived", status: 201 } }]);
  });
});

test("the oldest go: what is older than the time kept, and what is more than is kept", async () => {
  const { auditEvents } = server.store;
  const event = (id: string, createdAt: string) => ({ id, actorId: "a", actorEmail: "a@b.c", type: "test", action: "keep", appId: null, appName: null, address: "", data: {}, createdAt });
  const kept = async () => (await trail("?type=test", "seq ..; max=1000")).map(({ data }) => data).length;
  auditEvents.add(event("old", "2020-01-01T00:00:00.000Z"), { since: "2019-01-01", most: 1000 });
  auditEvents.add(event("new", "2026-01-01T00:00:00.000Z"), { since: "2019-01-01", most: 1000 });
  expect(await kept()).toBe(2);
  auditEvents.add(event("newer", "2026-01-02T00:00:00.000Z"), { since: "2021-01-01", most: 1000 });
  expect(await kept()).toBe(2);
  auditEvents.add(event("newest", "2026-01-03T00:00:00.000Z"), { since: "2021-01-01", most: 1 });
  expect(await kept()).toBe(1);
});
