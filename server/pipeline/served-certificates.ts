/** The router's certificates, made what the database says. */

import type { Certificate } from "../../proxy/client.ts";
import { readCertificate } from "../domain/certificate.ts";
import { coversHost } from "../domain/custom-domain.ts";
import { appHost } from "../domain/hostname.ts";
import type { Parts } from "./parts.ts";

/** One look at a time: of two that overlap, the one that read an older state could end last. No app's id looks like this. */
const LOCK = "certificates";

/**
 * Puts what the router lacks or has in another form, takes away what nobody accounts for, and leaves the rest alone.
 * A certificate is served for the domains bound to it; one that a person brought also for the app's own host, where it covers that.
 * @throws AppError router_unavailable; RouterError when the router refuses a certificate
 */
export function serveCertificates(parts: Pick<Parts, "store" | "router" | "lock" | "config">): Promise<void> {
  const { router, lock } = parts;
  return lock.run(LOCK, async () => {
    const served = new Map((await router.certificates()).map((certificate) => [certificate.id, certificate]));
    const wanted = wantedCertificates(parts);
    for (const { fingerprint, ...certificate } of wanted) {
      const now = served.get(certificate.id);
      if (now?.fingerprint !== fingerprint || !sameHosts(now.hosts, certificate.hosts)) await router.putCertificate(certificate);
    }
    for (const id of served.keys()) if (!wanted.some((certificate) => certificate.id === id)) await router.removeCertificate(id);
  });
}

/** The endpoint that the app's own host shows: of those that a person brought and that cover it, the newest. */
export function endpointOfOwnHost({ store, config }: Pick<Parts, "store" | "config">, app: { id: string; name: string }): string | undefined {
  const host = appHost(app.name, config.domain);
  return store.sniEndpoints.list(app.id).findLast(({ acmDomainId, certificateChain }) => acmDomainId === null && coversHost(readCertificate(certificateChain).names, host))?.id;
}

/** Certificates that cover no host of their app are not served. */
function wantedCertificates(parts: Pick<Parts, "store" | "config">): (Certificate & { fingerprint: string })[] {
  const { store, config } = parts;
  const ownHosts = new Map<string, string>();
  for (const app of store.apps.list()) {
    const endpoint = endpointOfOwnHost(parts, app);
    if (endpoint !== undefined) ownHosts.set(endpoint, appHost(app.name, config.domain));
  }
  return store.sniEndpoints.all().flatMap(({ id, certificateChain: chain, privateKey: key }) => {
    const own = ownHosts.get(id);
    const hosts = [...store.domains.boundTo(id), ...(own === undefined ? [] : [own])];
    return hosts.length === 0 ? [] : [{ id, hosts, chain, key, fingerprint: readCertificate(chain).fingerprint }];
  });
}

function sameHosts(a: string[], b: string[]): boolean {
  return JSON.stringify([...a].sort()) === JSON.stringify([...b].sort());
}
