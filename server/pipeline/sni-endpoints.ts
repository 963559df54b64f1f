/** Certificates that people bring. */

import { randomUUID } from "node:crypto";
import { RouterError } from "../../proxy/client.ts";
import { checkCertificate } from "../domain/certificate.ts";
import { coversHost } from "../domain/custom-domain.ts";
import { randomEndpointName } from "../domain/endpoint-name.ts";
import type { SniEndpoint } from "../domain/model.ts";
import { invalidParams } from "../errors.ts";
import { bindAutomatically, findEndpoint } from "./binding.ts";
import type { RoutingParts } from "./domains.ts";
import type { Pipeline } from "./pipeline.ts";
import { serveCertificates } from "./served-certificates.ts";

type EndpointChanges = Pick<Pipeline, "addSniEndpoint" | "replaceCertificate" | "removeSniEndpoint">;

export function createEndpointChanges(parts: RoutingParts): EndpointChanges {
  const { store, lock, now, log } = parts;

  const orUndo = async (undo: () => void): Promise<void> => {
    try {
      await serveCertificates(parts);
    } catch (error) {
      store.transaction(undo);
      throw error instanceof RouterError && error.id === "invalid_certificate" ? invalidParams(`certificate_chain: the router does not take it: ${error.what}.`) : error;
    }
  };

  return {
    addSniEndpoint: (app, { certificateChain, privateKey }) =>
      lock.run(app.id, async () => {
        const { chain, key, facts } = checkCertificate(certificateChain, privateKey, new Date(now()));
        const at = now();
        const endpoint: SniEndpoint = { id: randomUUID(), appId: app.id, name: freeName(parts), certificateChain: chain, privateKey: key, acmDomainId: null, createdAt: at, updatedAt: at };
        const domains = store.domains.list(app.id).filter(({ sniEndpointId, hostname }) => sniEndpointId === null && coversHost(facts.names, hostname));
        store.transaction(() => {
          store.sniEndpoints.insert(endpoint);
          bindAutomatically(parts, domains);
        });
        await orUndo(() => {
          store.sniEndpoints.remove(endpoint.id);
          for (const domain of domains) store.domains.update(domain);
        });
        log.info({ app: app.name, endpoint: endpoint.name, names: facts.names, expiresAt: facts.expiresAt }, "certificate added");
        return endpoint;
      }),

    replaceCertificate: (app, key, { certificateChain, privateKey }) =>
      lock.run(app.id, async () => {
        const before = findEndpoint(parts, app.id, key);
        refuseAcm(before);
        const checked = checkCertificate(certificateChain, privateKey, new Date(now()));
        const lost = store.domains.boundTo(before.id).find((hostname) => !coversHost(checked.facts.names, hostname));
        if (lost !== undefined) throw invalidParams(`certificate_chain: does not cover ${lost}, which shows this certificate: bind that domain to another one first, or send one for it too.`);
        const endpoint: SniEndpoint = { ...before, certificateChain: checked.chain, privateKey: checked.key, updatedAt: now() };
        const unbound = store.domains.list(app.id).filter(({ sniEndpointId, hostname }) => sniEndpointId === null && coversHost(checked.facts.names, hostname));
        store.transaction(() => {
          store.sniEndpoints.update(endpoint);
          bindAutomatically(parts, unbound);
        });
        await orUndo(() => {
          store.sniEndpoints.update(before);
          for (const domain of unbound) store.domains.update(domain);
        });
        log.info({ app: app.name, endpoint: endpoint.name, names: checked.facts.names, expiresAt: checked.facts.expiresAt }, "certificate replaced");
        return endpoint;
      }),

    removeSniEndpoint: (app, key) =>
      lock.run(app.id, async () => {
        const endpoint = findEndpoint(parts, app.id, key);
        refuseAcm(endpoint);
        const domains = store.domains.list(app.id).filter(({ sniEndpointId }) => sniEndpointId === endpoint.id);
        store.transaction(() => {
          store.sniEndpoints.remove(endpoint.id);
          bindAutomatically(parts, domains);
        });
        await orUndo(() => {
          store.sniEndpoints.insert(endpoint);
          for (const domain of domains) store.domains.update(domain);
        });
        log.info({ app: app.name, endpoint: endpoint.name }, "certificate removed");
        return endpoint;
      }),
  };
}

function refuseAcm({ name, acmDomainId }: SniEndpoint): void {
  if (acmDomainId !== null) throw invalidParams(`sni_endpoint: ${name} is kept by ACM. Bind the domain to another certificate, or turn ACM off (DELETE /apps/:app/acm).`);
}

/** A name that no endpoint has. */
export function freeName({ store }: Pick<RoutingParts, "store">): string {
  for (;;) {
    const name = randomEndpointName();
    if (!store.sniEndpoints.find(name)) return name;
  }
}
