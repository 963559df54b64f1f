/** The one road to a new state: start what is missing, wait until it is healthy, flip, record, discard what is left over. */

import type { Route } from "../../proxy/route.ts";
import { startupChecks, type HealthCheck } from "../domain/app-json.ts";
import type { App, Deployment, Release, Slug } from "../domain/model.ts";
import { plan, type Wanted } from "../domain/plan.ts";
import type { Dyno } from "../engine/engine.ts";
import { AppError, publicMessage } from "../errors.ts";
import { appRoute, sameRoute } from "./app-route.ts";
import { discard } from "./discard.ts";
import { dynoSpec, wantedDynos, webPort } from "./dyno-spec.ts";
import type { DynoRef } from "./events.ts";
import { BootTimeout, untilHealthy } from "./health-check.ts";
import { checkName } from "./health-probe.ts";
import type { Parts } from "./parts.ts";
import type { Stopwatch } from "./stopwatch.ts";

/** A deployment with all that it stands for. */
export type Target = { app: App; deployment: Deployment; release: Release; slug: Slug | undefined };

export type ConvergeOptions = {
  /** Dynos to replace although they match: a restart. */
  stale?: (dyno: Dyno) => boolean;
  /** Which missing dynos to start now; all, when not given. Crashed ones wait their time. */
  start?: (wanted: Wanted) => boolean;
  stopwatch?: Stopwatch;
  signal?: AbortSignal | undefined;
};

/**
 * Makes what runs what the release asks for. Idempotent: where all is as wanted it changes nothing.
 * Until the flip any failure throws away only what was started here; the dynos that serve are not touched.
 * Resolves once the release serves, with the promise of the old dynos' end, which may take the drain and the grace time.
 * @throws AppError deploy_failed, engine_unavailable: traffic did not move; router_unavailable: it may have, and nothing was thrown away.
 */
export async function converge(parts: Parts, target: Target, options: ConvergeOptions = {}): Promise<{ discarded: Promise<void> }> {
  const { engine, config } = parts;
  const routes = await parts.router.routes();
  const live = new Set(routes.flatMap(({ targets }) => targets.map(({ id }) => id)));
  const wanted = wantedDynos(target.release, target.slug, config.limits.dynoMemoryMb);
  const existing = (await engine.dynos(target.app.id)).filter(({ id }) => !parts.retiring.has(id));
  const { keep, start, discard: leftover } = plan(wanted, existing, live, options.stale);

  const started = await startAll(parts, target, start.filter(options.start ?? (() => true)), options);
  try {
    await switchTo(parts, target, [...keep, ...started], routes.find(({ id }) => id === target.app.id));
  } catch (error) {
    // A router that does not answer may have moved traffic all the same: nobody knows which dynos serve until it is asked again.
    if (!(error instanceof AppError && error.id === "router_unavailable")) await throwAway(parts, started);
    throw error;
  }
  options.stopwatch?.lap("flip");
  // From here on the new dynos serve: nothing below may take them down again.
  parts.store.deployments.makeCurrent(target.deployment, parts.now());
  parts.health.watch(target.app.id, target.slug?.appJson, [...keep, ...started]);
  const discarded = discard(parts, leftover).catch((error: unknown) => parts.log.error({ app: target.app.name, err: error }, "old dynos are left for the next look"));
  return { discarded };
}

/** Starts dynos side by side and waits until all are healthy. One that fails takes the others of this start with it. */
async function startAll(parts: Parts, { app, release, slug }: Target, start: { type: string; number: number }[], { signal, stopwatch }: ConvergeOptions): Promise<Dyno[]> {
  if (!slug || start.length === 0) return [];
  const failed = new AbortController();
  const either = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  const started: Dyno[] = [];
  const results = await Promise.allSettled(start.map(async ({ type, number }) => {
    const dynoRef = { appId: app.id, name: `${type}.${number}`, releaseVersion: release.version };
    try {
      parts.events.emit({ kind: "dyno_starting", dyno: dynoRef, command: slug.processTypes[type] ?? "" });
      const dyno = await parts.engine.startDyno(dynoSpec(app, release, slug, type, number, parts.config.limits.dynoMemoryMb));
      started.push(dyno);
      stopwatch?.lap(`start ${dyno.name}`);
      await untilHealthy(parts.engine, dyno, startupChecks(slug.appJson, type), parts.config.limits.bootSeconds, either, (check, error) => warn(parts, dynoRef, check, error), webPort(slug));
      stopwatch?.lap(`boot ${dyno.name}`);
      parts.events.emit({ kind: "dyno_up", dyno: dynoRef });
    } catch (error) {
      // One that another's failure interrupted did not fail itself.
      if (!either.aborted) parts.events.emit({ kind: "dyno_failed", dyno: dynoRef, bootSeconds: isBootTimeout(error) ? parts.config.limits.bootSeconds : undefined });
      failed.abort();
      throw error;
    }
  }));
  const failures = results.filter((result) => result.status === "rejected").map(({ reason }) => reason as unknown);
  if (failures.length === 0) return started;
  await throwAway(parts, started);
  // The first is the cause; the others were interrupted by it.
  throw failures.find((error) => !(error instanceof Error && error.message.includes("interrupted"))) ?? failures[0];
}

/** A check that only warns has failed. */
function warn({ events }: Parts, dyno: DynoRef, check: HealthCheck, error: unknown): void {
  const { type, attempts } = check;
  events.emit({ kind: "dyno_check", dyno, check: { type, name: checkName(check), warn: true }, failures: attempts, verdict: publicMessage(error) });
}

function isBootTimeout(error: unknown): boolean {
  return error instanceof BootTimeout || (error instanceof Error && error.cause instanceof BootTimeout);
}

/** Ends dynos that never served; they need no drain and no long grace. */
async function throwAway({ engine, log, events }: Parts, dynos: Dyno[]): Promise<void> {
  for (const dyno of dynos) events.emit({ kind: "dyno_stopping", dyno });
  await Promise.all(dynos.map((dyno) => engine.discardDyno(dyno.id, 2000).catch((error: unknown) => log.warn({ dyno: dyno.name, err: error }, "a dyno that failed is left for the next look"))));
}

/**
 * The web dynos that get requests: those that are ready. Where none is, all stay: a dyno that may answer badly beats none that answers, and a
 * check that fails everywhere tells more of itself, or of what all dynos stand on, than of each of them.
 */
function withRequests({ health }: Parts, dynos: Dyno[]): Dyno[] {
  const web = dynos.filter(({ type }) => type === "web");
  const ready = web.filter(({ id }) => health.isReady(id));
  return ready.length > 0 ? ready : web;
}

/** Points the router at the web dynos, unless it does that already. */
async function switchTo(parts: Parts, target: Target, dynos: Dyno[], before: Route | undefined): Promise<void> {
  const route = appRoute(parts, target, withRequests(parts, dynos));
  if (before && sameRoute(before, route)) return;
  await parts.router.switchTo(route);
}
