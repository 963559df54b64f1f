/** Domains of an app: Heroku's objects, the bad inputs of group D, and what the router is told. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { App } from "../../server/domain/model.ts";
import { startApiServer, type ApiServer } from "../support/api-server.ts";
import { createCertificateMaker, type CertificateMaker } from "../support/certificate-maker.ts";

type DomainView = { id: string; hostname: string; kind: string; cname: string | null; acm_status: string | null; acm_status_reason: string | null; sni_endpoint: { id: string; name: string } | null };

let server: ApiServer;
let maker: CertificateMaker;
let app: App;
let count = 0;
beforeAll(async () => {
  [server, maker] = [await startApiServer(), await createCertificateMaker()];
});
afterAll(async () => {
  expect(server.logged.filter((line) => Number(line["level"]) >= 50)).toEqual([]);
  await server.stop();
});
beforeEach(async () => {
  server.router.fail = undefined;
  app = await server.pipeline.createApp(`shop-${++count}`, server.ann.user);
});

const uuid = expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-[48][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/) as string;
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/) as string;
const path = (rest = ""): string => `/apps/${app.name}/domains${rest}`;
const add = (hostname: unknown, more: object = {}) => server.ask<DomainView & { id: string; message: string }>("POST", path(), { json: { hostname, ...more } });
const hosts = (): string[] | undefined => server.router.routesById.get(app.id)?.hosts;
const addCertificate = async (...names: string[]): Promise<string> => {
  const { chain, key } = await maker.issue(names);
  return (await server.ask<{ name: string }>("POST", `/apps/${app.name}/sni-endpoints`, { json: { certificate_chain: chain, private_key: key } })).body.name;
};

test("a custom domain is Heroku's object, and the router has it when the answer comes", async () => {
  const added = await add("WWW.Shop.Example.com.");
  expect(added).toMatchObject({ status: 201 });
  expect(added.body).toEqual({
    acm_status: null, acm_status_reason: null, app: { id: app.id, name: app.name }, cname: `${app.name}.localhost`, created_at: time, hostname: "www.shop.example.com",
    id: uuid, kind: "custom", sni_endpoint: null, status: "succeeded", updated_at: time,
  });
  expect(hosts()).toEqual([`${app.name}.localhost`, "www.shop.example.com"]);
  for (const key of [added.body.id, "www.shop.example.com", "WWW.shop.example.com."]) expect((await server.ask("GET", path(`/${key}`))).body).toEqual(added.body);
  await server.ask("DELETE", path("/www.shop.example.com"));
});

test("the app's own host is listed as Heroku's is, first by name, and stays as it is", async () => {
  const own = { acm_status: null, acm_status_reason: null, app: { id: app.id, name: app.name }, cname: null, created_at: time, hostname: `${app.name}.localhost`, id: uuid, kind: "heroku", sni_endpoint: null, status: "succeeded", updated_at: time };
  await add("a.listed.example.com");
  const listed = await server.ask<DomainView[]>("GET", path(), { headers: { range: "hostname ..; max=1000" } });
  expect(listed.body).toEqual([expect.objectContaining({ hostname: "a.listed.example.com", kind: "custom" }), own]);
  expect((await server.ask("GET", path(`/${app.name}.localhost`))).body).toEqual(own);
  for (const key of [`${app.name}.localhost`, listed.body[1]?.id ?? ""]) {
    expect(await server.ask("DELETE", path(`/${key}`))).toMatchObject({ status: 422, body: { message: `domain: ${app.name}.localhost is the app's own and stays as it is; custom domains can be changed.` } });
    expect((await server.ask("PATCH", path(`/${key}`), { json: { sni_endpoint: null } })).status).toBe(422);
  }
});

test("the CLI's way of listing, by id and a thousand at most, gives all of them", async () => {
  for (const name of ["a", "b", "c"]) await add(`${name}.range.example.com`);
  expect((await server.ask<DomainView[]>("GET", path(), { headers: { range: "id ..; max=1000" } })).body).toHaveLength(4);
  const first = await server.ask<DomainView[]>("GET", path(), { headers: { range: "hostname ..; max=2" } });
  expect([first.status, first.body.map(({ hostname }) => hostname)]).toEqual([206, ["a.range.example.com", "b.range.example.com"]]);
});

test("a domain that is removed is gone from the router, and free for another app", async () => {
  await add("moving.example.com");
  const removed = await server.ask<DomainView>("DELETE", path("/moving.example.com"));
  expect(removed).toMatchObject({ status: 200, body: { hostname: "moving.example.com" } });
  expect(hosts()).toEqual([`${app.name}.localhost`]);
  expect(await server.ask("GET", path("/moving.example.com"))).toMatchObject({ status: 404, body: { resource: "domain" } });
  app = await server.pipeline.createApp(`shop-${++count}`, server.ann.user);
  expect((await add("moving.example.com")).status).toBe(201);
});

describe("D: a bad domain is refused with the field, and nothing of it is kept", () => {
  const BAD: Record<string, unknown> = {
    "D1": "", "D2": "*", "D3": "*.com", "D4": "*.localhost", "D5 platform apex": "localhost", "D6 dashboard host": "dashboard.localhost",
    "D8": "a..b", "D9": ".a", "D10": "-a.com", "D11": `${"a".repeat(64)}.com`, "D12": `${"a.".repeat(125)}comm`, "D13": "a_b.com",
    "D14": "http://a.com/", "D15": "a.com/x", "D16": "a.com?x", "D17": "u@a.com", "D18": "127.0.0.1", "D19": "[::1]", "D20": "0x7f.1", "D21": "localhost", "D22": "x.internal",
    "D23": "evil.com {\n}", "D24": "а.com", "D25": "💩.com", "a number": 1, "null": null, "a list": ["a.com"], "an object": {}, "a megabyte": "a".repeat(1_000_000),
  };
  test.each(Object.entries(BAD))("%s", async (_id, hostname) => {
    const refused = await add(hostname);
    expect(refused.status).toBe(422);
    expect(refused.body.message).toMatch(/^hostname: [^\n]{5,200}\.$/);
    expect(refused.text).not.toMatch(/\.ts:|node_modules|SQLITE/);
    expect(server.store.domains.list(app.id)).toEqual([]);
  });

  test("no hostname at all, and a field that is none", async () => {
    expect(await server.ask("POST", path(), { json: {} })).toMatchObject({ status: 422, body: { message: "hostname: is required." } });
    expect(await add("a.com", { kind: "custom" })).toMatchObject({ status: 422, body: { message: "kind: is not a field that can be given here." } });
  });

  test("D7: another app's domain is 409 in every spelling, and so is one that the app has", async () => {
    const holder = app;
    await add("bücher.example.com");
    app = await server.pipeline.createApp(`shop-${++count}`, server.bob.user);
    for (const spelling of ["bücher.example.com", "BÜCHER.Example.COM", "bücher.example.com.", "bücher.example.com:80", "xn--bcher-kva.example.com", "XN--BCHER-KVA.example.com"]) {
      const refused = await server.ask("POST", path(), { as: server.bob, json: { hostname: spelling } });
      expect([spelling, refused.status, refused.body["id"], refused.body["message"]]).toEqual([spelling, 409, "conflict", "hostname: xn--bcher-kva.example.com is in use by another app: remove it there first."]);
    }
    app = holder;
    expect(await add("bücher.example.com")).toMatchObject({ status: 409, body: { message: "hostname: xn--bcher-kva.example.com belongs to this app already." } });
  });

  test("D26: the 1,001st domain of an app", async () => {
    const at = new Date().toISOString();
    server.store.transaction(() => {
      for (let i = 0; i < 1000; i++)
        server.store.domains.insert({ id: `many-${i}`, appId: app.id, hostname: `m${i}.many.example.com`, sniEndpointId: null, acmStatus: null, acmStatusReason: null, acmFailures: 0, acmDueAt: null, createdAt: at, updatedAt: at });
    });
    expect(await add("one-more.example.com")).toMatchObject({ status: 422, body: { message: "hostname: an app can have at most 1000 domains; remove one first." } });
    await server.ask("DELETE", path("/m0.many.example.com"));
    expect((await add("one-more.example.com")).status).toBe(201);
  });

  test("a hundred at once of one name, from two apps: one has it", async () => {
    const apps = [app, await server.pipeline.createApp(`shop-${++count}`, server.ann.user)];
    const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => server.ask("POST", `/apps/${apps[index % 2]?.name}/domains`, { json: { hostname: "race.example.com" } })));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, ...Array.from({ length: 99 }, () => 409)]);
  });
});

describe("a router that does not do as it is told", () => {
  test("leaves no half domain: what it did not take is not there", async () => {
    server.router.fail = { calls: ["switchTo"], id: "snapshot_failed" };
    expect((await add("half.example.com")).status).toBe(500);
    expect(server.store.domains.findByHostname("half.example.com")).toBeUndefined();
    server.router.fail = undefined;
    server.logged.splice(0);
    expect((await add("half.example.com")).status).toBe(201);
  });

  test("keeps a domain, with its certificate, that could not be taken away", async () => {
    const endpoint = await addCertificate("kept.example.com");
    await add("kept.example.com");
    server.router.fail = { calls: ["switchTo"], id: "snapshot_failed" };
    expect((await server.ask("DELETE", path("/kept.example.com"))).status).toBe(500);
    server.logged.splice(0);
    expect((await server.ask("GET", path("/kept.example.com"))).body).toMatchObject({ sni_endpoint: { name: endpoint } });
  });

  test("has the host still at another app: conflict, try again", async () => {
    const other = await server.pipeline.createApp(`shop-${++count}`, server.ann.user);
    await server.router.switchTo({ id: other.id, deployment: "d", hosts: ["stale.example.com"], targets: [], unavailable: "H81", redirectToTls: false, hstsSeconds: 0, errorPage: "", maintenancePage: "" });
    expect(await add("stale.example.com")).toMatchObject({ status: 409, body: { id: "conflict", message: "hostname: stale.example.com is just being moved between apps; try again in a moment." } });
    expect(server.store.domains.findByHostname("stale.example.com")).toBeUndefined();
  });
});

describe("which certificate a domain shows", () => {
  test("the newest that covers it, unless one is named", async () => {
    const [older, newer] = [await addCertificate("*.bound.example.com"), await addCertificate("www.bound.example.com", "*.bound.example.com")];
    expect((await add("www.bound.example.com")).body.sni_endpoint?.name).toBe(newer);
    expect((await add("named.bound.example.com", { sni_endpoint: older })).body.sni_endpoint?.name).toBe(older);
    expect((await add("automatic.bound.example.com", { sni_endpoint: null })).body.sni_endpoint?.name).toBe(newer);
    expect((await add("elsewhere.example.com")).body.sni_endpoint).toBeNull();
    const served = [...server.router.certificatesById.values()].filter(({ hosts: names }) => names.some((host) => host.endsWith("bound.example.com"))).map(({ hosts: names }) => names);
    expect(served.toSorted((a, b) => a.length - b.length)).toEqual([["named.bound.example.com"], ["www.bound.example.com", "automatic.bound.example.com"]]);
  });

  test("is changed by name or id, and taken off by null; one that does not cover it is refused", async () => {
    const [one, wrong] = [await addCertificate("www.rebound.example.com"), await addCertificate("other.example.com")];
    await add("www.rebound.example.com");
    const bind = (sni_endpoint: unknown) => server.ask<DomainView & { message: string }>("PATCH", path("/www.rebound.example.com"), { json: { sni_endpoint } });
    expect((await bind(null)).body.sni_endpoint).toBeNull();
    expect((await bind(one)).body.sni_endpoint?.name).toBe(one);
    expect(await bind(wrong)).toMatchObject({ status: 422, body: { message: `sni_endpoint: the certificate of ${wrong} does not cover www.rebound.example.com; choose or add one that does.` } });
    expect(await bind("nowhere-12345")).toMatchObject({ status: 404, body: { resource: "sni_endpoint" } });
    for (const bad of ["", 1, ["x"]]) expect((await bind(bad)).body.message).toMatch(/^sni_endpoint: /);
    expect((await server.ask("PATCH", path("/www.rebound.example.com"), { json: {} })).body).toMatchObject({ message: "sni_endpoint: is required." });
    expect((await server.ask<DomainView>("GET", path("/www.rebound.example.com"))).body.sni_endpoint?.name).toBe(one);
  });

  test("the app's own host shows one that covers it", async () => {
    const endpoint = await addCertificate(`${app.name}.localhost`);
    expect((await server.ask<DomainView>("GET", path(`/${app.name}.localhost`))).body.sni_endpoint?.name).toBe(endpoint);
    expect([...server.router.certificatesById.values()].map(({ hosts: names }) => names)).toContainEqual([`${app.name}.localhost`]);
  });
});
