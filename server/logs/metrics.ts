/** Figures in Prometheus' text format (prometheus.io/docs/instrumenting/exposition_formats, version 0.0.4). */

import type { Dyno, Engine } from "../engine/engine.ts";
import type { PlatformEvent } from "../pipeline/events.ts";
import type { Store } from "../store/store.ts";
import type { Drains } from "./drains/drains.ts";
import type { Hub } from "./hub.ts";
import type { Access } from "./router-lines.ts";

export type Metrics = {
  countAccess(appId: string | undefined, access: Access): void;
  take(event: PlatformEvent): void;
  /** All figures now. Counters begin with the control plane. */
  text(): Promise<string>;
};

export type MetricsOptions = { store: Pick<Store, "apps">; engine: Pick<Engine, "dynos">; hub: Pick<Hub, "counts">; drains: Pick<Drains, "states">; routerDropped(): number };

type Requests = { classes: Map<string, number>; errors: Map<string, number>; buckets: number[]; seconds: number; bytes: number };

/** Seconds: upper bounds of the histogram of service times. */
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** Requests for hosts that are no app's. */
const NOBODY = "";

export function createMetrics({ store, engine, hub, drains, routerDropped }: MetricsOptions): Metrics {
  const requests = new Map<string, Requests>();
  /** By app, then by what happened. */
  const events = new Map<string, Map<string, number>>();

  const countEvent = (appId: string, name: string): void => {
    const of = events.get(appId) ?? new Map<string, number>();
    events.set(appId, of.set(name, (of.get(name) ?? 0) + 1));
  };

  return {
    countAccess(appId = NOBODY, { status, serviceMs, bytes, code }) {
      let of = requests.get(appId);
      if (!of) requests.set(appId, (of = { classes: new Map(), errors: new Map(), buckets: Array.from({ length: BOUNDS.length + 1 }, () => 0), seconds: 0, bytes: 0 }));
      const kind = `${Math.floor(status / 100)}xx`;
      of.classes.set(kind, (of.classes.get(kind) ?? 0) + 1);
      if (code !== undefined) of.errors.set(code, (of.errors.get(code) ?? 0) + 1);
      const seconds = serviceMs / 1000;
      const bucket = BOUNDS.findIndex((bound) => seconds <= bound);
      const at = bucket === -1 ? BOUNDS.length : bucket;
      of.buckets[at] = (of.buckets[at] ?? 0) + 1;
      of.seconds += seconds;
      of.bytes += bytes;
    },

    take(event) {
      if (event.kind === "app_destroyed") {
        requests.delete(event.appId);
        events.delete(event.appId);
      }
      else if (event.kind === "build_ended") countEvent(event.appId, event.succeeded ? "builds succeeded" : "builds failed");
      else if (event.kind === "tests_ended") countEvent(event.appId, event.run.status === "succeeded" ? "tests succeeded" : "tests failed");
      else if (event.kind === "release_current") countEvent(event.appId, "releases succeeded");
      else if (event.kind === "release_failed") countEvent(event.appId, "releases failed");
      else if (event.kind === "dyno_crashed" || event.kind === "dyno_failed") countEvent(event.dyno.appId, "crashes");
    },

    async text() {
      const names = new Map(store.apps.list().map(({ id, name }) => [id, name]));
      const dynos = await engine.dynos().catch((): Dyno[] => []);
      const page = createPage();
      const app = (id: string): { app: string } => ({ app: id === NOBODY ? "" : names.get(id) ?? id });

      page.metric("paas_router_requests_total", "counter", "Requests by app and class of status; without an app: for no app's host.");
      for (const [id, { classes }] of requests) for (const [code, count] of classes) page.sample("paas_router_requests_total", { ...app(id), code }, count);
      page.metric("paas_router_errors_total", "counter", "Requests that the router answered itself, by Heroku's error code.");
      for (const [id, { errors }] of requests) for (const [code, count] of errors) page.sample("paas_router_errors_total", { ...app(id), code }, count);
      page.metric("paas_router_service_seconds", "histogram", "Time from the dyno's connection to the end of its response.");
      for (const [id, { buckets, seconds }] of requests) {
        let sum = 0;
        buckets.forEach((count, index) => page.sample("paas_router_service_seconds_bucket", { ...app(id), le: String(BOUNDS[index] ?? "+Inf") }, (sum += count)));
        page.sample("paas_router_service_seconds_sum", app(id), seconds);
        page.sample("paas_router_service_seconds_count", app(id), sum);
      }
      page.metric("paas_router_response_bytes_total", "counter", "Octets of responses to clients.");
      for (const [id, { bytes }] of requests) page.sample("paas_router_response_bytes_total", app(id), bytes);

      for (const [what, help] of [["builds", "Builds by their result."], ["tests", "Test runs by their result."], ["releases", "Releases by whether they came to serve: deploys, config changes, scalings, rollbacks."]] as const) {
        page.metric(`paas_${what}_total`, "counter", help);
        for (const [id, of] of events) for (const result of ["succeeded", "failed"]) page.sample(`paas_${what}_total`, { ...app(id), result }, of.get(`${what} ${result}`) ?? 0);
      }
      page.metric("paas_dyno_crashes_total", "counter", "Dynos that ended by themselves or did not come up.");
      for (const [id, of] of events) page.sample("paas_dyno_crashes_total", app(id), of.get("crashes") ?? 0);
      page.metric("paas_dynos", "gauge", "Dynos by process type and whether they run.");
      const groups = new Map<string, { dyno: Dyno; count: number }>();
      for (const dyno of dynos) {
        const key = `${dyno.appId} ${dyno.type} ${dyno.running}`;
        groups.set(key, { dyno, count: (groups.get(key)?.count ?? 0) + 1 });
      }
      for (const { dyno, count } of groups.values()) page.sample("paas_dynos", { ...app(dyno.appId), type: dyno.type, state: dyno.running ? "up" : "down" }, count);
      page.metric("paas_apps", "gauge", "Apps.");
      page.sample("paas_apps", {}, names.size);

      page.metric("paas_log_lines_total", "counter", "Log lines taken.");
      for (const [id, { lines }] of hub.counts()) page.sample("paas_log_lines_total", app(id), lines);
      page.metric("paas_log_dropped_total", "counter", "Log lines that were not kept, or not sent to a drain.");
      for (const [id, { dropped }] of hub.counts()) page.sample("paas_log_dropped_total", app(id), dropped);
      page.metric("paas_router_log_dropped_total", "counter", "Lines that the router could not hand on.");
      page.sample("paas_router_log_dropped_total", {}, routerDropped());
      page.metric("paas_drain_waiting_lines", "gauge", "Lines that wait in an app's drains.");
      const waiting = new Map<string, number>();
      for (const { appId, state } of drains.states()) waiting.set(appId, (waiting.get(appId) ?? 0) + state.waiting);
      for (const [id, count] of waiting) page.sample("paas_drain_waiting_lines", app(id), count);

      const { heapUsed, rss } = process.memoryUsage();
      const { user, system } = process.cpuUsage();
      for (const [name, type, help, value] of [
        ["process_cpu_seconds_total", "counter", "CPU time of the control plane.", (user + system) / 1e6],
        ["process_resident_memory_bytes", "gauge", "Memory of the control plane.", rss],
        ["nodejs_heap_size_used_bytes", "gauge", "Of that, objects.", heapUsed],
        ["process_start_time_seconds", "gauge", "When it was started.", performance.timeOrigin / 1000],
      ] as const) {
        page.metric(name, type, help);
        page.sample(name, {}, value);
      }
      return page.text();
    },
  };
}

function createPage() {
  const lines: string[] = [];
  return {
    metric: (name: string, type: "counter" | "gauge" | "histogram", help: string): void => void lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`),
    sample(name: string, labels: Record<string, string>, value: number): void {
      const all = Object.entries(labels).map(([label, text]) => `${label}="${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`);
      lines.push(`${name}${all.length === 0 ? "" : `{${all.join(",")}}`} ${value}`);
    },
    text: () => `${lines.join("\n")}\n`,
  };
}
