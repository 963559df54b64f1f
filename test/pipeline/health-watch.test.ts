/** Standing health checks against real HTTP servers on loopback; of the engine only what is asked of it stands in. */

import { once } from "node:events";
import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { EMPTY_APP_JSON, type AppJson, type HealthCheck } from "../../server/domain/app-json.ts";
import type { Dyno, Engine } from "../../server/engine/engine.ts";
import type { PlatformEvent } from "../../server/pipeline/events.ts";
import { createHealthWatch } from "../../server/pipeline/health-watch.ts";
import { DEFAULT_PORT as WEB_PORT } from "../../server/domain/own-image.ts";
import { eventually } from "../git/eventually.ts";

let lastAddress = 0;

function check(what: Partial<HealthCheck>): HealthCheck {
  return { type: "liveness", name: "alive", path: "/", httpHeaders: [], scheme: "http", attempts: 2, initialDelay: 0, timeout: 1, wait: 0, warn: false, ...what };
}
const appJson = (...checks: HealthCheck[]): AppJson => ({ ...EMPTY_APP_JSON, healthchecks: { web: checks } });

/** A dyno on loopback that answers with `status`, and counts how often it was asked. */
async function patient(status = 200) {
  const address = `127.78.${process.pid % 250}.${++lastAddress}`;
  const dyno: Dyno = { id: `id-${lastAddress}`, appId: "app", name: `web.${lastAddress}`, type: "web", number: lastAddress, releaseVersion: 1, fingerprint: "f", command: "x", running: true, address, createdAt: "" };
  const state = { dyno, status, asked: 0 };
  const server = createServer((_request, response) => {
    state.asked += 1;
    if (state.status !== 0) response.writeHead(state.status).end();
  }).listen(WEB_PORT, address);
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return state;
}

function house(engine: Partial<Engine> = {}) {
  const events: PlatformEvent[] = [];
  const changes: string[] = [];
  const health = createHealthWatch({ engine: engine as Engine, events: { emit: (event) => void events.push(event) } });
  health.listen(({ name }, type) => changes.push(`${name} ${type}`));
  onTestFinished(() => health.stop());
  return { health, events, changes };
}

test("a dyno whose liveness check fails often enough in a row is failing, and everybody is told once", async () => {
  const { health, events, changes } = house();
  const web = await patient();
  health.watch("app", appJson(check({})), [web.dyno]);
  await eventually("it was asked twice", () => web.asked >= 2);
  expect(health.isFailing(web.dyno.id)).toBe(false);
  web.status = 500;
  await eventually("it is failing", () => health.isFailing(web.dyno.id));
  const asked = web.asked;
  await eventually("it is asked on", () => web.asked > asked + 1);
  expect(events).toEqual([{ kind: "dyno_check", dyno: web.dyno, check: { type: "liveness", name: "alive", warn: false }, failures: 2, verdict: "GET / answered 500" }]);
  expect(changes).toEqual([`${web.dyno.name} liveness`]);
  expect(health.isReady(web.dyno.id)).toBe(true);
});

test("one answer that is not well is not yet a failure where two are allowed", async () => {
  const { health, events } = house();
  const web = await patient(500);
  health.watch("app", appJson(check({ attempts: 3 })), [web.dyno]);
  await eventually("it was asked", () => web.asked >= 1);
  web.status = 200;
  const asked = web.asked;
  await eventually("it was asked again", () => web.asked > asked + 2);
  expect(health.isFailing(web.dyno.id)).toBe(false);
  expect(events).toEqual([]);
});

test("a readiness check that holds again makes the dyno ready again", async () => {
  const { health, events, changes } = house();
  const web = await patient(503);
  health.watch("app", appJson(check({ type: "readiness" })), [web.dyno]);
  await eventually("it is not ready", () => !health.isReady(web.dyno.id));
  expect(health.isFailing(web.dyno.id)).toBe(false);
  web.status = 204;
  await eventually("it is ready", () => health.isReady(web.dyno.id));
  expect(changes).toEqual([`${web.dyno.name} readiness`, `${web.dyno.name} readiness`]);
  expect(events.map((event) => (event.kind === "dyno_check" ? event.verdict : event.kind))).toEqual(["GET / answered 503", undefined]);
});

test("a check that only warns is told and changes nothing", async () => {
  const { health, events, changes } = house();
  const web = await patient(500);
  health.watch("app", appJson(check({ warn: true })), [web.dyno]);
  await eventually("it is told", () => events.length > 0);
  expect(health.isFailing(web.dyno.id)).toBe(false);
  expect(changes).toEqual([]);
});

test("a command counts as a request does; an engine that is away counts for nothing", async () => {
  let away = true;
  let asked = 0;
  const { health, events } = house({
    async execute() {
      asked += 1;
      if (away) throw new Error("no engine");
      return { code: 3, output: "stuck\n" };
    },
  });
  const { dyno } = await patient();
  const { path: _path, ...plain } = check({ command: ["./alive"] });
  health.watch("app", appJson(plain), [dyno]);
  await eventually("the engine was asked often", () => asked > 3);
  expect(health.isFailing(dyno.id)).toBe(false);
  away = false;
  await eventually("it is failing", () => health.isFailing(dyno.id));
  expect(events).toMatchObject([{ verdict: "the command exited with status 3: stuck" }]);
});

test("who is not named any more is not asked any more, and what was known of it is forgotten; the others are asked on", async () => {
  const { health } = house();
  const [gone, stays] = [await patient(500), await patient(500)];
  const checks = appJson(check({}));
  health.watch("app", checks, [gone.dyno, stays.dyno]);
  await eventually("both are failing", () => health.isFailing(gone.dyno.id) && health.isFailing(stays.dyno.id));
  health.watch("other-app", checks, []);
  health.watch("app", checks, [stays.dyno]);
  expect(health.isFailing(gone.dyno.id)).toBe(false);
  expect(health.isFailing(stays.dyno.id)).toBe(true);
  const [before, asked] = [gone.asked, stays.asked];
  await eventually("the other is asked on", () => stays.asked > asked + 2);
  expect(gone.asked).toBeLessThanOrEqual(before + 1);
});

test("a release with other checks is asked those", async () => {
  const { health } = house();
  const web = await patient(500);
  health.watch("app", appJson(check({})), [web.dyno]);
  await eventually("it is failing", () => health.isFailing(web.dyno.id));
  health.watch("app", appJson(check({ type: "readiness" })), [web.dyno]);
  expect(health.isFailing(web.dyno.id)).toBe(false);
  await eventually("it is not ready", () => !health.isReady(web.dyno.id));
  health.watch("app", undefined, []);
  expect(health.isReady(web.dyno.id)).toBe(true);
});

test("stopping waits for nobody's answer", async () => {
  const { health } = house();
  const web = await patient(0);
  health.watch("app", appJson(check({ timeout: 600 }), check({ wait: 3600 }), check({ initialDelay: 3600 })), [web.dyno]);
  await eventually("it is asked", () => web.asked >= 2);
  const since = performance.now();
  await health.stop();
  expect(performance.now() - since).toBeLessThan(30_000);
});
