/** Keeps what runs as it is wanted: a dyno that crashed or fails its liveness check is replaced, with patience; what nobody accounts for goes. */

import { countCrash, nextStart, type Crashes } from "../domain/backoff.ts";
import type { App } from "../domain/model.ts";
import { plan } from "../domain/plan.ts";
import { appRoute, sameSettings } from "./app-route.ts";
import { converge, type Target } from "./converge.ts";
import { sweepImages } from "./discard.ts";
import { wantedDynos } from "./dyno-spec.ts";
import type { Parts } from "./parts.ts";
import { currentTarget } from "./release.ts";
import { serveCertificates } from "./served-certificates.ts";

const LOOK_MS = 30_000;
/** After a look that failed, for engine or router did not answer, and after one that had to leave something. */
const RETRY_MS = 3000;

export type Supervisor = {
  /** @param alsoLook called whenever everything is looked at, for what else must be looked after now and then */
  start(alsoLook?: () => void): void;
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>;
  /** Whether the dyno of this name waits to be started again. */
  hasCrashed(appId: string, name: string): boolean;
};

/** What is known of a name such as web.1 since its last crash. A new deployment starts with a clean record. */
type Record = Crashes & { deploymentId: string; dueAt: number };

export function createSupervisor(parts: Parts): Supervisor {
  const { store, engine, router, lock, log, health } = parts;
  const records = new Map<string, Record>();
  const timers = new Map<string, NodeJS.Timeout>();
  const running = new Set<Promise<void>>();
  let stopWatching: (() => void) | undefined;
  let stopListening: (() => void) | undefined;
  let looking: NodeJS.Timeout | undefined;
  let stopped = false;
  let also: (() => void) | undefined;

  const key = (appId: string, name: string): string => `${appId}/${name}`;

  const track = (work: Promise<void>, app: string | undefined): void => {
    const settled = work.catch((error: unknown) => log.warn({ app, err: error }, "could not bring dynos to what is wanted; trying again soon")).finally(() => running.delete(settled));
    running.add(settled);
  };

  const heal = (appId: string, died?: string): void => {
    if (stopped) return;
    const work = lock.run(appId, () => healApp(appId, died)).catch((error: unknown) => {
      wakeUp(appId, RETRY_MS);
      throw error;
    });
    track(work, appId);
  };

  async function healApp(appId: string, died: string | undefined): Promise<void> {
    const app = store.apps.find(appId);
    if (!app || stopped) return;
    const target = currentTarget(parts, app);
    const existing = (await engine.dynos(appId)).filter(({ id }) => !parts.retiring.has(id));
    const crashed = existing.find(({ id }) => id === died);
    // First the route loses what is dead; only then is time spent on starting anything.
    await converge(parts, target, { start: () => false });
    // One that fails its liveness check serves on, as well as it can, until another stands in its place.
    const missing = plan(wantedDynos(target.release, target.slug, parts.config.limits.dynoMemoryMb), existing, new Set(), ({ id }) => health.isFailing(id)).start;
    if (crashed && missing.some(({ type, number, fingerprint }) => crashed.name === `${type}.${number}` && crashed.fingerprint === fingerprint)) {
      parts.events.emit({ kind: "dyno_crashed", dyno: crashed });
      recordCrash(target, crashed.name, "dyno crashed");
    }

    for (const { type, number } of missing) {
      const name = `${type}.${number}`;
      const wait = dueIn(target, name);
      if (wait > 0) {
        wakeUp(appId, wait);
        continue;
      }
      try {
        await converge(parts, target, { start: (wanted) => wanted.type === type && wanted.number === number, stale: (dyno) => dyno.name === name && health.isFailing(dyno.id) });
        log.info({ app: app.name, dyno: name }, "dyno started");
      } catch (error) {
        log.warn({ app: app.name, dyno: name, err: error }, "dyno did not come up");
        recordCrash(target, name, "dyno crashed while starting");
        wakeUp(appId, Math.max(0, dueIn(target, name)));
      }
    }
  }

  function recordCrash({ app, deployment }: Target, name: string, message: string): void {
    const before = records.get(key(app.id, name));
    const crashes = countCrash(before?.deploymentId === deployment.id ? before : undefined, performance.now());
    const dueAt = nextStart(crashes, Math.random());
    records.set(key(app.id, name), { ...crashes, deploymentId: deployment.id, dueAt });
    log.warn({ app: app.name, dyno: name, crashes: crashes.count, restartInMs: Math.max(0, Math.round(dueAt - performance.now())) }, message);
  }

  function dueIn({ app, deployment }: Target, name: string): number {
    const record = records.get(key(app.id, name));
    return record && record.deploymentId === deployment.id ? record.dueAt - performance.now() : 0;
  }

  function wakeUp(appId: string, ms: number): void {
    if (stopped) return;
    clearTimeout(timers.get(appId));
    timers.set(appId, setTimeout(() => heal(appId), ms));
  }

  /** Looks now, and again after a while, for as long as it is not stopped. */
  function look(prepared: Promise<void> = Promise.resolve()): void {
    clearTimeout(looking);
    let nextMs = RETRY_MS;
    const work = prepared.then(lookAtEverything).then((complete) => {
      if (complete) nextMs = LOOK_MS;
    });
    track(work.finally(() => {
      clearTimeout(looking);
      if (!stopped) looking = setTimeout(() => look(), nextMs);
    }), undefined);
  }

  /** Compares everything at once: one question to the engine, one to the router. False when something could not go yet. */
  async function lookAtEverything(): Promise<boolean> {
    const [dynos, routes] = await Promise.all([engine.dynos(), router.routes()]);
    const apps = store.apps.list();
    const live = new Set(routes.flatMap(({ targets }) => targets.map(({ id }) => id)));
    for (const app of apps) if (needsWork(app)) heal(app.id);
    for (const { id } of routes) if (!apps.some((app) => app.id === id)) await router.remove(id);
    // One that the router refuses keeps nothing else from being looked after.
    await serveCertificates(parts).catch((error: unknown) => log.warn({ err: error }, "the router does not have all certificates"));
    also?.();
    await engine.removeLate();
    return sweepImages(parts);

    function needsWork(app: App): boolean {
      const target = currentTarget(parts, app);
      const { release, slug } = target;
      const existing = dynos.filter(({ appId, id }) => appId === app.id && !parts.retiring.has(id));
      const { start, discard } = plan(wantedDynos(release, slug, parts.config.limits.dynoMemoryMb), existing, live);
      const route = routes.find(({ id }) => id === app.id);
      if (start.length > 0 || discard.length > 0 || route === undefined) return true;
      const wanted = appRoute(parts, target, []);
      return !sameSettings(route, wanted) || (wanted.unavailable === "H80" && route.targets.length > 0);
    }
  }

  return {
    start(alsoLook) {
      also = alsoLook;
      stopWatching = engine.watch((event) => {
        if (event === undefined) look(engine.prepare(() => undefined));
        else if (!parts.retiring.has(event.dynoId)) heal(event.appId, event.dynoId);
      });
      stopListening = health.listen(({ appId, id }) => heal(appId, health.isFailing(id) ? id : undefined));
    },
    async stop() {
      stopped = true;
      stopWatching?.();
      stopListening?.();
      clearTimeout(looking);
      for (const timer of timers.values()) clearTimeout(timer);
      await Promise.all(running);
    },
    hasCrashed: (appId, name) => (records.get(key(appId, name))?.dueAt ?? 0) > performance.now(),
  };
}
