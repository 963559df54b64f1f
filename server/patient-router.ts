/** The router as the pipeline asks it: a router that is just being started again is waited for, and what fails is said in words. */

import { setTimeout as sleep } from "node:timers/promises";
import { RouterError, type Router } from "../proxy/client.ts";
import { AppError } from "./errors.ts";

const PATIENCE_MS = 10_000;
const PAUSE_MS = 50;

/**
 * Every call is one that may be made twice, so an answer that was lost is asked for again, never guessed.
 * @returns a router whose calls reject with AppError router_unavailable when it was away all the time, with RouterError when it refused.
 */
export function createPatientRouter(router: Router): Router {
  return {
    switchTo: (route) => ask(() => router.switchTo(route)),
    drain: (targetIds, timeoutMs) => ask(() => router.drain(targetIds, timeoutMs)),
    remove: (routeId) => ask(() => router.remove(routeId)),
    routes: () => ask(() => router.routes()),
    putCertificate: (certificate) => ask(() => router.putCertificate(certificate)),
    removeCertificate: (id) => ask(() => router.removeCertificate(id)),
    certificates: () => ask(() => router.certificates()),
    putChallenge: (token, text) => ask(() => router.putChallenge(token, text)),
    removeChallenge: (token) => ask(() => router.removeChallenge(token)),
    upgrade: (how) => router.upgrade(how),
    health: () => ask(() => router.health()),
  };
}

async function ask<T>(call: () => Promise<T>): Promise<T> {
  for (const until = performance.now() + PATIENCE_MS; ; await sleep(PAUSE_MS)) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof RouterError) || !["router_unreachable", "router_timeout"].includes(error.id)) throw error;
      if (performance.now() > until) throw new AppError("router_unavailable", "The router does not answer. It is started again by itself; try again in a moment.", { cause: error });
    }
  }
}
