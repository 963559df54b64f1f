/** A router that keeps what it is told in memory, and that can be away: the control plane's side of the control socket alone. */

import { X509Certificate } from "node:crypto";
import { RouterError, type Certificate, type Route, type Router, type RouterErrorId } from "../../proxy/client.ts";

export type MemoryRouter = Router & {
  routesById: Map<string, Route>;
  /** With their keys. */
  certificatesById: Map<string, Certificate>;
  challenges: Map<string, string>;
  /** Every call, such as `putCertificate <id>`. */
  calls: string[];
  /** Makes these calls fail until it is set to nothing again. */
  fail: { calls: (keyof Router)[]; id: RouterErrorId; what?: string } | undefined;
};

export function createMemoryRouter(): MemoryRouter {
  const router: MemoryRouter = {
    routesById: new Map(), certificatesById: new Map(), challenges: new Map(), calls: [], fail: undefined,
    switchTo: (route) => called("switchTo", route.id, () => {
      const holder = [...router.routesById.values()].find(({ id, hosts }) => id !== route.id && hosts.some((host) => route.hosts.includes(host)));
      if (holder) throw new RouterError("host_in_use", holder.hosts.find((host) => route.hosts.includes(host)) ?? "");
      router.routesById.set(route.id, structuredClone(route));
    }),
    drain: (ids) => called("drain", ids.join(), () => ({ cut: 0 })),
    remove: (id) => called("remove", id, () => void router.routesById.delete(id)),
    routes: () => called("routes", "", () => structuredClone([...router.routesById.values()])),
    putCertificate: (certificate) => called("putCertificate", certificate.id, () => void router.certificatesById.set(certificate.id, { ...certificate })),
    removeCertificate: (id) => called("removeCertificate", id, () => void router.certificatesById.delete(id)),
    certificates: () => called("certificates", "", () => [...router.certificatesById.values()].map(({ id, hosts, chain }) => ({ id, hosts, fingerprint: new X509Certificate(chain).fingerprint256 }))),
    putChallenge: (token, text) => called("putChallenge", token, () => void router.challenges.set(token, text)),
    removeChallenge: (token) => called("removeChallenge", token, () => void router.challenges.delete(token)),
    health: () => called("health", "", () => ({ pid: 1, port: 8080, tlsPort: null, uptimeMs: 1, inFlight: 0, version: "", http2Streams: 100, workers: [] })),
    upgrade: () => called("upgrade", "", () => ({ pid: 1 })),
  };

  async function called<T>(name: keyof Router, argument: string, work: () => T): Promise<T> {
    router.calls.push(`${name} ${argument}`.trim());
    if (router.fail?.calls.includes(name)) throw new RouterError(router.fail.id, router.fail.what ?? name);
    return work();
  }
  return router;
}
