/** A release: written once, then brought to life. Push, config change, scale and rollback all come through here. */

import { randomUUID } from "node:crypto";
import { nextFormation, type Formation } from "../domain/formation.ts";
import type { App, ConfigVars, Deployment, Release, Slug, User } from "../domain/model.ts";
import { AppError, notFound, publicMessage } from "../errors.ts";
import { converge, type Target } from "./converge.ts";
import { dynoSpec } from "./dyno-spec.ts";
import { topic, type Output } from "./output.ts";
import type { Parts } from "./parts.ts";
import { runToEnd } from "./run-to-end.ts";
import { discardImage } from "./slug-image.ts";
import type { Stopwatch } from "./stopwatch.ts";

export type ReleaseChange = {
  slug: Slug | undefined;
  config: ConfigVars;
  formation: Formation;
  description: string;
  user: User;
};

export type LaunchOptions = {
  stopwatch?: Stopwatch;
  signal?: AbortSignal;
  /** False where code and config stay as they are: a scaling. */
  releasePhase?: boolean;
};

/**
 * The release that serves, with all that it stands for. Every app has one from birth.
 * @throws AppError not_found when the app is gone.
 */
export function currentTarget({ store }: Pick<Parts, "store">, app: App): Target {
  const deployment = store.deployments.current(app.id);
  const release = deployment && store.releases.find(deployment.releaseId);
  // Destroyed while its turn at the lock was awaited: until then every app has a current release.
  if (!deployment || !release) throw notFound("app");
  return { app, deployment, release, slug: slugOf(store, release) };
}

/**
 * Writes the app's next release and its deployment, pending. Synchronous: call it in a transaction to add more.
 * @throws SqliteError when another deployment of the app is running: the app's lock must be held.
 */
export function createRelease({ store, now }: Pick<Parts, "store" | "now">, app: App, change: ReleaseChange): Target {
  const at = now();
  return store.transaction(() => {
    if (change.slug && !store.slugs.find(change.slug.id)) store.slugs.insert(change.slug);
    const release = store.releases.insert({
      id: randomUUID(), appId: app.id, slugId: change.slug?.id ?? null, config: change.config,
      formation: change.slug ? nextFormation(Object.keys(change.slug.processTypes), change.formation, change.slug.appJson.formation) : change.formation,
      description: change.description, userId: change.user.id, commit: change.slug?.commit ?? null, createdAt: at,
    });
    const deployment: Deployment = { id: randomUUID(), appId: app.id, releaseId: release.id, state: "pending", reason: null, createdAt: at, updatedAt: at };
    store.deployments.insert(deployment);
    store.apps.touch(app.id, at);
    return { app, deployment, release, slug: change.slug };
  });
}

/**
 * Brings a pending release to life: release phase, converge. The failure is written down and thrown on.
 * @throws AppError release_phase_failed, deploy_failed, engine_unavailable, router_unavailable: the release before it serves on.
 */
export async function launch(parts: Parts, target: Target, output: Output, options: LaunchOptions = {}): Promise<{ discarded: Promise<void> }> {
  const { store, now, events } = parts;
  const { app, release } = target;
  let deployment = target.deployment;
  events.emit({ kind: "release_created", appId: app.id, release, email: store.users.find(release.userId)?.email ?? "" });
  try {
    if (options.releasePhase !== false && target.slug?.processTypes["release"] !== undefined) {
      deployment = store.deployments.move(deployment, "releasing", now());
      await runReleasePhase(parts, { ...target, deployment }, output, options.signal);
      options.stopwatch?.lap("release phase");
    }
    topic(output, "Launching...");
    deployment = store.deployments.move(deployment, "starting", now());
    const result = await converge(parts, { ...target, deployment }, options);
    events.emit({ kind: "release_current", appId: app.id, release });
    // The engine keeps an image while a dyno of it exists, so the old dynos go first.
    void result.discarded.then(() => prune(parts, target.app)).catch((error: unknown) => parts.log.warn({ app: target.app.name, err: error }, "old slugs are left for the next look"));
    return result;
  } catch (error) {
    const state = store.deployments.find(deployment.id)?.state;
    if (state === "releasing" || state === "starting" || state === "pending") store.deployments.move({ ...deployment, state }, "failed", now(), publicMessage(error));
    events.emit({ kind: "release_failed", appId: app.id, release, reason: publicMessage(error) });
    throw error;
  }
}

/** Runs the `release` process once, in the new image with the new config, before anything new starts (devcenter: release-phase). */
async function runReleasePhase(parts: Parts, { app, release, slug }: Target, output: Output, signal: AbortSignal | undefined): Promise<void> {
  if (!slug) return;
  topic(output, "Running release command...");
  const spec = dynoSpec(app, release, slug, "release", release.version, parts.config.limits.dynoMemoryMb);
  parts.events.emit({ kind: "release_command_started", appId: app.id, release, command: spec.command });
  const failed = await runToEnd(parts, spec, output, signal);
  if (failed !== undefined) throw new AppError("release_phase_failed", `The release command ${failed}.`);
}

/** A slug that never served is of no use to anybody: its image goes. */
export async function forgetSlug({ store, engine, log, now }: Parts, { app, deployment, slug }: Target): Promise<void> {
  if (!slug || store.deployments.find(deployment.id)?.state !== "failed") return;
  store.slugs.markPruned(slug.id, now());
  await discardImage({ store, engine }, slug.image).catch((err: unknown) => log.warn({ app: app.name, err }, "the image of a failed release is left for the next look"));
}

/** Removes the images of slugs that no recent release uses. */
async function prune({ store, engine, config, now }: Parts, app: App): Promise<void> {
  const slugs = store.slugs.beyond(app.id, config.slugsKept + 1);
  // All at once, before anything is awaited: a rollback then either finds the slug or finds it gone.
  for (const { id } of slugs) store.slugs.markPruned(id, now());
  for (const { image } of slugs) await discardImage({ store, engine }, image);
}

/** A release's slug. */
export function slugOf(store: Parts["store"], release: Release): Slug | undefined {
  return release.slugId === null ? undefined : store.slugs.find(release.slugId);
}
