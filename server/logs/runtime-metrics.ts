/** Heroku's log-runtime-metrics (devcenter: log-runtime-metrics): what each dyno uses, as lines of its app, where the app's feature is on. */

import type { Dyno, DynoUsage, Engine } from "../engine/engine.ts";
import type { Store } from "../store/store.ts";
import type { Hub } from "./hub.ts";

export type RuntimeMetrics = {
  start(): void;
  stop(): void;
  /** Looks once at every dyno of the apps that want it. */
  look(): Promise<void>;
};

type Options = { store: Pick<Store, "apps" | "switches">; engine: Pick<Engine, "dynos" | "usage">; hub: Pick<Hub, "write">; memoryMb: number; now?: () => number };
type Load = { at: number; cpuSeconds: number; averages: [number, number, number] };

const LOOK_MS = 20_000;
/** Seconds that the load averages go back (proc(5), loadavg). */
const SPANS = [60, 300, 900] as const;
const MB = 1024 * 1024;

/** The load averages are damped as Linux damps its own, of CPU time: a dyno that keeps two cores busy has 2. */
export function createRuntimeMetrics({ store, engine, hub, memoryMb, now = () => performance.now() }: Options): RuntimeMetrics {
  let loads = new Map<string, Load>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const look = async (): Promise<void> => {
    const before = loads;
    loads = new Map();
    for (const app of store.apps.list().filter(({ id }) => store.switches.of(id).has("log-runtime-metrics"))) {
      for (const dyno of (await engine.dynos(app.id)).filter(({ running }) => running)) {
        const usage = await engine.usage(dyno.id);
        if (!usage || stopped) continue;
        const load = loadOf(usage, before.get(dyno.id), now());
        loads.set(dyno.id, load);
        for (const text of textsOf(dyno, usage, load, memoryMb)) hub.write(app.id, { source: "heroku", ps: dyno.name, release: dyno.releaseVersion, text });
      }
    }
  };
  const again = (): void => {
    timer = setTimeout(() => void look().catch(() => undefined).finally(() => !stopped && again()), LOOK_MS).unref();
  };
  return {
    start() {
      clearTimeout(timer);
      again();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
    look,
  };
}

function loadOf({ cpuSeconds }: DynoUsage, before: Load | undefined, at: number): Load {
  if (!before || at <= before.at) return { at, cpuSeconds, averages: [0, 0, 0] };
  const seconds = (at - before.at) / 1000;
  const busy = Math.max(0, cpuSeconds - before.cpuSeconds) / seconds;
  const averages = before.averages.map((average, index) => {
    const kept = Math.exp(-seconds / (SPANS[index] ?? 60));
    return average * kept + busy * (1 - kept);
  });
  return { at, cpuSeconds, averages: averages as Load["averages"] };
}

function textsOf(dyno: Dyno, { memory }: DynoUsage, { averages: [one, five, fifteen] }: Load, memoryMb: number): string[] {
  const source = `source=${dyno.name} dyno=heroku.${dyno.appId}.${dyno.id.slice(0, 12)}`;
  const mb = (bytes: number): string => `${(bytes / MB).toFixed(2)}MB`;
  return [
    `${source} sample#load_avg_1m=${one.toFixed(2)} sample#load_avg_5m=${five.toFixed(2)} sample#load_avg_15m=${fifteen.toFixed(2)}`,
    `${source} sample#memory_total=${mb(memory.rss + memory.cache + memory.swap)} sample#memory_rss=${mb(memory.rss)} sample#memory_cache=${mb(memory.cache)} sample#memory_swap=${mb(memory.swap)} ` +
      `sample#memory_pgpgin=${memory.pagesIn}pages sample#memory_pgpgout=${memory.pagesOut}pages sample#memory_quota=${memoryMb.toFixed(2)}MB`,
  ];
}
