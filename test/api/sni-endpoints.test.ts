/** Certificates that people bring: checked, shown without their keys, in the router when the answer comes. */

import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { App } from "../../server/domain/model.ts";
import { startApiServer, type ApiServer } from "../support/api-server.ts";
import { createCertificateMaker, selfSigned, type CertificateMaker } from "../support/certificate-maker.ts";

type EndpointView = { id: string; name: string; domains: string[]; message: string; ssl_cert: { id: string; cert_domains: string[]; "self_signed?": boolean } };

let server: ApiServer;
let maker: CertificateMaker;
let app: App;
let count = 0;
beforeAll(async () => {
  [server, maker] = [await startApiServer(), await createCertificateMaker("CA")];
});
afterAll(() => server.stop());
beforeEach(async () => {
  server.router.fail = undefined;
  app = await server.pipeline.createApp(`bank-${++count}`, server.ann.user);
});

const uuid = expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-[48][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/) as string;
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/) as string;
const path = (rest = ""): string => `/apps/${app.name}/sni-endpoints${rest}`;
const host = (name: string): string => `${name}.${app.name}.example.com`;
const addDomain = async (hostname: string): Promise<string> => (await server.pipeline.addDomain(app, hostname, undefined)).id;
const body = async (...names: string[]) => {
  const { chain, key } = await maker.issue(names, { commonName: names[0] ?? "" });
  return { certificate_chain: chain, private_key: key };
};
const add = (json: unknown) => server.ask<EndpointView>("POST", path(), { json });

test("an endpoint is Heroku's object, without the private key, and its domains show it at once", async () => {
  const domain = await addDomain(host("www"));
  const json = await body(host("www"), host("api"));
  const added = await add(json);
  expect(added.status).toBe(201);
  const { validFromDate, validToDate } = new X509Certificate(json.certificate_chain);
  expect(added.body).toEqual({
    app: { id: app.id, name: app.name }, certificate_chain: json.certificate_chain, created_at: time, display_name: null, domains: [domain], id: uuid, name: expect.stringMatching(/^[a-z]+-\d{5}$/) as string,
    ssl_cert: {
      acm: false, "ca_signed?": true, cert_domains: [host("www"), host("api")], expires_at: validToDate.toISOString(), id: uuid, issuer: "/CN=CA Intermediate/O=Tests",
      "self_signed?": false, starts_at: validFromDate.toISOString(), subject: `/CN=${host("www")}`,
    },
    updated_at: time,
  });
  for (const key of [added.body.id, added.body.name]) expect((await server.ask("GET", path(`/${key}`))).body).toEqual(added.body);
  expect((await server.ask("GET", path())).body).toEqual([added.body]);
  expect(server.router.certificatesById.get(added.body.id)).toEqual({ id: added.body.id, hosts: [host("www")], chain: json.certificate_chain, key: json.private_key });
});

test("a certificate that covers no domain of the app waits for one, and is not in the router until then", async () => {
  const { body: endpoint } = await add(await body(host("later")));
  expect(server.router.certificatesById.has(endpoint.id)).toBe(false);
  const domain = await addDomain(host("later"));
  expect(server.router.certificatesById.get(endpoint.id)?.hosts).toEqual([host("later")]);
  expect((await server.ask<EndpointView>("GET", path(`/${endpoint.name}`))).body.domains).toEqual([domain]);
});

test("a self-signed certificate is told as such", async () => {
  const { chain, key } = await selfSigned([host("self")]);
  expect((await add({ certificate_chain: chain, private_key: key })).body.ssl_cert).toMatchObject({ "self_signed?": true, "ca_signed?": false });
});

