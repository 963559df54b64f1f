/** Changes without a push: config vars, scale, rollback make a release; restart and stop replace dynos of the current one. */

import { applyConfigChange, describeConfigChange } from "../domain/config-vars.ts";
import { DEFAULT_SIZE, parseQuantity, type Formation } from "../domain/formation.ts";
import type { Release } from "../domain/model.ts";
import { shortVersion } from "../domain/source-version.ts";
import { shown } from "../domain/shown.ts";
import type { Dyno } from "../engine/engine.ts";
import { AppError, invalidParams, notFound } from "../errors.ts";
import { converge } from "./converge.ts";
import type { Output } from "./output.ts";
import type { Parts } from "./parts.ts";
import type { Pipeline } from "./pipeline.ts";
import { createRelease, currentTarget, launch, slugOf, type LaunchOptions, type ReleaseChange } from "./release.ts";

type Changes = Pick<Pipeline, "changeConfig" | "scale" | "releaseSlug" | "rollback" | "restart" | "stop">;

/** Release-phase output of a change has no pusher to read it. */
const NOBODY: Output = { write: () => undefined };

export function createChanges(parts: Parts): Changes {
  const { store, lock, engine } = parts;

  /** Derives the next release from the current one, under the app's lock; undefined when nothing would change. */
  const change = (app: Parameters<Changes["changeConfig"]>[0], derive: (current: Release) => Omit<ReleaseChange, "user"> | undefined, user: ReleaseChange["user"], options: LaunchOptions = {}): Promise<Release> =>
    lock.run(app.id, async () => {
      const current = currentTarget(parts, app);
      const next = derive(current.release);
      if (!next) return current.release;
      const target = createRelease(parts, app, { ...next, user });
      await launch(parts, target, NOBODY, options);
      return target.release;
    });

  return {
    changeConfig: (app, vars, user) =>
      change(app, (current) => {
        const config = applyConfigChange(current.config, vars);
        const description = describeConfigChange(current.config, config);
        return description === undefined ? undefined : { slug: slugOf(store, current), config, formation: current.formation, description };
      }, user),

    scale: (app, updates, user) =>
      change(app, (current) => {
        const formation = scaled(current.formation, updates);
        const description = describeScale(current.formation, formation);
        return description === undefined ? undefined : { slug: slugOf(store, current), config: current.config, formation, description };
      }, user, { releasePhase: false }),

    releaseSlug: (app, slug, description, user) =>
      change(app, (current) => {
        // Asked again under the lock: it may have been pruned meanwhile.
        const found = store.slugs.find(slug.id) ?? slug;
        if (found.prunedAt !== null) throw new AppError("no_slug", `This slug was removed on ${found.prunedAt}: only the last ${parts.config.slugsKept} are kept (PAAS_SLUGS_KEPT). Build that source again.`);
        return { slug: found, config: current.config, formation: current.formation, description: description ?? `Deploy ${shortVersion(found.commit)}` };
      }, user),

    rollback: (app, release, user) =>
      change(app, (current) => {
        const slug = slugOf(store, release);
        if (!slug) throw new AppError("no_slug", `v${release.version} has no slug to go back to: it was made before the first deploy.`);
        if (slug.prunedAt !== null) throw new AppError("no_slug", `The slug of v${release.version} was removed on ${slug.prunedAt}: only the last ${parts.config.slugsKept} are kept (PAAS_SLUGS_KEPT). Push that commit again.`);
        if (store.deployments.ofRelease(release.id)?.state === "failed") throw invalidParams(`release: v${release.version} failed and never served; choose one that did.`);
        return { slug, config: release.config, formation: current.formation, description: `Rollback to v${release.version}` };
      }, user),

    restart: (app, which) =>
      lock.run(app.id, async () => {
        const chosen = await select(engine, app.id, which);
        await converge(parts, currentTarget(parts, app), { stale: ({ id }) => chosen.has(id) });
      }),

    stop: (app, which) =>
      lock.run(app.id, async () => {
        const chosen = await select(engine, app.id, which);
        const target = currentTarget(parts, app);
        // The route loses them first, so that no request is sent to a dyno that ends; then the formation is made whole again.
        await converge(parts, target, { stale: ({ id }) => chosen.has(id), start: () => false });
        await converge(parts, target);
      }),
  };
}

/** Ids of the app's dynos that `which` names: all, a type, or one dyno by name or id. @throws AppError not_found */
async function select(engine: Parts["engine"], appId: string, which: string | undefined): Promise<Set<string>> {
  const matches = ({ id, name, type }: Dyno): boolean => which === undefined || which === name || which === type || which === id;
  const chosen = (await engine.dynos(appId)).filter(matches);
  if (chosen.length === 0 && which !== undefined) throw notFound("dyno", `Couldn't find that dyno: ${shown(which)}.`);
  return new Set(chosen.map(({ id }) => id));
}

function scaled(formation: Formation, updates: { type: string; quantity?: unknown; size?: unknown }[]): Formation {
  const next = structuredClone(formation);
  for (const { type, quantity, size } of updates) {
    const now = Object.hasOwn(next, type) ? next[type] : undefined;
    if (!now) throw notFound("process type", `Couldn't find that process type (${shown(type)}). The app has: ${Object.keys(formation).join(", ") || "none yet; push a version first"}.`);
    if (quantity !== undefined) now.quantity = parseQuantity(quantity, now.quantity, type);
    if (size !== undefined && size !== null && String(size).toLowerCase() !== DEFAULT_SIZE) throw invalidParams(`size of ${type}: only "${DEFAULT_SIZE}" is offered here.`);
  }
  return next;
}

/** `Scale web to 2, worker to 1`; undefined when nothing changes. */
function describeScale(before: Formation, after: Formation): string | undefined {
  const changed = Object.entries(after).filter(([type, { quantity }]) => before[type]?.quantity !== quantity);
  return changed.length === 0 ? undefined : `Scale ${changed.map(([type, { quantity }]) => `${type} to ${quantity}`).join(", ")}`;
}
