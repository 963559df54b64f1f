import { randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { loadConfig } from "../../server/config.ts";
import type { App, SniEndpoint } from "../../server/domain/model.ts";
import { createAppLock } from "../../server/pipeline/app-lock.ts";
import { serveCertificates } from "../../server/pipeline/served-certificates.ts";
import { addApp, AT, openStore } from "../store/test-store.ts";
import { createCertificateMaker, type CertificateMaker } from "../support/certificate-maker.ts";
import { createMemoryRouter } from "../support/memory-router.ts";

let maker: CertificateMaker;
beforeAll(async () => void (maker = await createCertificateMaker()));

function house() {
  const store = openStore();
  const router = createMemoryRouter();
  const parts = { store, router, lock: createAppLock(), config: loadConfig({}) };
  return {
    store, router,
    serve: () => serveCertificates(parts),
    /** What was asked of the router but looking. */
    changes: () => router.calls.filter((call) => !/^(certificates|routes)$/.test(call)),
    async endpoint(app: App, ...names: string[]): Promise<SniEndpoint> {
      const { chain, key } = await maker.issue(names);
      const endpoint: SniEndpoint = { id: randomUUID(), appId: app.id, name: `riga-${store.sniEndpoints.all().length}`, certificateChain: chain, privateKey: key, acmDomainId: null, createdAt: new Date(Date.parse(AT) + store.sniEndpoints.all().length).toISOString(), updatedAt: AT };
      store.sniEndpoints.insert(endpoint);
      return endpoint;
    },
    domain(app: App, hostname: string, sniEndpointId: string | null): void {
      store.domains.insert({ id: randomUUID(), appId: app.id, hostname, sniEndpointId, acmStatus: null, acmStatusReason: null, acmFailures: 0, acmDueAt: null, createdAt: AT, updatedAt: AT });
    },
  };
}

test("the router gets what it lacks, loses what nobody accounts for, and is left alone where it has all", async () => {
  const { store, router, serve, changes, endpoint, domain } = house();
  const app = addApp(store);
  const { id, certificateChain: chain, privateKey: key } = await endpoint(app, "a.example.com", "b.example.com");
  domain(app, "a.example.com", id);
  domain(app, "b.example.com", id);
  await router.putCertificate({ id: "stranger", hosts: ["x.example.com"], ...(await maker.issue(["x.example.com"])) });
  router.calls.splice(0);
  await serve();
  expect(changes()).toEqual([`putCertificate ${id}`, "removeCertificate stranger"]);
  expect(router.certificatesById.get(id)).toEqual({ id, hosts: expect.arrayContaining(["a.example.com", "b.example.com"]) as string[], chain, key });
  router.calls.splice(0);
  await serve();
  expect(changes()).toEqual([]);
});

test("another certificate under the same id, or a domain more, is put again", async () => {
  const { store, serve, changes, router, endpoint, domain } = house();
  const app = addApp(store);
  const one = await endpoint(app, "a.example.com", "b.example.com");
  domain(app, "a.example.com", one.id);
  await serve();
  const renewed = await maker.issue(["a.example.com", "b.example.com"]);
  store.sniEndpoints.update({ ...one, certificateChain: renewed.chain, privateKey: renewed.key });
  await serve();
  expect(router.certificatesById.get(one.id)).toMatchObject({ hosts: ["a.example.com"], chain: renewed.chain });
  domain(app, "b.example.com", one.id);
  await serve();
  expect(router.certificatesById.get(one.id)?.hosts).toHaveLength(2);
  expect(changes()).toHaveLength(3);
});

test("a certificate that covers nothing of its app is not served", async () => {
  const { store, router, serve, endpoint } = house();
  await endpoint(addApp(store), "a.example.com");
  await serve();
  expect(router.certificatesById.size).toBe(0);
});

test("the app's own host shows the newest certificate that covers it, and only one does", async () => {
  const { store, router, serve, endpoint } = house();
  const app = addApp(store, "bank");
  const older = await endpoint(app, "bank.localhost");
  await serve();
  expect([...router.certificatesById.keys()]).toEqual([older.id]);
  const newer = await endpoint(app, "*.localhost");
  await endpoint(app, "other.localhost");
  await serve();
  expect([...router.certificatesById.values()].map(({ id, hosts }) => [id, hosts])).toEqual([[newer.id, ["bank.localhost"]]]);
});

test("of two looks that overlap the later one has the last word, however slow the earlier one's router is", async () => {
  const { store, router, serve, endpoint, domain } = house();
  const app = addApp(store);
  const { id } = await endpoint(app, "a.example.com");
  domain(app, "a.example.com", id);
  const [asked, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const put = router.putCertificate;
  router.putCertificate = async (certificate) => {
    asked.resolve();
    await gate.promise;
    await put(certificate);
  };
  const first = serve();
  await asked.promise;
  store.sniEndpoints.remove(id);
  const second = serve();
  // Time for a look that does not wait for its turn.
  await new Promise((resolve) => setImmediate(resolve));
  gate.resolve();
  await Promise.all([first, second]);
  expect(router.certificatesById.size).toBe(0);
});
