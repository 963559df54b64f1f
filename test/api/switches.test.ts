/** What is turned on and off without a release: maintenance mode, features, ACM. */

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { App } from "../../server/domain/model.ts";
import { startApiServer, type ApiServer } from "../support/api-server.ts";
import { createCertificateMaker } from "../support/certificate-maker.ts";
import { eventually } from "../git/eventually.ts";

let server: ApiServer;
let app: App;
let count = 0;
beforeAll(async () => void (server = await startApiServer()));
afterAll(() => server.stop());
beforeEach(async () => {
  server.router.fail = undefined;
  app = await server.pipeline.createApp(`switch-${++count}`, server.ann.user);
});

const route = () => server.router.routesById.get(app.id);
/** What ACM asked for, for this domain. */
const asked = (domain: string) => server.issued.filter(({ hostname }) => hostname === domain);
const turn = (feature: string, enabled: unknown) => server.ask("PATCH", `/apps/${app.name}/features/${feature}`, { json: { enabled } });

test("maintenance mode is in the app object and in the router when the answer comes", async () => {
  const maintain = (maintenance: boolean) => server.ask("PATCH", `/apps/${app.name}`, { json: { maintenance } });
  expect(await maintain(true)).toMatchObject({ status: 200, body: { maintenance: true, name: app.name } });
  expect(route()).toMatchObject({ unavailable: "H80", targets: [] });
  expect((await server.ask("GET", `/apps/${app.name}`)).body).toMatchObject({ maintenance: true });
  expect(await maintain(false)).toMatchObject({ status: 200, body: { maintenance: false } });
  expect(route()).toMatchObject({ unavailable: "H81" });
  expect(server.store.releases.list(app.id)).toHaveLength(1);
});

test("maintenance mode stays when the app gets another name, and both go in one request", async () => {
  const renamed = `renamed-${count}`;
  expect(await server.ask("PATCH", `/apps/${app.name}`, { json: { maintenance: true, name: renamed } })).toMatchObject({ status: 200, body: { maintenance: true, name: renamed } });
  expect((await server.ask("GET", `/apps/${renamed}`)).body).toMatchObject({ maintenance: true });
  expect((await server.ask("PATCH", `/apps/${renamed}`, { json: { maintenance: false, name: "-bad-" } })).status).toBe(422);
  await server.pipeline.createApp(`taken-${count}`, server.bob.user);
  expect((await server.ask("PATCH", `/apps/${renamed}`, { json: { maintenance: false, name: `taken-${count}` } })).status).toBe(422);
  expect((await server.ask("GET", `/apps/${renamed}`)).body).toMatchObject({ maintenance: true });
});

test.each(["yes", 1, null, []])("maintenance: %j is refused", async (maintenance) => {
  expect(await server.ask("PATCH", `/apps/${app.name}`, { json: { maintenance } })).toMatchObject({ status: 422, body: { message: "maintenance: must be boolean." } });
});

test("what the router did not take is not on", async () => {
  server.router.fail = { calls: ["switchTo"], id: "snapshot_failed" };
  expect((await server.ask("PATCH", `/apps/${app.name}`, { json: { maintenance: true } })).status).toBe(500);
  expect((await turn("hsts", true)).status).toBe(500);
  server.router.fail = undefined;
  expect((await server.ask("GET", `/apps/${app.name}`)).body).toMatchObject({ maintenance: false });
  expect((await server.ask("GET", `/apps/${app.name}/features/hsts`)).body).toMatchObject({ enabled: false });
});

test("features are Heroku's objects, off until they are turned on; the test gate is on until it is turned off", async () => {
  const { body } = await server.ask<{ name: string }[]>("GET", `/apps/${app.name}/features`);
  expect(body.map(({ name }) => name)).toEqual(["force-https", "hsts", "log-runtime-metrics", "test-gate"]);
  expect(body[1]).toEqual({
    created_at: app.createdAt, description: expect.stringMatching(/Strict-Transport-Security/) as string, display_name: "hsts", doc_url: "", enabled: false, feedback_email: null,
    id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string, name: "hsts", state: "general", updated_at: app.createdAt,
  });
  const { id } = (await server.ask("GET", `/apps/${app.name}/features/hsts`)).body;
  expect((await server.ask("GET", `/apps/${app.name}/features/${String(id)}`)).body).toEqual(body[1]);
});

test("force-https is the route's redirect, and the app's URL goes over TLS with it", async () => {
  expect(await turn("force-https", true)).toMatchObject({ status: 200, body: { name: "force-https", enabled: true } });
  expect(route()).toMatchObject({ redirectToTls: true, hstsSeconds: 0 });
  expect((await server.ask("GET", `/apps/${app.name}`)).body).toMatchObject({ web_url: `https://${app.name}.localhost:8443/` });
  await turn("force-https", false);
  expect(route()).toMatchObject({ redirectToTls: false });
  expect((await server.ask("GET", `/apps/${app.name}`)).body).toMatchObject({ web_url: `http://${app.name}.localhost:8080/` });
});

