import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startApiServer, type ApiServer, type Ask, type Person } from "../support/api-server.ts";
import { selfSigned } from "../support/certificate-maker.ts";

/** What the owner of the app gets, what somebody else gets (404 for everything within an app), and a body where one is needed. */
type Expectation = { owner: number; other: number; json?: unknown | (() => unknown) };
const EXPECTED: Record<string, Expectation | "open"> = {
  "GET /health": "open",
  "GET /build-output/:build/:capability": "open",
  "GET /account": { owner: 200, other: 200 },
  "POST /apps": { owner: 201, other: 201 },
  "GET /apps": { owner: 200, other: 200 },
  "GET /users/:user/apps": { owner: 200, other: 404 },
  "GET /apps/:app": { owner: 200, other: 404 },
  "PATCH /apps/:app": { owner: 200, other: 404, json: { name: "renamed-app" } },
  "DELETE /apps/:app": { owner: 200, other: 404 },
  "GET /apps/:app/collaborators": { owner: 200, other: 404 },
  "GET /apps/:app/addons": { owner: 200, other: 404 },
  "GET /apps/:app/features": { owner: 200, other: 404 },
  "GET /apps/:app/features/:feature": { owner: 200, other: 404 },
  "PATCH /apps/:app/features/:feature": { owner: 200, other: 404, json: { enabled: true } },
  "GET /apps/:app/domains": { owner: 200, other: 404 },
  "POST /apps/:app/domains": { owner: 201, other: 404, json: { hostname: "another.example.com" } },
  "GET /apps/:app/domains/:domain": { owner: 200, other: 404 },
  "PATCH /apps/:app/domains/:domain": { owner: 200, other: 404, json: { sni_endpoint: null } },
  "DELETE /apps/:app/domains/:domain": { owner: 200, other: 404 },
  "GET /apps/:app/sni-endpoints": { owner: 200, other: 404 },
  "POST /apps/:app/sni-endpoints": { owner: 201, other: 404, json: () => body },
  "GET /apps/:app/sni-endpoints/:endpoint": { owner: 200, other: 404 },
  "PATCH /apps/:app/sni-endpoints/:endpoint": { owner: 200, other: 404, json: () => body },
  "DELETE /apps/:app/sni-endpoints/:endpoint": { owner: 200, other: 404 },
  "POST /apps/:app/acm": { owner: 200, other: 404 },
  "PATCH /apps/:app/acm": { owner: 200, other: 404, json: { acm_refresh: true } },
  "DELETE /apps/:app/acm": { owner: 200, other: 404 },
  "GET /apps/:app/pipeline-couplings": { owner: 404, other: 404 },
  "GET /apps/:app/buildpack-installations": { owner: 200, other: 404 },
  "GET /apps/:app/builds": { owner: 200, other: 404 },
  "GET /apps/:app/builds/:build": { owner: 200, other: 404 },
  "GET /apps/:app/releases": { owner: 200, other: 404 },
  "POST /apps/:app/releases": { owner: 201, other: 404, json: { release: "2" } },
  "GET /apps/:app/releases/:release": { owner: 200, other: 404 },
  "GET /apps/:app/releases/:release/config-vars": { owner: 200, other: 404 },
  "GET /apps/:app/config-vars": { owner: 200, other: 404 },
  "PATCH /apps/:app/config-vars": { owner: 200, other: 404, json: { A: "1" } },
  "GET /apps/:app/formation": { owner: 200, other: 404 },
  "PATCH /apps/:app/formation": { owner: 200, other: 404, json: { updates: [] } },
  "GET /apps/:app/formation/:type": { owner: 200, other: 404 },
  "PATCH /apps/:app/formation/:type": { owner: 200, other: 404, json: { quantity: 2 } },
  "GET /apps/:app/dynos": { owner: 200, other: 404 },
  "DELETE /apps/:app/dynos": { owner: 202, other: 404 },
  "GET /apps/:app/dynos/:dyno": { owner: 200, other: 404 },
  "DELETE /apps/:app/dynos/:dyno": { owner: 202, other: 404 },
  "DELETE /apps/:app/formations/:type": { owner: 202, other: 404 },
  "POST /apps/:app/dynos/:dyno/actions/stop": { owner: 202, other: 404 },
  "POST /apps/:app/formations/:type/actions/stop": { owner: 202, other: 404 },
  "GET /regions": { owner: 200, other: 200 },
  "GET /regions/:key": { owner: 200, other: 200 },
  "GET /stacks": { owner: 200, other: 200 },
  "GET /stacks/:key": { owner: 200, other: 200 },
};

let server: ApiServer;
let body: { certificate_chain: string; private_key: string };
beforeAll(async () => {
  server = await startApiServer();
  const { chain, key } = await selfSigned(["www.access.example.com", "another.example.com"]);
  body = { certificate_chain: chain, private_key: key };
});
afterAll(() => server.stop());

test("every route that is served has an expectation here, and no expectation is without its route", () => {
  const served = server.routes.filter((route) => !route.startsWith("HEAD "));
  expect(served.toSorted()).toEqual(Object.keys(EXPECTED).toSorted());
});

