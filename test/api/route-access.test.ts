/** Every route for everybody: what comes of it follows from the route's policy alone, so a route without one cannot be served. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { pino } from "pino";
import { guard } from "../../server/api/auth.ts";
import { POLICIES, type Policy } from "../../server/api/policies.ts";
import { createHttpServer } from "../../server/api/server.ts";
import { permits, SCOPES, type Scope } from "../../server/domain/scope.ts";
import { createIdentities } from "../../server/identity/identity.ts";
import { startApiServer, type Answer, type ApiServer, type Ask, type Person } from "../support/api-server.ts";
import { makeCast, makeWorld, type Cast, type World } from "../support/api-world.ts";

/** Answers to a request that may be made, where they are not 201 for POST and 200 for the rest. */
const ANSWERS: Record<string, number> = {
  // A guessed capability opens nothing, and a form or a poll without the login's own secret neither.
  "GET /build-output/:build/:capability": 404,
  "GET /test-run-output/:output/:capability": 404,
  "GET /log-sessions/:capability": 404,
  "PUT /sources/:capability": 404,
  "GET /sources/:capability": 404,
  "POST /auth/browser/:login": 403,
  "GET /auth/cli/:login": 401,
  "POST /oauth/authorizations/:authorization/actions/regenerate-tokens": 200,
  "POST /apps/:app/acm": 200,
  "POST /filters/apps": 200,
  "GET /account/features/:feature": 404,
  // The catalogue of add-ons is empty.
  ...Object.fromEntries(["GET /addons/:addon", "GET /apps/:app/addons/:addon", "GET /addon-attachments/:attachment", "GET /apps/:app/addon-attachments/:attachment", "GET /addon-services/:service",
    "GET /addon-services/:service/plans", "POST /apps/:app/addons", "POST /addon-attachments", "POST /actions/addons/resolve", "POST /actions/addon-attachments/resolve"].map((route) => [route, 404])),
  "DELETE /apps/:app/build-cache": 202,
  "DELETE /apps/:app/dynos": 202,
  "DELETE /apps/:app/dynos/:dyno": 202,
  "DELETE /apps/:app/formations/:type": 202,
  "POST /apps/:app/dynos/:dyno/actions/stop": 202,
  "POST /apps/:app/formations/:type/actions/stop": 202,
};

/** What a path can name that is one person's own: admins have no part in it either. */
const PERSONAL = /:(key|transfer|authorization|session)\b/;

/** Routes whose body names an app: that one must be theirs. */
const NAMED_IN_BODY = ["POST /account/app-transfers", "POST /pipeline-couplings", "POST /pipeline-promotions", "POST /review-apps"];

const NOBODY = ["nobody", "a wrong token", "an expired token", "a revoked token", "somebody suspended"] as const;
const PEOPLE = ["a stranger", "a collaborator", "the owner", "an admin"] as const;
type Who = (typeof NOBODY)[number] | (typeof PEOPLE)[number] | `the scope ${Scope}`;
const EVERYBODY: Who[] = [...NOBODY, ...SCOPES.map((scope) => `the scope ${scope}` as const), ...PEOPLE];

let server: ApiServer;
let cast: Cast;
beforeAll(async () => {
  server = await startApiServer();
  cast = await makeCast(server);
});
afterAll(() => server.stop());
// Wrong tokens and open logins are counted, and here are many of them.
beforeEach(() => server.pass(600_000));

test("every route that is served has a policy, and no policy is without its route", () => {
  expect(server.routes.filter((route) => !route.startsWith("HEAD ")).toSorted()).toEqual(Object.keys(POLICIES).toSorted());
});

test("a route without a policy cannot even be added", async () => {
  const other = createHttpServer(pino({ level: "silent" }));
  void other.register(async (api) => {
    guard(api, { store: server.store, identities: createIdentities(server.store, 1) });
    api.get("/unheard-of", async () => "nobody said who may");
  });
  await expect(other.ready()).rejects.toThrow("The route GET /unheard-of has no policy: say in server/api/policies.ts who may use it.");
});

