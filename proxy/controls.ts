/** What can be asked of a router over its control socket. */

import type { ServedCertificate } from "./certificate.ts";
import type { Challenge } from "./member.ts";
import type { RouteAuthority } from "./route-authority.ts";
import type { Route } from "./route.ts";

export type Health = { pid: number; port: number; tlsPort: number | null; uptimeMs: number; inFlight: number };

/** What the control socket drives: see `Router` in client.ts. */
export type Controlled = {
  switchTo(value: unknown): Promise<void>;
  drain(targetIds: string[], timeoutMs: number): Promise<{ cut: number }>;
  remove(routeId: string): Promise<void>;
  routes(): Route[];
  putCertificate(value: unknown): Promise<void>;
  removeCertificate(id: string): Promise<void>;
  certificates(): ServedCertificate[];
  putChallenge(challenge: Challenge): Promise<void>;
  removeChallenge(token: string): Promise<void>;
  health(): Promise<Health>;
};

/** The calls of the control socket, on an authority. */
export function controls(authority: RouteAuthority, port: number, tlsPort: number | null): Controlled {
  const startedAt = performance.now();
  return {
    switchTo: (value) => authority.switchTo(value),
    drain: (targetIds, timeoutMs) => authority.drain(targetIds, timeoutMs),
    remove: (routeId) => authority.remove(routeId),
    routes: () => authority.routes(),
    putCertificate: (value) => authority.putCertificate(value),
    removeCertificate: (id) => authority.removeCertificate(id),
    certificates: () => authority.certificates(),
    putChallenge: (challenge) => authority.putChallenge(challenge),
    removeChallenge: (token) => authority.removeChallenge(token),
    health: async () => ({ pid: process.pid, port, tlsPort, uptimeMs: Math.round(performance.now() - startedAt), inFlight: await authority.inFlight() }),
  };
}