test("a certificate is replaced under its id: the name and its domains stay, and domains that it covers now show it", async () => {
  const [first] = [await addDomain(host("www")), await addDomain(host("new"))];
  const { body: before } = await add(await body(host("www")));
  expect(before.domains).toEqual([first]);
  const json = await body(host("www"), host("new"));
  const replaced = await server.ask<EndpointView>("PATCH", path(`/${before.name}`), { json });
  expect(replaced).toMatchObject({ status: 200, body: { id: before.id, name: before.name } });
  expect(replaced.body.domains).toHaveLength(2);
  expect(replaced.body.ssl_cert.id).not.toBe(before.ssl_cert.id);
  expect(server.router.certificatesById.get(before.id)).toMatchObject({ hosts: [host("www"), host("new")], chain: json.certificate_chain });
});

test("a certificate that leaves a domain uncovered does not replace one that covers it", async () => {
  await addDomain(host("www"));
  const json = await body(host("www"));
  const { body: before } = await add(json);
  expect(await server.ask("PATCH", path(`/${before.name}`), { json: await body(host("other")) })).toMatchObject({
    status: 422, body: { message: `certificate_chain: does not cover ${host("www")}, which shows this certificate: bind that domain to another one first, or send one for it too.` },
  });
  expect(server.router.certificatesById.get(before.id)?.chain).toBe(json.certificate_chain);
});

test("an endpoint that is removed is gone from the router; its domains show another that covers them", async () => {
  await addDomain(host("www"));
  const [{ body: one }, { body: two }] = [await add(await body(host("www"))), await add(await body(host("www")))];
  expect((await server.ask("DELETE", path(`/${one.name}`))).status).toBe(200);
  expect(server.router.certificatesById.has(one.id)).toBe(false);
  expect(server.router.certificatesById.get(two.id)?.hosts).toEqual([host("www")]);
  expect(await server.ask("GET", path(`/${one.name}`))).toMatchObject({ status: 404, body: { resource: "sni_endpoint" } });
});

test("what is wrong with a certificate is said with its field; nothing is kept", async () => {
  const good = await body(host("www"));
  const wrong: [unknown, RegExp][] = [
    [{ ...good, certificate_chain: "hello" }, /^certificate_chain: is not well-formed PEM/],
    [{ ...good, private_key: (await body(host("x"))).private_key }, /^private_key: does not belong/],
    [{ certificate_chain: good.certificate_chain }, /^private_key: is required/],
    [{ private_key: good.private_key }, /^certificate_chain: is required/],
    [{ ...good, certificate_chain: 1 }, /^certificate_chain: must be string/],
    [{ ...good, private_key: null }, /^private_key: must be string/],
    [{ ...good, name: "mine" }, /^name: is not a field/],
  ];
  for (const [json, rule] of wrong) {
    const refused = await add(json);
    expect([refused.status, refused.body.message]).toEqual([422, expect.stringMatching(rule)]);
  }
  expect(server.store.sniEndpoints.list(app.id)).toEqual([]);
});

test("a certificate that the router does not take is not kept", async () => {
  await addDomain(host("www"));
  server.router.fail = { calls: ["putCertificate"], id: "invalid_certificate", what: "no such curve" };
  expect(await add(await body(host("www")))).toMatchObject({ status: 422, body: { message: "certificate_chain: the router does not take it: no such curve." } });
  expect(server.store.sniEndpoints.list(app.id)).toEqual([]);
  expect(server.store.domains.list(app.id)).toMatchObject([{ sniEndpointId: null }]);
});

test("private keys are in no answer and in no line of the log", async () => {
  const json = await body(host("www"));
  const { body: endpoint } = await add(json);
  await server.ask("PATCH", path(`/${endpoint.name}`), { json });
  await add({ ...json, certificate_chain: "wrong" });
  const secret = json.private_key.split("\n")[1] ?? "";
  const answers = await Promise.all([path(), path(`/${endpoint.name}`), `/apps/${app.name}`, `/apps/${app.name}/domains`].map(async (one) => (await server.ask("GET", one)).text));
  expect(secret.length).toBeGreaterThan(40);
  for (const text of [...answers, JSON.stringify(server.logged)]) {
    expect(text).not.toContain(secret);
    expect(text).not.toMatch(/PRIVATE KEY/);
  }
});