describe.each(Object.entries(POLICIES))("%s", (route, policy) => {
  let untouched: World;
  let before: unknown;
  beforeAll(async () => {
    untouched = await makeWorld(server, cast, route);
    before = snapshot(untouched);
  });

  test.each(EVERYBODY)("%s", async (who) => {
    const expected = expectation(route, policy, who);
    const world = expected === "allowed" ? await makeWorld(server, cast, route) : untouched;
    const answer = await request(route, world, credentials(who, policy));
    // 206: a list so long that it comes in parts.
    const status = answer.status === 206 ? 200 : answer.status;
    if (expected === "allowed") return expect(status, answer.text).toBe(ANSWERS[route] ?? (route.startsWith("POST") ? 201 : 200));
    expect(answer, answer.text).toMatchObject(expected);
    if (expected.status === 401) expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="paas"');
    expect(snapshot(untouched)).toEqual(before);
  });
});

test("what is somebody else's looks exactly as what does not exist, by id and by name", async () => {
  const { app } = await makeWorld(server, cast, "");
  const foreign = await server.ask("GET", `/apps/${app.id}`, { as: server.bob });
  for (const key of [app.name, "no-such-app", crypto.randomUUID()]) expect(await server.ask("GET", `/apps/${key}`, { as: server.bob })).toMatchObject({ status: 404, body: foreign.body });
});

test("a collaborator may leave, and send nobody else away", async () => {
  const { app } = await makeWorld(server, cast, "");
  await server.ask("POST", `/apps/${app.id}/collaborators`, { json: { user: server.bob.user.id } });
  const path = (email: string) => `/apps/${app.id}/collaborators/${email}`;
  expect(await server.ask("DELETE", path("cat@example.com"), { as: server.bob })).toMatchObject({ status: 403, body: { id: "forbidden" } });
  expect(await server.ask("DELETE", path("ann@example.com"), { as: server.bob })).toMatchObject({ status: 403 });
  expect(await server.ask("DELETE", path("bob@example.com"), { as: server.bob })).toMatchObject({ status: 200 });
  expect((await server.ask("GET", `/apps/${app.id}`, { as: server.bob })).status).toBe(404);
});

test("what belongs to another app is not found through one's own", async () => {
  const [own, { app: foreign, params }] = [await server.pipeline.createApp(undefined, server.bob.user), await makeWorld(server, cast, "")];
  server.pipeline.deploy(own, server.bob.user);
  const as = server.bob;
  const release = server.store.releases.list(foreign.id)[1]?.id;
  const domain = server.store.domains.list(foreign.id)[0]?.hostname;
  for (const path of [`domains/${params["domain"]}`, `domains/${domain}`, `sni-endpoints/${params["endpoint"]}`, `releases/${release}`, `releases/${release}/config-vars`, `builds/${params["build"]}`, `collaborators/${params["collaborator"]}`]) {
    expect((await server.ask("GET", `/apps/${own.id}/${path}`, { as })).status, path).toBe(404);
    expect((await server.ask("DELETE", `/apps/${own.id}/${path}`, { as })).status, path).toBe(404);
  }
  expect(await server.ask("PATCH", `/apps/${own.id}/sni-endpoints/${params["endpoint"]}`, { as, json: cast.certificate })).toMatchObject({ status: 404 });
  expect(await server.ask("POST", `/apps/${own.id}/domains`, { as, json: { hostname: "other.access.example.com", sni_endpoint: params["endpoint"] } })).toMatchObject({ status: 404, body: { resource: "sni_endpoint" } });
  expect(await server.ask("POST", `/apps/${own.id}/releases`, { as, json: { release } })).toMatchObject({ status: 404, body: { resource: "release" } });
  // A body names an app as a path does: a stranger's is not found, a collaborator's is not theirs to give.
  const offer = { app: foreign.name, recipient: "bob@example.com" };
  expect(await server.ask("POST", "/account/app-transfers", { as, json: offer })).toMatchObject({ status: 404, body: { resource: "app" } });
  expect(await server.ask("POST", "/account/app-transfers", { as: cast.collaborator, json: offer })).toMatchObject({ status: 403 });
});

