/** `git push`, or a build of an archive, read downward: tests → build → release → release phase → converge. What the pusher reads is written here. */

import type { Environment } from "../domain/app-json.ts";
import type { Buildpack } from "../domain/buildpack.ts";
import { applyConfigChange } from "../domain/config-vars.ts";
import { appUrl } from "../domain/hostname.ts";
import type { App, Build, ConfigVars, Slug, User } from "../domain/model.ts";
import { shortVersion } from "../domain/source-version.ts";
import { AppError, publicMessage } from "../errors.ts";
import { build, BuildFailed } from "./build.ts";
import type { BuildQueue } from "./build-queue.ts";
import type { Target } from "./converge.ts";
import { runPostdeploy, setUp } from "./first-deploy.ts";
import { readManifest } from "./manifest.ts";
import { detail, problem, topic, type inParagraphs, type Output } from "./output.ts";
import type { Parts } from "./parts.ts";
import { createRelease, currentTarget, forgetSlug, launch } from "./release.ts";
import { discardImage } from "./slug-image.ts";
import type { Source } from "./source.ts";
import { createStopwatch, type Stopwatch } from "./stopwatch.ts";
import type { TestGate } from "./test-gate.ts";

export type Push = {
  app: App;
  user: User;
  branch: string;
  source: Source;
  /** When its upload began. */
  startedAt?: string;
  /** As which app.json is to be seen, where the app is not the real one. */
  environment?: Environment;
};

/** What is to be deployed: a push, or something else whose source is to be got first. */
export type Delivery = Pick<Push, "app" | "user" | "environment"> & Partial<Pick<Push, "branch" | "startedAt">> & {
  /** Long work is told to the output. @throws AppError */
  open(output: Output, signal: AbortSignal): Promise<Source>;
  /** In place of those that the app or its source asks for, this once. */
  buildpacks?: Buildpack[] | undefined;
};

/** What a build passes before and while it builds. */
type Gates = { tests: Pick<TestGate, "pass">; queue: BuildQueue };

export type Paragraphs = ReturnType<typeof inParagraphs>;

/**
 * Tests, builds, releases and converges; resolves when that version serves. The build's row is there already.
 * @throws AppError, BuildFailed: nothing but the row is left of it, and what served before serves on
 */
export async function deploy(parts: Parts, { tests, queue }: Gates, delivery: Delivery, row: Build, output: Paragraphs, signal: AbortSignal): Promise<void> {
  const { store, lock, log } = parts;
  const { app } = delivery;
  const stopwatch = createStopwatch(delivery.startedAt);
  if (delivery.startedAt !== undefined) stopwatch.lap("receive");
  const inTurn = (): ReturnType<typeof buildSlug> => {
    stopwatch.lap("wait for other builds");
    return buildSlug(parts, tests, delivery, row, output, stopwatch, signal);
  };
  const tellPlace = (place: number): void => topic(output, `Waiting for other builds: number ${place} in line...`);
  const { slug, env } = await watched(parts, delivery, row, () => queue.run(inTurn, tellPlace, signal));

  const target = await lock.run(app.id, async () => {
    const target = await recordRelease(parts, delivery, row, slug, env);
    stopwatch.lap("release");
    await launch(parts, target, output, { stopwatch, signal }).catch(async (error: unknown) => {
      await forgetSlug(parts, target);
      throw error;
    });
    Object.assign(row, { status: "succeeded", updatedAt: parts.now() });
    store.builds.update(row);
    detail(output, `Released v${target.release.version}`);
    if (target.release.formation["web"] !== undefined) detail(output, `${appUrl(app.name, parts.config, parts.routerPort())} deployed to paas`);
    log.info({ app: app.name, release: `v${target.release.version}`, startedAt: delivery.startedAt, stages: stopwatch.stages() }, "deploy succeeded");
    return target;
  });
  // Outside the lock: the app must be looked after while the script works.
  if (env !== undefined) await runPostdeploy(parts, target, output);
  output.blank();
  output.write("Verifying deploy... done.\n");
  // Whoever pushes once often pushes again soon.
  if (slug.buildpacks.length > 0) void parts.engine.prepareBuild({ appId: app.id, lastBuildpacks: slug.buildpacks, lastImage: slug.image, memoryMb: parts.config.limits.buildMemoryMb });
}

/** @returns the slug, and what the app's first release adds to its config vars; undefined where it has been released before */
async function buildSlug(parts: Parts, tests: Pick<TestGate, "pass">, { app, user, branch, environment, open, buildpacks }: Delivery, row: Build, output: Output, stopwatch: Stopwatch, signal: AbortSignal): Promise<{ slug: Slug; env: ConfigVars | undefined }> {
  const source = await open(output, signal);
  row.commit = source.commit;
  const appJson = await readManifest(source, environment);
  stopwatch.lap("read source");
  const current = currentTarget(parts, app);
  const env = current.slug === undefined ? setUp(current, appJson, output) : undefined;
  const input = { source, appJson, config: withFirst(env, current.release.config), last: current.slug, buildpacks };
  // A gate for what is to serve in earnest: review apps are there to look at what may not be well yet.
  if (branch !== undefined && environment === undefined) await tests.pass({ app, user, branch, ...input }, output, stopwatch, signal);
  return { slug: await build(parts, app, row, input, output, stopwatch, signal), env };
}

/** Tells of the build's beginning and its end. */
async function watched<Built>({ events }: Parts, { app, user }: Delivery, row: Build, work: () => Promise<Built>): Promise<Built> {
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
async function recordRelease(parts: Parts, { app, user }: Delivery, row: Build, slug: Slug, env: ConfigVars | undefined): Promise<Target> {
  const { store } = parts;
  try {
    const { config: current, formation } = currentTarget(parts, app).release;
    return store.transaction(() => {
      const target = createRelease(parts, app, { slug, config: withFirst(env, current), formation, description: `Deploy ${shortVersion(slug.commit)}`, user });
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

/** Tells whoever waits and the log why, and writes it down. @param rejection what it comes to, such as `Push rejected to myapp.` */
export function explain({ store, log, now }: Parts, app: App, rejection: string, row: Build, output: Paragraphs, error: unknown): void {
  const reason = publicMessage(error);
  const known = error instanceof AppError;
  output.blank();
  if (!(error instanceof BuildFailed)) problem(output, reason);
  output.blank();
  problem(output, `${rejection}${known ? "" : " The platform's log has the cause."}`);
  log[known ? "info" : "error"]({ app: app.name, build: row.id, ...(known ? { id: error.id } : {}), err: known ? error.cause : error }, "deploy failed");
  try {
    Object.assign(row, { status: "failed", reason, updatedAt: now() });
    store.builds.update(row);
  } catch (err) {
    log.error({ app: app.name, build: row.id, err }, "the failed build could not be written down");
  }
}
