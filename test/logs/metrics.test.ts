/** Figures: what the router's lines, the platform's events and the dynos' control groups come to. */

import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { Dyno, DynoUsage } from "../../server/engine/engine.ts";
import type { NewLine } from "../../server/logs/hub.ts";
import { createRuntimeMetrics } from "../../server/logs/runtime-metrics.ts";
import { install, type Installation } from "../engine/workshop.ts";
import { addApp, AT, openStore } from "../store/test-store.ts";
import { startApiServer, type ApiServer } from "../support/api-server.ts";

let server: ApiServer;
beforeAll(async () => void (server = await startApiServer()));
afterAll(() => server.stop());

const access = (host: string, status: number, serviceMs: number, more = ""): void =>
  server.access(`at=${more === "" ? "info" : `error ${more}`} method=GET path="/?status=999" host=${host} request_id=r fwd="9.9.9.9 status=500 service=99999ms, 1.2.3.4" dyno=web.1 connect=0ms service=${serviceMs}ms status=${status} bytes=100 protocol=http`);

/** Samples of the page by name and labels. @throws where a line is none (Prometheus' text format 0.0.4) */
function parse(page: string): Map<string, number> {
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  for (const line of page.trimEnd().split("\n")) {
    const [, name = "", type = ""] = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line) ?? [];
    if (name) types.set(name, type);
    if (line.startsWith("#")) continue;
    const [, metric = "", labels = "", value = ""] = /^([a-z_][a-z0-9_]*)(\{(?:[a-z]+="(?:[^"\\\n]|\\.)*",?)*\})? (\S+)$/.exec(line) ?? expect.unreachable(line);
    expect(types.has(metric) || types.get(metric.replace(/_(bucket|sum|count)$/, "")) === "histogram", metric).toBe(true);
    expect(samples.has(metric + labels), `${metric}${labels} twice`).toBe(false);
    samples.set(metric + labels, Number(value));
  }
  return samples;
}
const figures = async (): Promise<Map<string, number>> => parse((await server.ask("GET", "/metrics", { as: server.admin })).text);

test("requests are counted by app and class, with a histogram of their time; what clients write into a header counts for nothing", async () => {
  const app = await server.pipeline.createApp("measured", server.ann.user);
  await server.pipeline.addDomain(app, "www.measured.example.com", undefined);
  access("measured.localhost", 200, 4);
  access("www.measured.example.com", 201, 30);
  access("measured.localhost", 404, 1);
  access("measured.localhost", 503, 31_000, 'code=H12 desc="Request timeout"');
  access("nobody.example.com", 404, 0);
  server.access("at=warn dropped=12");
  const all = await figures();
  const of = (name: string): number | undefined => all.get(name);
  expect([of('paas_router_requests_total{app="measured",code="2xx"}'), of('paas_router_requests_total{app="measured",code="4xx"}'), of('paas_router_requests_total{app="measured",code="5xx"}'), of('paas_router_requests_total{app="",code="4xx"}')]).toEqual([2, 1, 1, 1]);
  expect(of('paas_router_errors_total{app="measured",code="H12"}')).toBe(1);
  expect([0.005, 0.025, 0.05, 30, "+Inf"].map((le) => of(`paas_router_service_seconds_bucket{app="measured",le="${le}"}`))).toEqual([2, 2, 3, 3, 4]);
  expect(of('paas_router_service_seconds_count{app="measured"}')).toBe(4);
  expect(of('paas_router_service_seconds_sum{app="measured"}')).toBeCloseTo(31.035);
  expect(of('paas_router_response_bytes_total{app="measured"}')).toBe(400);
  expect(of('paas_log_lines_total{app="measured"}')).toBe(4);
  expect(of("paas_router_log_dropped_total")).toBe(12);
  expect(of("process_resident_memory_bytes")).toBeGreaterThan(1e6);
});

