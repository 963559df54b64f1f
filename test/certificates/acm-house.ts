/** ACM on a real database and a real authority; of the router only what it is told, and its challenges over real HTTP. */

import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { pino } from "pino";
import { onTestFinished } from "vitest";
import { createAcm, type Acm } from "../../server/certificates/acm.ts";
import { createAuthority } from "../../server/certificates/authority.ts";
import { loadConfig } from "../../server/config.ts";
import type { App, Domain } from "../../server/domain/model.ts";
import { createAppLock } from "../../server/pipeline/app-lock.ts";
import { createDomainChanges, type RoutingParts } from "../../server/pipeline/domains.ts";
import { createEndpointChanges } from "../../server/pipeline/sni-endpoints.ts";
import type { Pipeline } from "../../server/pipeline/pipeline.ts";
import { eventually } from "../git/eventually.ts";
import { addApp, openStore, type TestStore } from "../store/test-store.ts";
import { startAcmeAuthority, type AcmeAuthority } from "../support/acme-authority.ts";
import { createMemoryRouter, type MemoryRouter } from "../support/memory-router.ts";

export type AcmHouse = {
  acm: Acm;
  authority: AcmeAuthority;
  store: TestStore;
  router: MemoryRouter;
  parts: RoutingParts;
  changes: Pick<Pipeline, "addDomain" | "bindDomain" | "removeDomain" | "addSniEndpoint" | "removeSniEndpoint">;
  app: App;
  logged: string[];
  /** What the clock is ahead. */
  clock: { aheadMs: number };
  /** Adds a domain and lets ACM look. */
  add(hostname: string, app?: App): Promise<Domain>;
  domain(hostname: string): Domain;
  /** Waits until the domain has that status. */
  becomes(hostname: string, status: Domain["acmStatus"]): Promise<Domain>;
  /** Another control plane's life on the same data. */
  again(): Acm;
};

export async function acmHouse(options: { lifetimeMs?: number; answer?: (text: string) => string; directory?: string } = {}): Promise<AcmHouse> {
  const store = openStore();
  const router = createMemoryRouter();
  const challenges = createServer((request, response) => {
    const text = router.challenges.get((request.url ?? "").split("/").at(-1) ?? "");
    response.writeHead(text === undefined ? 404 : 200).end(text === undefined ? "no such app" : (options.answer ?? ((same) => same))(text));
  }).listen(0, "127.0.0.1");
  await once(challenges, "listening");
  const authority = await startAcmeAuthority({ challengePort: (challenges.address() as AddressInfo).port, ...(options.lifetimeMs === undefined ? {} : { lifetimeMs: options.lifetimeMs }) });
  const ca = join(dirname(store.file), "ca.pem");
  writeFileSync(ca, authority.ca);

  const clock = { aheadMs: 0 };
  const logged: string[] = [];
  const parts: RoutingParts = {
    store, router, lock: createAppLock(), now: () => new Date(Date.now() + clock.aheadMs).toISOString(),
    config: loadConfig({ PAAS_HTTPS_PORT: "8443", PAAS_ACME_DIRECTORY: options.directory ?? authority.directory, PAAS_ACME_CA: ca, PAAS_ACME_EMAIL: "ops@example.com" }),
    log: pino({}, { write: (line: string) => void logged.push(line) }),
  };
  const lives: Acm[] = [];
  const again = (): Acm => {
    const acm = createAcm(parts, createAuthority(parts), () => 0);
    lives.push(acm);
    return acm;
  };
  onTestFinished(async () => {
    await Promise.all(lives.map((acm) => acm.stop()));
    await authority.stop();
    challenges.close();
  });
  const acm = again();
  acm.start();
  const changes = { ...createDomainChanges(parts, async () => undefined), ...createEndpointChanges(parts) };
  const house: AcmHouse = {
    acm, authority, store, router, parts, changes, logged, clock, again,
    app: addApp(store),
    async add(hostname, app = house.app) {
      const domain = await changes.addDomain(app, hostname, undefined);
      acm.look();
      return domain;
    },
    domain: (hostname) => store.domains.findByHostname(hostname) as Domain,
    async becomes(hostname, status) {
      await eventually(`${hostname} is ${status}`, () => house.domain(hostname).acmStatus === status);
      return house.domain(hostname);
    },
  };
  return house;
}
