/** Automated certificates against a real conversation with an authority of our own. */

import { X509Certificate } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { renewalTime } from "../../server/domain/acm.ts";
import { readCertificate } from "../../server/domain/certificate.ts";
import { eventually } from "../git/eventually.ts";
import { addApp } from "../store/test-store.ts";
import { createCertificateMaker, selfSigned } from "../support/certificate-maker.ts";
import { acmHouse } from "./acm-house.ts";

const minutes = (from: string, to: string | null): number => Math.round((Date.parse(to ?? "") - Date.parse(from)) / 60_000);

test("a domain of an app with ACM gets a certificate that the router shows, and its challenge is taken away again", async () => {
  const { acm, app, add, becomes, router, store, authority } = await acmHouse();
  await acm.enable(app);
  expect(await add("www.example.com")).toMatchObject({ acmStatus: "pending" });
  const domain = await becomes("www.example.com", "cert issued");
  const [served] = [...router.certificatesById.values()];
  expect(served).toMatchObject({ id: domain.sniEndpointId, hosts: ["www.example.com"] });
  const leaf = new X509Certificate(served?.chain ?? "");
  expect(leaf.checkHost("www.example.com")).toBe("www.example.com");
  expect(served?.chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  expect(domain).toMatchObject({ acmStatusReason: null, acmFailures: 0, acmDueAt: renewalTime(readCertificate(served?.chain ?? "")) });
  expect(minutes(new Date().toISOString(), domain.acmDueAt)).toBeCloseTo(60 * 24 * 60, -1);
  expect(store.sniEndpoints.list(app.id)).toMatchObject([{ acmDomainId: domain.id, name: expect.stringMatching(/^[a-z]+-\d{5}$/) as string }]);
  expect(router.challenges.size).toBe(0);
  expect(authority.contacts()).toEqual(["mailto:ops@example.com"]);
});

test("no authority is asked for apps without ACM", async () => {
  const { app, add, authority, domain, acm } = await acmHouse();
  await add("www.example.com");
  expect(domain("www.example.com")).toMatchObject({ acmStatus: null, acmDueAt: null });
  await acm.disable(app);
  expect(authority.requests).toEqual([]);
});

test("ACM that is turned on later begins with the domains that are there, one certificate for each, three at once", async () => {
  const { acm, app, add, authority, becomes, store } = await acmHouse();
  const hosts = ["a", "b", "c", "d", "e"].map((name) => `${name}.example.com`);
  for (const host of hosts) await add(host);
  const gate = Promise.withResolvers<void>();
  authority.faults.hold = gate.promise;
  await acm.enable(app);
  await eventually("three orders are open", () => authority.ordered.length === 3);
  acm.look();
  gate.resolve();
  for (const host of hosts) await becomes(host, "cert issued");
  expect(authority.mostAtOnce()).toBe(3);
  expect(authority.ordered.toSorted()).toEqual(hosts);
  expect(new Set(store.sniEndpoints.list(app.id).map(({ certificateChain }) => readCertificate(certificateChain).names.join()))).toEqual(new Set(hosts));
  expect(authority.requests.filter((request) => request === "POST new-account")).toHaveLength(1);
});

test("one host is ordered once at a time, however often it is looked at", async () => {
  const { acm, app, add, authority, becomes } = await acmHouse();
  const gate = Promise.withResolvers<void>();
  authority.faults.hold = gate.promise;
  await acm.enable(app);
  await add("www.example.com");
  await eventually("it is ordered", () => authority.ordered.length === 1);
  await acm.refresh(app);
  await acm.enable(app);
  acm.look();
  gate.resolve();
  await becomes("www.example.com", "cert issued");
  expect(authority.ordered).toEqual(["www.example.com"]);
});

test("the account is registered once, and used again after a restart", async () => {
  const house = await acmHouse();
  await house.acm.enable(house.app);
  await house.add("one.example.com");
  await house.becomes("one.example.com", "cert issued");
  await house.acm.stop();
  const next = house.again();
  next.start();
  await house.changes.addDomain(house.app, "two.example.com", undefined);
  next.look();
  await house.becomes("two.example.com", "cert issued");
  expect(house.authority.requests.filter((request) => request === "POST new-account")).toHaveLength(1);
});

test("an authority that lost the account gets a new one at the next try", async () => {
  const { acm, app, add, becomes, authority } = await acmHouse();
  await acm.enable(app);
  await add("one.example.com");
  await becomes("one.example.com", "cert issued");
  authority.forget();
  await add("two.example.com");
  expect((await becomes("two.example.com", "failing")).acmStatusReason).toBe("The certificate authority gave none: Account does not exist");
  await acm.refresh(app);
  await becomes("two.example.com", "cert issued");
});

test("a nonce that is refused is tried again with the new one, unseen by anybody", async () => {
  const { acm, app, add, becomes, authority } = await acmHouse();
  authority.faults.badNonces = 1;
  await acm.enable(app);
  await add("www.example.com");
  await becomes("www.example.com", "cert issued");
  expect(authority.faults.badNonces).toBeLessThan(0);
});

test("an authority that takes its time over an order is waited for", async () => {
  const { acm, app, add, becomes, authority } = await acmHouse();
  authority.faults.processing = 3;
  await acm.enable(app);
  await add("www.example.com");
  await becomes("www.example.com", "cert issued");
  expect(authority.requests.filter((request) => request === "POST order")).toHaveLength(3);
});

test("a challenge that does not come out right makes the domain failing, with the authority's reason; the next try comes 5, 10, 20 minutes later", async () => {
  const house = await acmHouse({ answer: () => "something else" });
  const { acm, app, add, becomes, authority, clock, domain } = house;
  await acm.enable(app);
  await add("www.example.com");
  const failing = await becomes("www.example.com", "failing");
  expect(failing.acmStatusReason).toMatch(/^The certificate authority gave none: 127\.0\.0\.1: Invalid response from http:\/\/www\.example\.com\/\.well-known\/acme-challenge\/[\w-]+: something else$/);
  expect(minutes(failing.updatedAt, failing.acmDueAt)).toBe(5);
  expect(house.router.challenges.size).toBe(0);
  for (const [tries, wait] of [[2, 10], [3, 20]] as const) {
    acm.look();
    expect(authority.ordered).toHaveLength(tries - 1);
    clock.aheadMs += minutes(new Date(Date.now() + clock.aheadMs).toISOString(), domain("www.example.com").acmDueAt) * 60_000 + 60_000;
    acm.look();
    await eventually("it is tried again", () => domain("www.example.com").acmFailures === tries && authority.ordered.length === tries && minutes(domain("www.example.com").updatedAt, domain("www.example.com").acmDueAt) === wait);
  }
});

test("a rate limit is heeded: the next try is not before the time that the authority names", async () => {
  const { acm, app, add, becomes, authority } = await acmHouse();
  authority.faults.rateLimitSeconds = 7200;
  await acm.enable(app);
  await add("www.example.com");
  const failing = await becomes("www.example.com", "failing");
  expect(failing.acmStatusReason).toBe("The certificate authority gave none: Too many certificates already issued");
  expect(minutes(failing.updatedAt, failing.acmDueAt)).toBe(120);
});

test("a refresh tries at once what failed, and leaves alone what has its certificate", async () => {
  const { acm, app, add, becomes, authority } = await acmHouse();
  await acm.enable(app);
  await add("good.example.com");
  await becomes("good.example.com", "cert issued");
  authority.faults.serverErrors = 1000;
  await add("www.example.com");
  expect((await becomes("www.example.com", "failing")).acmStatusReason).toMatch(/^The certificate authority gave none: .*(bad day|500)/);
  authority.faults.serverErrors = 0;
  await acm.refresh(app);
  await becomes("www.example.com", "cert issued");
  expect(authority.ordered.filter((host) => host === "good.example.com")).toHaveLength(1);
});

test("an order that becomes invalid, and a certificate for another host, are failures with a reason; nothing of them is served", async () => {
  const { acm, app, add, becomes, authority, router, store } = await acmHouse();
  await acm.enable(app);
  authority.faults.invalidOrder = true;
  await add("one.example.com");
  expect((await becomes("one.example.com", "failing")).acmStatusReason).toMatch(/CAA record prevents issuance/);
  authority.faults.invalidOrder = false;
  authority.faults.wrongHost = "other.example.com";
  await add("two.example.com");
  expect((await becomes("two.example.com", "failing")).acmStatusReason).toBe("The certificate authority gave one that does not cover the domain.");
  expect(router.certificatesById.size + store.sniEndpoints.list(app.id).length).toBe(0);
});

test("an authority that cannot be reached, or whose own certificate is not trusted, is a failure with a reason", async () => {
  const { acm, app, add, becomes } = await acmHouse({ directory: "https://localhost:1/directory" });
  await acm.enable(app);
  await add("www.example.com");
  expect((await becomes("www.example.com", "failing")).acmStatusReason).toMatch(/ECONNREFUSED/);
  const other = await acmHouse();
  const stranger = await createCertificateMaker("Stranger");
  writeFileSync(other.parts.config.acme.ca ?? "", stranger.root);
  await other.acm.enable(other.app);
  await other.add("www.example.com");
  expect((await other.becomes("www.example.com", "failing")).acmStatusReason).toMatch(/unable to (verify|get).*certificate/);
  rmSync(other.parts.config.acme.ca ?? "");
  await other.add("two.example.com");
  expect((await other.becomes("two.example.com", "failing")).acmStatusReason).toMatch(/\(PAAS_ACME_CA\)$/);
});

test("a certificate is renewed with a third of its lifetime left, in the same endpoint; the old one is shown until then", async () => {
  const { acm, app, add, becomes, router, store } = await acmHouse({ lifetimeMs: 9000 });
  await acm.enable(app);
  await add("www.example.com");
  await becomes("www.example.com", "cert issued");
  const first = [...router.certificatesById.values()][0];
  const { startsAt, expiresAt } = readCertificate(first?.chain ?? "");
  await eventually("another certificate is shown", () => [...router.certificatesById.values()][0]?.chain !== first?.chain);
  const now = Date.now();
  expect(now).toBeGreaterThan(Date.parse(renewalTime({ startsAt, expiresAt })) - 1);
  expect(now).toBeLessThan(Date.parse(expiresAt));
  expect([...router.certificatesById.keys()]).toEqual([first?.id]);
  expect(store.sniEndpoints.list(app.id)).toHaveLength(1);
});

test("a renewal that fails leaves the old certificate in its place and says so", async () => {
  const { acm, app, add, becomes, router, authority } = await acmHouse({ lifetimeMs: 4000 });
  await acm.enable(app);
  await add("www.example.com");
  const issued = await becomes("www.example.com", "cert issued");
  authority.faults.rateLimitSeconds = 60;
  const failing = await becomes("www.example.com", "failing");
  expect(failing).toMatchObject({ sniEndpointId: issued.sniEndpointId, acmStatusReason: expect.stringMatching(/Too many/) as string });
  expect(router.certificatesById.size).toBe(1);
});

test("turning ACM off throws its certificates away and leaves those that a person brought", async () => {
  const { acm, app, add, becomes, router, store, changes, domain } = await acmHouse();
  const brought = await changes.addSniEndpoint(app, await selfSignedFor(["own.example.com"]));
  await acm.enable(app);
  await add("own.example.com");
  await add("www.example.com");
  await becomes("www.example.com", "cert issued");
  expect(domain("own.example.com")).toMatchObject({ acmStatus: null, sniEndpointId: brought.id });
  await acm.disable(app);
  expect(domain("www.example.com")).toMatchObject({ acmStatus: null, acmDueAt: null, sniEndpointId: null });
  expect(store.sniEndpoints.list(app.id).map(({ id }) => id)).toEqual([brought.id]);
  expect([...router.certificatesById.keys()]).toEqual([brought.id]);
  await expect(acm.refresh(app)).rejects.toMatchObject({ id: "invalid_params", message: expect.stringMatching(/^acm_refresh: ACM is off/) as string });
});

test("a domain that gets a certificate of a person's leaves ACM, and comes back when that goes", async () => {
  const { acm, app, add, becomes, router, store, changes, domain, authority } = await acmHouse();
  await acm.enable(app);
  await add("www.example.com");
  await becomes("www.example.com", "cert issued");
  const brought = await changes.addSniEndpoint(app, await selfSignedFor(["www.example.com"]));
  expect(domain("www.example.com").acmStatus).toBe("cert issued");
  await changes.bindDomain(app, "www.example.com", brought.name);
  expect(domain("www.example.com")).toMatchObject({ acmStatus: null, sniEndpointId: brought.id });
  expect(store.sniEndpoints.list(app.id)).toHaveLength(1);
  expect([...router.certificatesById.keys()]).toEqual([brought.id]);
  await changes.removeSniEndpoint(app, brought.name);
  acm.look();
  await becomes("www.example.com", "cert issued");
  expect(authority.ordered).toHaveLength(2);
});

test("a domain or an app that goes while its certificate is on the way gets none", async () => {
  const { acm, app, add, authority, changes, store, router } = await acmHouse();
  const other = addApp(store);
  const gate = Promise.withResolvers<void>();
  authority.faults.hold = gate.promise;
  for (const one of [app, other]) await acm.enable(one);
  await add("www.example.com");
  await add("other.example.com", other);
  await eventually("both are ordered", () => authority.ordered.length === 2);
  await changes.removeDomain(app, "www.example.com");
  store.apps.remove(other.id);
  gate.resolve();
  await eventually("both came to their end", () => authority.requests.filter((request) => request === "POST certificate").length === 2);
  await acm.stop();
  expect(store.sniEndpoints.all()).toEqual([]);
  expect(router.certificatesById.size).toBe(0);
});

test("a stop breaks off what is under way, and the start after it goes on no sooner than after a failure", async () => {
  const house = await acmHouse();
  house.authority.faults.hold = new Promise(() => undefined);
  await house.acm.enable(house.app);
  await house.add("www.example.com");
  await eventually("it is ordered", () => house.authority.ordered.length === 1);
  await house.acm.stop();
  const left = house.domain("www.example.com");
  expect(left).toMatchObject({ acmStatus: "pending", acmFailures: 1 });
  expect(minutes(left.updatedAt, left.acmDueAt)).toBe(5);
  house.authority.faults.hold = undefined;
  const next = house.again();
  next.start();
  expect(house.authority.ordered).toHaveLength(1);
  house.clock.aheadMs = 6 * 60_000;
  next.look();
  await house.becomes("www.example.com", "cert issued");
});

test("private keys, of certificates and of the account, are never logged", async () => {
  const { acm, app, add, becomes, authority, logged, store } = await acmHouse();
  await acm.enable(app);
  await add("www.example.com");
  await becomes("www.example.com", "cert issued");
  authority.faults.rateLimitSeconds = 60;
  await add("two.example.com");
  await becomes("two.example.com", "failing");
  expect(logged.join("")).toMatch(/certificate issued/);
  expect(logged.join("")).not.toMatch(/PRIVATE KEY/);
  const secrets = [store.acmeAccounts.find(authority.directory)?.privateKey, ...store.sniEndpoints.all().map(({ privateKey }) => privateKey)];
  for (const secret of secrets) expect(logged.join("")).not.toContain(secret?.split("\n")[1]);
});

test("ACM needs a router with a port for TLS", async () => {
  const { app, parts, authority } = await acmHouse();
  const { createAcm } = await import("../../server/certificates/acm.ts");
  const without = createAcm({ ...parts, config: { ...parts.config, httpsPort: undefined } }, { issue: () => Promise.reject(new Error("nobody asks")) });
  await expect(without.enable(app)).rejects.toMatchObject({ id: "invalid_params", message: expect.stringMatching(/^acm: .*PAAS_HTTPS_PORT/) as string });
  expect(parts.store.switches.of(app.id).has("acm")).toBe(false);
  expect(readFileSync(parts.config.acme.ca ?? "", "utf8")).toBe(authority.ca);
});

async function selfSignedFor(names: string[]): Promise<{ certificateChain: string; privateKey: string }> {
  const { chain, key } = await selfSigned(names);
  return { certificateChain: chain, privateKey: key };
}
