/** What serves requests, and how it is told of changes: this very process, a worker, or a predecessor that still finishes. */

import type { Certificate } from "./certificate.ts";
import type { Route } from "./route.ts";

/** An answer to ACME's http-01 challenge (RFC 8555 8.3). */
export type Challenge = { token: string; text: string };

/** Everything that is in force. */
export type Standing = { routes: Route[]; certificates: Certificate[]; challenges: Challenge[] };

/** One step from what is in force to what is next, checked already. */
export type Change =
  | { kind: "putRoute"; route: Route }
  | { kind: "removeRoute"; id: string }
  | { kind: "putCertificate"; certificate: Certificate }
  | { kind: "removeCertificate"; id: string }
  | { kind: "putChallenge"; challenge: Challenge }
  | { kind: "removeChallenge"; token: string };

/** None of these rejects: a member that is gone is done. */
export type Member = {
  /** Resolves when every request and handshake from now on follows the change. */
  apply(change: Change): Promise<void>;
  /** Resolves when nothing is in flight on the targets; after `timeoutMs` it is cut. Returns how many were. */
  drain(targetIds: string[], timeoutMs: number): Promise<number>;
  /** Requests in flight. */
  inFlight(): Promise<number>;
};
