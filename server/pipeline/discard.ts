/** The end of a dyno: drained, asked to stop, made to stop, removed. */

import type { Dyno } from "../engine/engine.ts";
import type { Parts } from "./parts.ts";

/**
 * Drains and discards dynos that the router no longer points at: no new request reaches them, those in flight end first.
 * Web dynos drain, then all get SIGTERM, the grace time, SIGKILL.
 * @throws Error when the router still sends requests to one of them; nothing is discarded then.
 */
export async function discard(parts: Parts, dynos: Dyno[]): Promise<void> {
  if (dynos.length === 0) return;
  // Before anything is awaited: the app's next change must not count on a dyno that is about to go.
  for (const { id } of dynos) parts.retiring.add(id);
  try {
    const live = await liveTargets(parts);
    const refused = dynos.filter(({ id }) => live.has(id));
    if (refused.length > 0) throw new Error(`refusing to discard ${refused.map(({ name }) => name).join(", ")}: the router still sends requests there`);
    await retire(parts, dynos);
  } finally {
    for (const { id } of dynos) parts.retiring.delete(id);
  }
}

async function retire({ router, engine, config, log, events }: Parts, dynos: Dyno[]): Promise<void> {
  const web = dynos.filter(({ type, running }) => type === "web" && running);
  if (web.length > 0) {
    const { cut } = await router.drain(web.map(({ id }) => id), config.limits.drainSeconds * 1000);
    if (cut > 0) log.info({ cut }, "connections closed at the end of the drain");
  }
  await Promise.all(dynos.map(async (dyno) => {
    if (dyno.running) events.emit({ kind: "dyno_stopping", dyno });
    const { killed } = await engine.discardDyno(dyno.id, config.limits.stopSeconds * 1000);
    if (!killed) return;
    log.warn({ dyno: dyno.name, code: "R12" }, "dyno did not stop in time and was killed");
    events.emit({ kind: "dyno_killed", dyno, stopSeconds: config.limits.stopSeconds });
  }));
}

/** Removes the images of slugs that are no more. False where a dyno still uses one: it goes the next time. */
export function sweepImages({ engine, store }: Pick<Parts, "engine" | "store">): Promise<boolean> {
  return engine.sweepImages((image, buildIds) => store.slugs.images().includes(image) || store.testRuns.images().includes(image) || buildsInUse(store).some((id) => buildIds.includes(id)));
}

/** Builds that run, and what was built for their app's tests: the release may take steps from it. */
function buildsInUse({ builds, testRuns }: Parts["store"]): string[] {
  return builds.pending().flatMap(({ id, appId }) => [id, ...testRuns.ofApp(appId).slice(-1).map((run) => run.id)]);
}

/** Ids of the dynos that the router sends requests to now. */
export async function liveTargets({ router }: Pick<Parts, "router">): Promise<Set<string>> {
  return new Set((await router.routes()).flatMap(({ targets }) => targets.map(({ id }) => id)));
}
