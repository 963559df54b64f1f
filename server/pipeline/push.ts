/** `git push`, read downward: build → release → release phase → converge. What the pusher reads is written here. */

import { randomUUID } from "node:crypto";
import { statfs } from "node:fs/promises";
import type { Environment } from "../domain/app-json.ts";
import { applyConfigChange } from "../domain/config-vars.ts";
import { appUrl } from "../domain/hostname.ts";
import type { App, Build, ConfigVars, Slug, User } from "../domain/model.ts";
import { AppError, publicMessage } from "../errors.ts";
import { build, BuildFailed } from "./build.ts";
import type { BuildLogs } from "./build-log.ts";
import type { Target } from "./converge.ts";
import { runPostdeploy, setUp } from "./first-deploy.ts";
import { readManifest } from "./manifest.ts";
import { detail, inParagraphs, problem, tee, type Output } from "./output.ts";
import type { Parts } from "./parts.ts";
import { createRelease, currentTarget, forgetSlug, launch } from "./release.ts";
import { discardImage } from "./slug-image.ts";
import type { Source } from "./source.ts";
import { createStopwatch, type Stopwatch } from "./stopwatch.ts";

export type Push = {
  app: App;
  user: User;
  branch: string;
  source: Source;
  /** As which app.json is to be seen, where the app is not the real one. */
  environment?: Environment;
};

export type Pusher = {
  /** True when the pushed version serves. Never throws: the reason of a false is written to the output. */
  push(push: Push, output: Output, signal: AbortSignal): Promise<boolean>;
  runningBuild(appId: string): Build | undefined;
};

type Paragraphs = ReturnType<typeof inParagraphs>;

export function createPusher(parts: Parts, logs: BuildLogs): Pusher {
  const running = new Map<string, Build>();

  return {
    runningBuild: (appId) => running.get(appId),

    async push(push, pusherOutput, signal) {
      const { app } = push;
      const before = running.get(app.id);
      if (before) {
        problem(pusherOutput, `Push rejected, build ${before.id.slice(0, 8)} of ${app.name} is already running since ${before.createdAt}.\nWait for it to end and push again.`);
        return false;
      }
      const at = parts.now();
      const row: Build = { id: randomUUID(), appId: app.id, status: "pending", commit: push.source.commit, buildpack: null, slugId: null, releaseId: null, userId: push.user.id, reason: null, createdAt: at, updatedAt: at };
      running.set(app.id, row);
      const log = logs.open(row.id);
      const output = inParagraphs(tee(pusherOutput, log));
      try {
        await deploy(parts, push, row, output, signal);
        return true;
      } catch (error) {
        explain(parts, push, row, output, error);
        return false;
      } finally {
        running.delete(app.id);
        await log.close();
      }
    },
  };
}

async function deploy(parts: Parts, push: Push, row: Build, output: Paragraphs, signal: AbortSignal): Promise<void> {
  const { store, lock, log } = parts;
  const { app } = push;
  const stopwatch = createStopwatch();
  store.builds.insert(row);
  await assertDiskSpace(parts);
  const { slug, env } = await watched(parts, push, row, () => buildSlug(parts, push, row, output, stopwatch, signal));

  const target = await lock.run(app.id, async () => {
    const target = await recordRelease(parts, push, row, slug, env);
    stopwatch.lap("release");
    await launch(parts, target, output, { stopwatch, signal }).catch(async (error: unknown) => {
      await forgetSlug(parts, target);
      throw error;
    });
    Object.assign(row, { status: "succeeded", updatedAt: parts.now() });
    store.builds.update(row);
    detail(output, `Released v${target.release.version}`);
    if (target.release.formation["web"] !== undefined) detail(output, `${appUrl(app.name, parts.config, parts.routerPort())} deployed to paas`);
    log.info({ app: app.name, release: `v${target.release.version}`, stages: stopwatch.stages() }, "deploy succeeded");
    return target;
  });
  // Outside the lock: the app must be looked after while the script works.
  if (env !== undefined) await runPostdeploy(parts, target, output);
  output.blank();
  output.write("Verifying deploy... done.\n");
}

/** @returns the slug, and what the app's first release adds to its config vars; undefined where it has been released before */
async function buildSlug(parts: Parts, { app, source, environment }: Push, row: Build, output: Output, stopwatch: Stopwatch, signal: AbortSignal): Promise<{ slug: Slug; env: ConfigVars | undefined }> {
  const appJson = await readManifest(source, environment);
  stopwatch.lap("read source");
  const current = currentTarget(parts, app);
  const env = current.slug === undefined ? setUp(current, appJson, output) : undefined;
  const slug = await build(parts, app, row, source, appJson, withFirst(env, current.release.config), output, stopwatch, signal);
  return { slug, env };
}

/** Tells of the build's beginning and its end. */
async function watched<Built>({ events }: Parts, { app, user }: Push, row: Build, work: () => Promise<Built>): Promise<Built> {
  const ended = (succeeded: boolean): void => events.emit({ kind: "build_ended", appId: app.id, build: row, succeeded });
  events.emit({ kind: "build_started", appId: app.id, build: row, user });
  try {
    const built = await work();
    ended(true);
    return built;
  } catch (error) {
    ended(false);
    throw error;
  }
}

/** Writes slug, release and build in one step. An image that no row names must not stay. */
async function recordRelease(parts: Parts, { app, user }: Push, row: Build, slug: Slug, env: ConfigVars | undefined): Promise<Target> {
  const { store } = parts;
  try {
    const { config: current, formation } = currentTarget(parts, app).release;
    return store.transaction(() => {
      const target = createRelease(parts, app, { slug, config: withFirst(env, current), formation, description: `Deploy ${slug.commit.slice(0, 8)}`, user });
      Object.assign(row, { slugId: slug.id, releaseId: target.release.id, buildpack: slug.buildpack });
      store.builds.update(row);
      return target;
    });
  } catch (error) {
    await discardImage(parts, slug.image);
    throw error;
  }
}

/** What is set already wins over what app.json asks for. @throws AppError invalid_params: it is too much together */
function withFirst(env: ConfigVars | undefined, current: ConfigVars): ConfigVars {
  return env === undefined ? current : applyConfigChange(env, current);
}

/** Tells pusher and log why, and writes it down. */
function explain({ store, log, now }: Parts, { app }: Push, row: Build, output: Paragraphs, error: unknown): void {
  const reason = publicMessage(error);
  const known = error instanceof AppError;
  output.blank();
  if (!(error instanceof BuildFailed)) problem(output, reason);
  output.blank();
  problem(output, `Push rejected to ${app.name}.${known ? "" : " The platform's log has the cause."}`);
  log[known ? "info" : "error"]({ app: app.name, build: row.id, ...(known ? { id: error.id } : {}), err: known ? error.cause : error }, "deploy failed");
  try {
    Object.assign(row, { status: "failed", reason, updatedAt: now() });
    store.builds.update(row);
  } catch (err) {
    log.error({ app: app.name, build: row.id, err }, "the failed build could not be written down");
  }
}

/** @throws AppError disk_full before anything was started. */
async function assertDiskSpace({ config, engine }: Parts): Promise<void> {
  const data = await statfs(config.dataDir);
  const free = Math.min(data.bavail * data.bsize, (await engine.freeDiskBytes()) ?? Infinity);
  if (free < config.minFreeDiskMb * 1024 * 1024)
    throw new AppError("disk_full", `The disk is nearly full: ${Math.floor(free / 1024 / 1024)} MB are free, a build needs ${config.minFreeDiskMb} MB (PAAS_MIN_FREE_DISK_MB). Free some space and push again.`);
}
