/** Which certificate a domain shows. */

import { domainToASCII } from "node:url";
import { underAcm } from "../domain/acm.ts";
import { readCertificate } from "../domain/certificate.ts";
import { coversHost } from "../domain/custom-domain.ts";
import type { Domain, SniEndpoint } from "../domain/model.ts";
import { notFound } from "../errors.ts";
import type { Parts } from "./parts.ts";

/**
 * Binds the domain to that endpoint, or to none, and begins or ends ACM's part in it. A certificate that ACM got and that gives way is thrown away.
 * Call it in a transaction.
 * @returns the domain as it is now
 */
export function bind({ store, now }: Pick<Parts, "store" | "now">, domain: Domain, endpoint: SniEndpoint | undefined): Domain {
  const at = now();
  const brought = endpoint !== undefined && endpoint.acmDomainId === null;
  const bound = underAcm({ ...domain, sniEndpointId: endpoint?.id ?? null, updatedAt: at }, store.switches.of(domain.appId).has("acm"), brought, at);
  store.domains.update(bound);
  const own = store.sniEndpoints.ofAcm(domain.id);
  if (own && own.id !== endpoint?.id) store.sniEndpoints.remove(own.id);
  return bound;
}

/** Binds each of these domains to the certificate that covers it, and to none where there is none: the newest that a person brought goes first. */
export function bindAutomatically(parts: Pick<Parts, "store" | "now">, domains: Domain[]): void {
  for (const domain of domains) {
    const brought = parts.store.sniEndpoints.list(domain.appId).findLast((endpoint) => endpoint.acmDomainId === null && covers(endpoint, domain.hostname));
    bind(parts, domain, brought ?? parts.store.sniEndpoints.ofAcm(domain.id));
  }
}

/** Whether the endpoint's certificate is good for this host. */
export function covers(endpoint: SniEndpoint, hostname: string): boolean {
  return coversHost(readCertificate(endpoint.certificateChain).names, hostname);
}

/** The app's endpoint of that id or name. @throws AppError not_found */
export function findEndpoint({ store }: Pick<Parts, "store">, appId: string, key: string): SniEndpoint {
  const endpoint = store.sniEndpoints.find(key);
  if (endpoint?.appId !== appId) throw notFound("sni_endpoint", "Couldn't find that SNI endpoint.");
  return endpoint;
}

/** The app's domain of that id or hostname, in any spelling. @throws AppError not_found */
export function findDomain({ store }: Pick<Parts, "store">, appId: string, key: string): Domain {
  const domain = store.domains.find(key) ?? store.domains.findByHostname(domainToASCII(key.replace(/\.$/, "")));
  if (domain?.appId !== appId) throw notFound("domain");
  return domain;
}
