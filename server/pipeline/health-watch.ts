/** Goes on asking the dynos that serve, as app.json says: a liveness check that fails has a dyno replaced, a readiness check takes it out of the route. */

import { standingChecks, type AppJson, type HealthCheck } from "../domain/app-json.ts";
import type { Dyno, Engine } from "../engine/engine.ts";
import type { PlatformEvents } from "./events.ts";
import { attempt, checkName, type Verdict } from "./health-probe.ts";
import { pause } from "./pause.ts";

/** `"wait": 0` must not keep a dyno busy with being asked. */
const MIN_INTERVAL_MS = 250;

export type HealthWatch = {
  /** From now on asks these dynos of the app, which run what this app.json belongs to, and none of its other dynos. */
  watch(appId: string, appJson: AppJson | undefined, dynos: Dyno[]): void;
  /** A liveness check of it has failed as often in a row as it may. */
  isFailing(dynoId: string): boolean;
  /** No readiness check of it has failed as often in a row as it may. */
  isReady(dynoId: string): boolean;
  /** Calls back when either has changed. @returns a function that ends it */
  listen(onChange: (dyno: Dyno, change: HealthCheck["type"]) => void): () => void;
  /** Resolves when nobody is asked any more. */
  stop(): Promise<void>;
};

type Watched = { dyno: Dyno; checks: string; failed: Set<HealthCheck>; over: AbortController; asking: Promise<unknown> };

export function createHealthWatch({ engine, events }: { engine: Pick<Engine, "execute">; events: PlatformEvents }): HealthWatch {
  const watched = new Map<string, Watched>();
  const listeners = new Set<Parameters<HealthWatch["listen"]>[0]>();

  const failed = (dynoId: string, type: HealthCheck["type"]): boolean => [...(watched.get(dynoId)?.failed ?? [])].some((check) => check.type === type && !check.warn);

  const leave = (one: Watched): void => {
    one.over.abort();
    watched.delete(one.dyno.id);
  };

  const enter = (dyno: Dyno, checks: HealthCheck[]): void => {
    const one: Watched = { dyno, checks: JSON.stringify(checks), failed: new Set(), over: new AbortController(), asking: Promise.resolve() };
    watched.set(dyno.id, one);
    one.asking = Promise.all(checks.map((check) => ask(one, check)));
  };

  async function ask(one: Watched, check: HealthCheck): Promise<void> {
    const { signal } = one.over;
    await pause(check.initialDelay * 1000, signal);
    for (let failures = 0; !signal.aborted; await pause(Math.max(check.wait * 1000, MIN_INTERVAL_MS), signal)) {
      try {
        const verdict = await attempt(engine, one.dyno, check, signal);
        failures = verdict === undefined ? 0 : failures + 1;
        if (!signal.aborted) judge(one, check, failures, verdict);
      } catch {
        // The engine does not answer, or the dyno is gone: neither says anything about its health.
      }
    }
  }

  function judge(one: Watched, check: HealthCheck, failures: number, verdict: Verdict): void {
    const fails = failures >= check.attempts;
    if (fails === one.failed.has(check) || (failures > 0 && !fails)) return;
    if (fails) one.failed.add(check);
    else one.failed.delete(check);
    events.emit({ kind: "dyno_check", dyno: one.dyno, check: { type: check.type, name: checkName(check), warn: check.warn }, failures, verdict });
    if (!check.warn) for (const onChange of listeners) onChange(one.dyno, check.type);
  }

  return {
    watch(appId, appJson, dynos) {
      const wanted = new Map(dynos.map((dyno) => [dyno.id, appJson ? standingChecks(appJson, dyno.type) : []]));
      for (const one of [...watched.values()])
        if (one.dyno.appId === appId && one.checks !== JSON.stringify(wanted.get(one.dyno.id) ?? [])) leave(one);
      for (const dyno of dynos) {
        const checks = wanted.get(dyno.id) ?? [];
        if (checks.length > 0 && !watched.has(dyno.id)) enter(dyno, checks);
      }
    },
    isFailing: (dynoId) => failed(dynoId, "liveness"),
    isReady: (dynoId) => !failed(dynoId, "readiness"),
    listen(onChange) {
      listeners.add(onChange);
      return () => void listeners.delete(onChange);
    },
    async stop() {
      const all = [...watched.values()];
      for (const one of all) leave(one);
      await Promise.all(all.map(({ asking }) => asking));
    },
  };
}
