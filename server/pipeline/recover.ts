/** What a start finds: deployments and builds cut off by a crash are finished or written off, then every app converges. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Deployment } from "../domain/model.ts";
import type { Route } from "../../proxy/route.ts";
import { deploymentOfRoute } from "./app-route.ts";
import { converge } from "./converge.ts";
import { sweepImages } from "./discard.ts";
import type { Parts } from "./parts.ts";
import { currentTarget } from "./release.ts";
import { serveCertificates } from "./served-certificates.ts";

const AT_ONCE = 4;
const PATIENCE_MS = 5000;
const CUT_OFF = "Interrupted: the control plane stopped in the middle of it.";

/**
 * Brings rows, router and engine back together. Where they disagree the router's live targets win: those requests are being served.
 * @throws AppError engine_unavailable, router_unavailable: nothing is decided without either; call again.
 */
export async function recover(parts: Parts): Promise<void> {
  const { store, engine, router, lock, log } = parts;
  const routes = await router.routes();
  for (const deployment of store.deployments.running()) settle(parts, deployment, routes);
  for (const build of store.builds.pending()) {
    const serves = build.releaseId !== null && store.deployments.ofRelease(build.releaseId)?.state === "current";
    store.builds.update({ ...build, status: serves ? "succeeded" : "failed", reason: serves ? null : CUT_OFF, updatedAt: parts.now() });
  }

  for (const run of store.testRuns.open()) store.testRuns.update({ ...run, status: "errored", reason: CUT_OFF, updatedAt: parts.now() });

  const apps = store.apps.list();
  const appIds = new Set(apps.map(({ id }) => id));
  for (const { id } of routes) if (!appIds.has(id)) await router.remove(id);
  // A certificate that the router refuses keeps nothing from starting: the supervisor tries again, and says so.
  await serveCertificates(parts).catch((error: unknown) => log.warn({ err: error }, "the router does not have all certificates"));
  await engine.sweep(appIds);
  await sweepImages(parts);

  const queue = [...apps];
  const converged = Array.from({ length: AT_ONCE }, async () => {
    for (let app = queue.shift(); app; app = queue.shift()) {
      const { id, name } = app;
      const work = async (): Promise<unknown> => {
        const found = store.apps.find(id);
        return found && converge(parts, currentTarget(parts, found));
      };
      await lock.run(id, work).catch((error: unknown) => log.warn({ app: name, err: error }, "app did not come up; the supervisor goes on trying"));
    }
  });
  // An app that boots slowly, or never, shall not keep the others' owners from working: it goes on under its lock.
  await Promise.race([Promise.all(converged), sleep(PATIENCE_MS, undefined, { ref: false })]);
}

function settle({ store, log, now }: Parts, deployment: Deployment, routes: Route[]): void {
  const flipped = routes.some((route) => deploymentOfRoute(route) === deployment.id);
  if (flipped) store.deployments.makeCurrent(deployment.state === "starting" ? deployment : store.deployments.move(deployment, "starting", now()), now());
  else store.deployments.move(deployment, "failed", now(), CUT_OFF);
  log.warn({ deployment: deployment.id, outcome: flipped ? "current" : "failed" }, "a deployment was cut off");
}