test("lists have what one may see", async () => {
  const [own, { app: foreign }] = [await server.pipeline.createApp(undefined, server.bob.user), await makeWorld(server, cast, "")];
  const lists = async (path: string, as: Person, { id }: { id: string }) => (await server.ask<unknown[]>("GET", path, { as, headers: { range: `id ${id}..${id}` } })).body.length === 1;
  for (const path of ["/apps", "/users/~/apps"]) {
    expect(await lists(path, server.bob, own)).toBe(true);
    expect(await lists(path, server.bob, foreign)).toBe(false);
    expect(await lists(path, cast.collaborator, foreign)).toBe(true);
  }
  for (const app of [own, foreign]) expect(await lists("/apps", server.admin, app)).toBe(true);
});

/** Read off the policy; nothing else decides. */
function expectation(route: string, { scope, role }: Policy, who: Who): "allowed" | { status: number; body?: unknown } {
  if (scope === "open") return "allowed";
  if (who === "somebody suspended") return { status: 403, body: { id: "suspended" } };
  if ((NOBODY as readonly string[]).includes(who)) return { status: 401, body: { id: "unauthorized" } };
  const forbidden = { status: 403, body: { id: "forbidden" } };
  if (who.startsWith("the scope ")) return permits([who.slice("the scope ".length) as Scope], scope) ? "allowed" : forbidden;
  if (role === "admin") return who === "an admin" ? "allowed" : forbidden;
  if (who === "the owner") return "allowed";
  if (PERSONAL.test(route) && !route.includes("regions") && !route.includes("stacks")) return { status: 404, body: { id: "not_found" } };
  if (who === "an admin") return "allowed";
  if (route.includes(":user")) return { status: 404, body: { id: "not_found", resource: "user" } };
  if (who === "a stranger" && route.includes(":app")) return { status: 404, body: { id: "not_found", resource: "app", message: "Couldn't find that app." } };
  if (who === "a stranger") return ownWorld(route) ? "allowed" : { status: 404, body: { id: "not_found" } };
  if (route === "POST /account/app-transfers") return forbidden;
  return role === "owner" ? forbidden : "allowed";
}

/** Routes that name nothing of another's: anybody has their own answer. */
function ownWorld(route: string): boolean {
  return !/:(pipeline|coupling|promotion|run|review)\b/.test(route) && !NAMED_IN_BODY.includes(route);
}

function credentials(who: Who, { role }: Policy): Ask["as"] {
  const { admin, ann, bob } = server;
  if (who.startsWith("the scope ")) return cast.scoped[who.slice("the scope ".length) as Scope][role === "admin" ? "admin" : "ann"];
  const all: Record<string, Ask["as"]> = {
    "nobody": null, "a wrong token": `${ann.token.slice(0, -2)}xx`, "an expired token": cast.expired, "a revoked token": cast.revoked, "somebody suspended": cast.suspended,
    "a stranger": bob, "a collaborator": cast.collaborator, "the owner": ann, "an admin": admin,
  };
  return all[who] ?? null;
}

function request(route: string, world: World, as: Ask["as"]): Promise<Answer<Record<string, unknown>>> {
  const [method = "", path = ""] = route.split(" ");
  const json = world.body(route);
  return server.ask(method, path.replaceAll(/:(\w+)/g, (_, name: string) => world.params[name] ?? expect.unreachable(`the world has no ${name}`)), { ...(as === undefined ? {} : { as }), ...(json === undefined ? {} : { json }) });
}

/** All that a refused request might have changed. */
function snapshot({ app, params }: World): unknown {
  const { store } = server;
  return [
    store.apps.find(app.id), store.releases.list(app.id), store.domains.list(app.id), store.sniEndpoints.list(app.id), store.collaborators.list(app.id), [...store.switches.of(app.id)],
    store.appTransfers.find(params["transfer"] ?? ""), store.tokens.get(params["authorization"] ?? ""), store.tokens.get(params["session"] ?? ""),
  ];
}
