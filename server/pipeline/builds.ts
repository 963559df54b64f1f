/** Builds that run: one of an app at a time, each with its log and with the switch that breaks it off. */

import { randomUUID } from "node:crypto";
import type { App, Build, SourceBlob, User } from "../domain/model.ts";
import { AppError, notFound } from "../errors.ts";
import type { BuildLogs } from "./build-log.ts";
import { createBuildQueue } from "./build-queue.ts";
import { assertDiskSpace } from "./disk-space.ts";
import { inParagraphs, problem, tee, type Output } from "./output.ts";
import type { Parts } from "./parts.ts";
import { deploy, explain, type Delivery, type Push } from "./push.ts";
import type { TestGate } from "./test-gate.ts";

/** An archive that is to be built. */
export type ArchiveBuild = Delivery & {
  /** What its sender calls it; empty: its checksum will stand for it. */
  version: string;
  sourceBlob: SourceBlob;
  /** Called when the build has ended, whatever came of it. */
  ended(): Promise<void>;
};

export type Builds = {
  /** True when the pushed version serves. Never throws: the reason of a false is written to the output. */
  push(push: Push, output: Output, signal: AbortSignal): Promise<boolean>;
  /** Begins to build, release and converge an archive, and goes on by itself. @throws AppError deploy_in_progress, shutting_down */
  buildArchive(order: ArchiveBuild): Build;
  /** Breaks the build off, a push's too; resolves when it has ended. @throws AppError conflict when it has ended already */
  cancelBuild(build: Build, user: User): Promise<void>;
  /** Has the next build make everything anew; one that comes meanwhile waits. @throws AppError deploy_in_progress, not_found, engine_unavailable */
  purgeBuildCache(app: App): Promise<void>;
  /** Whether a build of an archive that runs came to serve. */
  awaitBuild(build: Build): Promise<boolean>;
  runningBuild(appId: string): Build | undefined;
  /** Starts no more archives, gives those that run `graceMs`, then breaks them off. */
  closeBuilds(graceMs: number): Promise<void>;
};

type Order = Delivery & Pick<ArchiveBuild, "version"> & {
  sourceBlob: SourceBlob | null;
  /** What a failure comes to, such as `Push rejected to myapp.` */
  rejection: string;
};

type Running = { build: Build; stop: AbortController; done: Promise<boolean> };

export function createBuilds(parts: Parts, logs: BuildLogs, tests: Pick<TestGate, "pass" | "deployEnded">): Builds {
  const queue = createBuildQueue(parts.config.builds);
  const running = new Map<string, Running>();
  const archives = new Set<Running>();
  /** Build caches that are being emptied, by app. */
  const purges = new Map<string, Promise<void>>();
  let closed = false;

  const assertNoneRuns = ({ id, name }: App): void => {
    const before = running.get(id)?.build;
    if (before) throw new AppError("deploy_in_progress", `Build ${before.id} of ${name} is running since ${before.createdAt}. Wait for it to end, or cancel it.`);
  };

  /** Never throws; the row is written when it returns. */
  function begin(order: Order, listener: Output | undefined, signals: AbortSignal[]): Running {
    const { app, user, version, sourceBlob } = order;
    const at = parts.now();
    const build: Build = { id: randomUUID(), appId: app.id, status: "pending", commit: version, sourceBlob, buildpack: null, slugId: null, releaseId: null, userId: user.id, reason: null, createdAt: at, updatedAt: at };
    const stop = new AbortController();
    const log = logs.open(build.id);
    const output = inParagraphs(listener ? tee(listener, log) : log);
    const work = async (): Promise<boolean> => {
      try {
        parts.store.builds.insert(build);
        await purges.get(app.id);
        await assertDiskSpace(parts);
        const signal = AbortSignal.any([stop.signal, ...signals]);
        const reviewed: Order = parts.store.reviewApps.ofApp(app.id) ? { ...order, environment: "review" } : order;
        await deploy(parts, { tests, queue }, reviewed, build, output, signal);
        return true;
      } catch (error) {
        explain(parts, app, order.rejection, build, output, error);
        return false;
      } finally {
        running.delete(app.id);
        void tests.deployEnded(app);
        await log.close();
      }
    };
    const begun: Running = { build, stop, done: Promise.resolve(false) };
    running.set(app.id, begun);
    begun.done = work();
    return begun;
  }

  return {
    runningBuild: (appId) => running.get(appId)?.build,

    async push(push, output, signal) {
      const { app, source } = push;
      const before = running.get(app.id)?.build;
      if (before) {
        problem(output, `Push rejected, build ${before.id.slice(0, 8)} of ${app.name} is already running since ${before.createdAt}.\nWait for it to end and push again.`);
        return false;
      }
      return begin({ ...push, version: source.commit, sourceBlob: null, rejection: `Push rejected to ${app.name}.`, open: async () => source }, output, [signal]).done;
    },

    buildArchive(order) {
      const { app } = order;
      if (closed) throw new AppError("shutting_down", "The control plane is stopping. Try again in a moment.");
      assertNoneRuns(app);
      const begun = begin({ ...order, rejection: `${app.name} was not deployed.` }, undefined, []);
      archives.add(begun);
      void begun.done.then(() => order.ended()).catch((err: unknown) => parts.log.warn({ app: app.name, err }, "a built archive is left for the next start")).finally(() => archives.delete(begun));
      return begun.build;
    },

    async cancelBuild(build, user) {
      const found = running.get(build.appId);
      if (found?.build.id !== build.id) throw new AppError("conflict", "This build has ended: there is nothing to cancel.");
      found.stop.abort(new AppError("build_failed", `The build was cancelled by ${user.email}.`));
      await found.done;
    },

    async purgeBuildCache(app) {
      assertNoneRuns(app);
      const purge = parts.lock.run(app.id, async () => {
        if (!parts.store.apps.find(app.id)) throw notFound("app");
        await parts.engine.purgeBuildCache(app.id);
        parts.log.info({ app: app.name }, "build cache emptied");
      });
      const ended = purge.catch(() => undefined);
      purges.set(app.id, ended);
      await purge.finally(() => (purges.get(app.id) === ended ? purges.delete(app.id) : undefined));
    },

    awaitBuild: async (build) => [...archives].find((one) => one.build.id === build.id)?.done ?? parts.store.builds.find(build.id)?.status === "succeeded",

    async closeBuilds(graceMs) {
      closed = true;
      const all = Promise.all([...archives].map(({ done }) => done));
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([all, new Promise((resolve) => (timer = setTimeout(resolve, graceMs)))]);
      clearTimeout(timer);
      for (const { stop } of archives) stop.abort(new AppError("shutting_down", "The control plane is stopping. What ran before still serves; start the build again in a moment."));
      await all;
    },
  };
}