describe.each(Object.entries(EXPECTED))("%s", (route, expected) => {
  const [method = "", path = ""] = route.split(" ");
  const request = (concrete: string, as: Ask["as"], json: unknown) => server.ask(method, concrete, { ...(as === undefined ? {} : { as }), ...(json === undefined ? {} : { json }) });

  test("refuses who has no token or a wrong one, and shows an app to its owner and to admins alone", async () => {
    const app = await server.pipeline.createApp(undefined, server.ann.user);
    server.pipeline.deploy(app, server.ann.user);
    const before = server.store.releases.list(app.id).length;
    const domain = await server.pipeline.addDomain(app, `${app.name}.example.com`, undefined);
    const endpoint = await server.pipeline.addSniEndpoint(app, { certificateChain: body.certificate_chain, privateKey: body.private_key });
    if (path.endsWith("/acm")) server.store.switches.set(app.id, "acm", true, new Date().toISOString());
    const build = server.store.builds.list(app.id)[0]?.id ?? "";
    const concrete = path.replace(":app", app.id).replace(":build", build).replace(":release", "2").replace(":type", "web").replace(":dyno", "web.1")
      .replace(":domain", domain.hostname).replace(":endpoint", endpoint.name).replace(":feature", "hsts")
      .replace(":user", server.ann.user.id).replace(":key", path.startsWith("/regions") ? "local" : "debian-12").replace(":capability", "guess");
    if (expected === "open") {
      // A guessed capability opens nothing.
      expect((await request(concrete, null, undefined)).status).toBe(path.includes("capability") ? 404 : 200);
      return;
    }
    const { owner, other } = expected;
    const json = typeof expected.json === "function" ? (expected.json as () => unknown)() : expected.json;
    const revoked: Person = { user: server.ann.user, token: `paas_revoked_${app.id}` };
    server.store.tokens.add(server.ann.user.id, revoked.token, `revoked ${app.id}`);
    server.store.tokens.removeByDescription(server.ann.user.id, `revoked ${app.id}`);
    const expired = `paas_expired_${app.id}`;
    server.store.tokens.add(server.ann.user.id, expired, "expired", new Date(Date.now() - 1000));

    for (const as of [null, "paas_wrong", revoked, expired, `${server.ann.token}x`]) {
      const refused = await request(concrete, as, json);
      expect(refused).toMatchObject({ status: 401, body: { id: "unauthorized" } });
      expect(refused.headers.get("www-authenticate")).toBe('Bearer realm="paas"');
    }
    const foreign = await request(concrete, server.bob, json);
    expect(foreign.status).toBe(other);
    if (path.includes(":app")) expect(foreign.body).toEqual({ id: "not_found", resource: "app", message: "Couldn't find that app." });
    if (path.includes(":app")) expect((await request(concrete.replace(app.id, app.name), server.bob, json)).status).toBe(404);
    expect(server.store.releases.list(app.id)).toHaveLength(before);
    expect(server.store.apps.find(app.id)?.name).toBe(app.name);
    expect([server.store.domains.hostnames(app.id), server.store.sniEndpoints.list(app.id)]).toEqual([[domain.hostname], [endpoint]]);

    if (method === "GET") expect((await request(concrete, server.admin, json)).status).toBe(owner);
    expect((await request(concrete, server.ann, json)).status).toBe(owner);
    if (method === "PATCH" && path === "/apps/:app") await server.ask("DELETE", `/apps/${app.id}`);
  });
});

test("what belongs to another app is not found through one's own", async () => {
  const [own, foreign] = [await server.pipeline.createApp(undefined, server.bob.user), await server.pipeline.createApp(undefined, server.ann.user)];
  const release = server.pipeline.deploy(foreign, server.ann.user);
  const build = server.store.builds.list(foreign.id)[0]?.id;
  const as = server.bob;
  const domain = await server.pipeline.addDomain(foreign, "foreign.example.com", undefined);
  const endpoint = await server.pipeline.addSniEndpoint(foreign, { certificateChain: body.certificate_chain, privateKey: body.private_key });
  for (const path of [`domains/${domain.id}`, "domains/foreign.example.com", `sni-endpoints/${endpoint.id}`, `sni-endpoints/${endpoint.name}`]) {
    expect(await server.ask("GET", `/apps/${own.id}/${path}`, { as })).toMatchObject({ status: 404 });
    expect(await server.ask("DELETE", `/apps/${own.id}/${path}`, { as })).toMatchObject({ status: 404 });
  }
  expect(await server.ask("PATCH", `/apps/${own.id}/sni-endpoints/${endpoint.name}`, { as, json: body })).toMatchObject({ status: 404 });
  expect(await server.ask("POST", `/apps/${own.id}/domains`, { as, json: { hostname: "www.access.example.com", sni_endpoint: endpoint.name } })).toMatchObject({ status: 404, body: { resource: "sni_endpoint" } });
  for (const path of [`releases/${release.id}`, `releases/${release.id}/config-vars`, `builds/${build}`])
    expect(await server.ask("GET", `/apps/${own.id}/${path}`, { as })).toMatchObject({ status: 404 });
  expect(await server.ask("POST", `/apps/${own.id}/releases`, { as, json: { release: release.id } })).toMatchObject({ status: 404, body: { resource: "release" } });
  const listed = await server.ask<{ id: string }[]>("GET", "/apps", { as });
  expect(listed.body.map(({ id }) => id)).not.toContain(foreign.id);
  const all = await server.ask<{ id: string }[]>("GET", "/apps", { as: server.admin, headers: { range: "id ..; max=1000" } });
  expect(all.body.map(({ id }) => id)).toContain(foreign.id);
});
