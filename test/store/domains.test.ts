import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import type { Domain, SniEndpoint } from "../../server/domain/model.ts";
import { addApp, AT, openStore, type TestStore } from "./test-store.ts";

function addDomain(store: TestStore, appId: string, hostname: string, more: Partial<Domain> = {}): Domain {
  const domain: Domain = { id: randomUUID(), appId, hostname, sniEndpointId: null, acmStatus: null, acmStatusReason: null, acmFailures: 0, acmDueAt: null, createdAt: AT, updatedAt: AT, ...more };
  store.domains.insert(domain);
  return domain;
}

function addEndpoint(store: TestStore, appId: string, acmDomainId: string | null = null): SniEndpoint {
  const endpoint: SniEndpoint = { id: randomUUID(), appId, name: `nara-${randomUUID()}`, certificateChain: "chain", privateKey: "key", acmDomainId, createdAt: AT, updatedAt: AT };
  store.sniEndpoints.insert(endpoint);
  return endpoint;
}

test("a domain comes back as it went in, by id, by hostname and among its app's", () => {
  const store = openStore();
  const [app, other] = [addApp(store), addApp(store)];
  const domain = addDomain(store, app.id, "a.com", { acmStatus: "failing", acmStatusReason: "why", acmFailures: 2, acmDueAt: AT });
  addDomain(store, other.id, "b.com");
  expect(store.domains.find(domain.id)).toEqual(domain);
  expect(store.domains.findByHostname("a.com")).toEqual(domain);
  expect(store.domains.list(app.id)).toEqual([domain]);
  expect(store.domains.hostnames(app.id)).toEqual(["a.com"]);
});

test("a hostname belongs to one app: the schema itself refuses another", () => {
  const store = openStore();
  addDomain(store, addApp(store).id, "a.com");
  expect(() => addDomain(store, addApp(store).id, "a.com")).toThrow(/UNIQUE/);
});

test("an app takes its domains, certificates and switches with it", () => {
  const store = openStore();
  const app = addApp(store);
  const domain = addDomain(store, app.id, "a.com");
  store.domains.update({ ...domain, sniEndpointId: addEndpoint(store, app.id, domain.id).id });
  addEndpoint(store, app.id);
  store.switches.set(app.id, "maintenance", true, AT);
  store.apps.remove(app.id);
  expect([store.domains.findByHostname("a.com"), store.sniEndpoints.all(), store.switches.of(app.id).has("maintenance")]).toEqual([undefined, [], false]);
});

test("a certificate that goes leaves its domains without one; a domain that goes takes the one of an authority with it", () => {
  const store = openStore();
  const app = addApp(store);
  const brought = addEndpoint(store, app.id);
  const domain = addDomain(store, app.id, "a.com", { sniEndpointId: brought.id });
  expect(store.domains.boundTo(brought.id)).toEqual(["a.com"]);
  store.sniEndpoints.remove(brought.id);
  expect(store.domains.find(domain.id)?.sniEndpointId).toBeNull();
  const own = addEndpoint(store, app.id, domain.id);
  expect(store.sniEndpoints.ofAcm(domain.id)).toEqual(own);
  store.domains.remove(domain.id);
  expect(store.sniEndpoints.list(app.id)).toEqual([]);
});

test("an authority is asked for what is due, soonest first; the next one after that is known", () => {
  const store = openStore();
  const app = addApp(store);
  const at = (minute: number): string => `2026-01-01T00:${String(minute).padStart(2, "0")}:00.000Z`;
  for (const [hostname, minute] of [["late.com", 30], ["soon.com", 10], ["now.com", 5]] as const) addDomain(store, app.id, hostname, { acmStatus: "pending", acmDueAt: at(minute) });
  addDomain(store, app.id, "never.com");
  expect(store.domains.due(at(10)).map(({ hostname }) => hostname)).toEqual(["now.com", "soon.com"]);
  expect(store.domains.nextDue(at(10))).toBe(at(30));
  expect(store.domains.nextDue(at(30))).toBeUndefined();
});

test("a switch that was never touched is off, but for the test gate, and has no times; a touched one tells when", () => {
  const store = openStore();
  const app = addApp(store);
  expect([[...store.switches.of(app.id)], store.switches.times(app.id, "hsts")]).toEqual([["test-gate"], undefined]);
  store.switches.set(app.id, "hsts", true, AT);
  store.switches.set(app.id, "maintenance", true, AT);
  store.switches.set(app.id, "hsts", false, "2026-01-02T00:00:00.000Z");
  expect([...store.switches.of(app.id)]).toEqual(["test-gate", "maintenance"]);
  store.switches.set(app.id, "test-gate", false, AT);
  expect([...store.switches.of(app.id)]).toEqual(["maintenance"]);
  expect(store.switches.times(app.id, "hsts")).toEqual({ createdAt: AT, updatedAt: "2026-01-02T00:00:00.000Z" });
});

test("an account at an authority keeps its key; its URL comes and may go", () => {
  const store = openStore();
  const account = { directory: "https://ca/directory", privateKey: "key", url: null, createdAt: AT };
  store.acmeAccounts.insert(account);
  store.acmeAccounts.setUrl(account.directory, "https://ca/account/1");
  expect(store.acmeAccounts.find(account.directory)).toEqual({ ...account, url: "https://ca/account/1" });
  store.acmeAccounts.setUrl(account.directory, null);
  expect(store.acmeAccounts.find(account.directory)).toEqual(account);
  expect(store.acmeAccounts.find("https://other/directory")).toBeUndefined();
});