test("hsts is a year in the route", async () => {
  expect((await turn("hsts", true)).body).toMatchObject({ enabled: true });
  expect(route()).toMatchObject({ redirectToTls: false, hstsSeconds: 31_536_000 });
});

test("a feature that is none is not found, and enabled is true or false", async () => {
  for (const name of ["nothing", "maintenance", "acm", "__proto__"]) expect(await turn(name, true)).toMatchObject({ status: 404, body: { resource: "feature" } });
  for (const bad of ["on", 1, null]) expect((await turn("hsts", bad)).body).toMatchObject({ message: "enabled: must be boolean." });
  expect((await server.ask("PATCH", `/apps/${app.name}/features/hsts`, { json: {} })).body).toMatchObject({ message: "enabled: is required." });
});

test("ACM is in the app object; its domains are pending, then issued, and gone with it", async () => {
  const domain = `www.${app.name}.example.com`;
  const status = async () => (await server.ask("GET", `/apps/${app.name}/domains/${domain}`)).body;
  await server.ask("POST", `/apps/${app.name}/domains`, { json: { hostname: domain } });
  expect(await status()).toMatchObject({ acm_status: null });
  expect(await server.ask("POST", `/apps/${app.name}/acm`, { json: {} })).toMatchObject({ status: 200, body: { acm: true, name: app.name } });
  expect(await status()).toMatchObject({ acm_status: "pending", acm_status_reason: null, sni_endpoint: null });
  expect(asked(domain)).toHaveLength(1);
  const { chain, key } = await (await createCertificateMaker()).issue([domain]);
  asked(domain)[0]?.done.resolve({ chain, key });
  await eventually("it is issued", async () => (await status())["acm_status"] === "cert issued");
  expect((await server.ask<{ name: string }[]>("GET", `/apps/${app.name}/sni-endpoints`)).body).toMatchObject([{ ssl_cert: { acm: true, cert_domains: [domain] } }]);
  expect(await server.ask("DELETE", `/apps/${app.name}/acm`)).toMatchObject({ status: 200, body: { acm: false } });
  expect(await status()).toMatchObject({ acm_status: null, sni_endpoint: null });
  expect((await server.ask("GET", `/apps/${app.name}/sni-endpoints`)).body).toEqual([]);
});

test("a domain that is added while ACM is on is asked for at once; the reason of a failure is the domain's, and a refresh tries again", async () => {
  const domain = `www.${app.name}.example.com`;
  const status = async () => (await server.ask("GET", `/apps/${app.name}/domains/${domain}`)).body;
  await server.ask("POST", `/apps/${app.name}/acm`);
  expect((await server.ask("POST", `/apps/${app.name}/domains`, { json: { hostname: domain } })).body).toMatchObject({ acm_status: "pending" });
  expect(asked(domain)).toHaveLength(1);
  asked(domain)[0]?.done.reject(new Error("the inside of it"));
  await eventually("it fails", async () => (await status())["acm_status"] === "failing");
  expect(await status()).toMatchObject({ acm_status_reason: "The platform could not ask for a certificate. Its log says why." });
  expect(await server.ask("PATCH", `/apps/${app.name}/acm`, { json: { acm_refresh: true } })).toMatchObject({ status: 200, body: { acm: true } });
  expect(asked(domain)).toHaveLength(2);
});

test("a certificate of ACM's is not replaced or removed by hand", async () => {
  const domain = `www.${app.name}.example.com`;
  await server.ask("POST", `/apps/${app.name}/acm`);
  await server.ask("POST", `/apps/${app.name}/domains`, { json: { hostname: domain } });
  const { chain, key } = await (await createCertificateMaker()).issue([domain]);
  asked(domain)[0]?.done.resolve({ chain, key });
  await eventually("it is issued", () => server.store.sniEndpoints.list(app.id).length === 1);
  const name = server.store.sniEndpoints.list(app.id)[0]?.name ?? "";
  const refusal = { status: 422, body: { message: expect.stringMatching(/^sni_endpoint: .* is kept by ACM\./) as string } };
  expect(await server.ask("PATCH", `/apps/${app.name}/sni-endpoints/${name}`, { json: { certificate_chain: chain, private_key: key } })).toMatchObject(refusal);
  expect(await server.ask("DELETE", `/apps/${app.name}/sni-endpoints/${name}`)).toMatchObject(refusal);
});

test("a refresh where ACM is off, or of nothing, is refused", async () => {
  expect(await server.ask("PATCH", `/apps/${app.name}/acm`, { json: { acm_refresh: true } })).toMatchObject({ status: 422, body: { message: expect.stringMatching(/^acm_refresh: ACM is off/) as string } });
  expect(await server.ask("PATCH", `/apps/${app.name}/acm`, { json: { acm_refresh: false } })).toMatchObject({ status: 422, body: { message: "acm_refresh: must be true." } });
  expect(await server.ask("PATCH", `/apps/${app.name}/acm`, { json: {} })).toMatchObject({ status: 422, body: { message: "acm_refresh: is required." } });
});
