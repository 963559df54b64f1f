/** Puts the pipeline's steps together. */

import { createAppLifecycle } from "./app-lifecycle.ts";
import type { BuildLogs } from "./build-log.ts";
import { createChanges } from "./changes.ts";
import { viewDynos } from "./dyno-view.ts";
import type { Parts } from "./parts.ts";
import type { Pipeline } from "./pipeline.ts";
import { createPusher } from "./push.ts";
import { currentTarget } from "./release.ts";
import type { Supervisor } from "./supervisor.ts";

export function createPipeline(parts: Parts, logs: BuildLogs, supervisor: Supervisor, removeRepository: (appId: string) => Promise<void>): Pipeline {
  const { store } = parts;
  return {
    ...createAppLifecycle(parts, logs, removeRepository),
    ...createPusher(parts, logs),
    ...createChanges(parts),
    dynos: (app) => viewDynos(parts, supervisor, app),
    current: (app) => currentTarget(parts, app).release,
    buildOutput: (build) => logs.read(build.id),
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
