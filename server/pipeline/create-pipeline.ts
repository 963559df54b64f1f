/** Puts the pipeline's steps together. */

import type { App } from "../domain/model.ts";
import { createAppLifecycle } from "./app-lifecycle.ts";
import type { BuildLogs } from "./build-log.ts";
import { createBuildpackChanges } from "./buildpack-changes.ts";
import { createBuilds } from "./builds.ts";
import { createChanges } from "./changes.ts";
import { converge } from "./converge.ts";
import { createDomainChanges } from "./domains.ts";
import { viewDynos } from "./dyno-view.ts";
import { createOneOffs } from "./one-offs.ts";
import type { Parts } from "./parts.ts";
import type { Pipeline } from "./pipeline.ts";
import { createPromotion } from "./promote.ts";
import { currentTarget } from "./release.ts";
import { createReviews } from "./review-apps.ts";
import type { Branches } from "./source.ts";
import { createEndpointChanges } from "./sni-endpoints.ts";
import type { Supervisor } from "./supervisor.ts";
import { createSwitches } from "./switches.ts";
import { createTestGate } from "./test-gate.ts";

export function createPipeline(parts: Parts, logs: BuildLogs, supervisor: Supervisor, removeRepository: (appId: string) => Promise<void>, branches: Branches): Pipeline {
  const { store } = parts;
  // A name or a switch never waits for dynos, nor fails with them: what runs stays as it is.
  const reroute = (app: App): Promise<unknown> => converge(parts, currentTarget(parts, store.apps.find(app.id) ?? app), { start: () => false });
  const changes = createChanges(parts);
  const oneOffs = createOneOffs(parts);
  const tests = createTestGate(parts, logs);
  const lifecycle = createAppLifecycle(parts, logs, removeRepository);
  const builds = createBuilds(parts, logs, tests);
  const reviews = createReviews(parts, { ...lifecycle, ...builds }, branches);
  return {
    oneOffs,
    reviews,
    ...lifecycle,
    ...builds,
    async destroyApp(app) {
      for (const review of store.reviewApps.list()) if (review.parentId === app.id) await reviews.discard(review);
      await lifecycle.destroyApp(app);
    },
    ...changes,
    ...createPromotion(parts),
    // A one-off dyno is never started anew: to restart it is to end it (devcenter: one-off-dynos).
    restart: async (app, which) => (which !== undefined && (await oneOffs.stop(app, which)) ? undefined : changes.restart(app, which)),
    stop: async (app, which) => ((await oneOffs.stop(app, which)) ? undefined : changes.stop(app, which)),
    ...createBuildpackChanges(parts),
    ...createDomainChanges(parts, reroute),
    ...createEndpointChanges(parts),
    ...createSwitches(parts, reroute),
    dynos: async (app) => (await Promise.all([viewDynos(parts, supervisor, app), oneOffs.list(app)])).flat(),
    current: (app) => currentTarget(parts, app).release,
    buildOutput: (build) => logs.read(build.id),
    testOutput: tests.testOutput,
    releaseStatus(release) {
      const deployment = store.deployments.ofRelease(release.id);
      const state = deployment?.state ?? "failed";
      const slug = release.slugId === null ? undefined : store.slugs.find(release.slugId);
      const served = state === "current" || state === "superseded";
      return {
        status: served ? "succeeded" : state === "failed" ? "failed" : "pending",
        current: state === "current",
        updatedAt: deployment?.updatedAt ?? release.createdAt,
        eligibleForRollback: served && slug !== undefined && slug.prunedAt === null,
      };
    },
  };
}