test("builds, releases and crashes are counted; an app that is destroyed is counted no more", async () => {
  const app = await server.pipeline.createApp("counted", server.ann.user);
  const dyno = { appId: app.id, name: "web.1", releaseVersion: 1 };
  const release = server.store.releases.list(app.id)[0] ?? expect.unreachable();
  const build = {} as never;
  for (const event of [
    { kind: "build_ended", appId: app.id, build, succeeded: true }, { kind: "build_ended", appId: app.id, build, succeeded: false }, { kind: "release_current", appId: app.id, release },
    { kind: "release_failed", appId: app.id, release, reason: "x" }, { kind: "dyno_crashed", dyno }, { kind: "dyno_failed", dyno, bootSeconds: undefined },
  ] as const) server.logs.take(event);
  const all = await figures();
  expect(["builds", "releases"].flatMap((what) => ["succeeded", "failed"].map((result) => all.get(`paas_${what}_total{app="counted",result="${result}"}`)))).toEqual([1, 1, 1, 1]);
  expect(all.get('paas_dyno_crashes_total{app="counted"}')).toBe(2);
  server.logs.take({ kind: "app_destroyed", appId: app.id });
  expect([...(await figures()).keys()].filter((name) => name.includes("counted"))).toEqual([]);
});

test("figures are for admins", async () => {
  expect((await server.ask("GET", "/metrics", { as: null })).status).toBe(401);
  expect((await server.ask("GET", "/metrics")).status).toBe(403);
  expect((await server.ask("GET", "/metrics", { as: server.admin })).headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
});

test("an app with log-runtime-metrics on is told what its dynos use, in Heroku's words; others are not", async () => {
  const store = openStore();
  const [wants, wantsNot] = [addApp(store, "wants"), addApp(store, "wants-not")];
  store.switches.set(wants.id, "log-runtime-metrics", true, AT);
  const written: [string, NewLine][] = [];
  const dyno = { id: "abcdef0123456789", appId: wants.id, name: "web.1", releaseVersion: 3, running: true } as Dyno;
  let cpuSeconds = 0;
  let clock = 0;
  const engine = {
    dynos: async (appId?: string) => (appId === wants.id ? [dyno, { ...dyno, id: "dead", name: "web.2", running: false }] : [{ ...dyno, appId: wantsNot.id }]),
    usage: async (): Promise<DynoUsage> => ({ cpuSeconds, memory: { rss: 60 * 1024 * 1024, cache: 512 * 1024, swap: 0, pagesIn: 10, pagesOut: 5 } }),
  };
  const metrics = createRuntimeMetrics({ store, engine, hub: { write: (appId, line) => void written.push([appId, line]) }, memoryMb: 512, now: () => clock });
  await metrics.look();
  // Two cores for a minute.
  cpuSeconds = 120;
  clock = 60_000;
  await metrics.look();
  const source = `source=web.1 dyno=heroku.${wants.id}.abcdef012345`;
  const memory = `${source} sample#memory_total=60.50MB sample#memory_rss=60.00MB sample#memory_cache=0.50MB sample#memory_swap=0.00MB sample#memory_pgpgin=10pages sample#memory_pgpgout=5pages sample#memory_quota=512.00MB`;
  expect(written).toEqual([`${source} sample#load_avg_1m=0.00 sample#load_avg_5m=0.00 sample#load_avg_15m=0.00`, memory, `${source} sample#load_avg_1m=1.26 sample#load_avg_5m=0.36 sample#load_avg_15m=0.13`, memory]
    .map((text) => [wants.id, { source: "heroku", ps: "web.1", release: 3, text }]));
});

test("the engine tells what a real dyno uses", async () => {
  const ours: Installation = await install();
  onTestFinished(() => ours.clear());
  const dyno = await ours.engine.startDyno(ours.spec("while :; do :; done"));
  const first = await ours.engine.usage(dyno.id);
  expect(first?.memory.rss).toBeGreaterThan(100_000);
  // It works without a pause, but a busy machine may not let it between two looks.
  await expect.poll(async () => (await ours.engine.usage(dyno.id))?.cpuSeconds, { timeout: 30_000 }).toBeGreaterThan(first?.cpuSeconds ?? Infinity);
  await ours.engine.discardDyno(dyno.id, 0);
  expect(await ours.engine.usage(dyno.id)).toBeUndefined();
});
