/** The supervisor's look at routes and certificates; engine and router stand in with what it asks of them. */

import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import type { Route } from "../../proxy/client.ts";
import { loadConfig } from "../../server/config.ts";
import type { Engine } from "../../server/engine/engine.ts";
import { createAppLock } from "../../server/pipeline/app-lock.ts";
import { createHealthWatch } from "../../server/pipeline/health-watch.ts";
import type { Parts } from "../../server/pipeline/parts.ts";
import { createSupervisor } from "../../server/pipeline/supervisor.ts";
import { createSwitches } from "../../server/pipeline/switches.ts";
import { eventually } from "../git/eventually.ts";
import { addApp, addDeployment, addRelease, AT, openStore } from "../store/test-store.ts";
import { createCertificateMaker } from "../support/certificate-maker.ts";
import { createMemoryRouter } from "../support/memory-router.ts";

/** An app without a slug: it asks for no dynos. */
function house() {
  const store = openStore();
  const router = createMemoryRouter();
  const app = addApp(store, "shop");
  const deployment = addDeployment(store, { ...addRelease(store, app), formation: {} });
  store.deployments.makeCurrent(store.deployments.move(deployment, "starting", AT), AT);
  const engine = {
    dynos: async () => [], prepare: async () => undefined, removeLate: async () => true, sweepImages: async () => true,
    // It says at once that everything has to be looked at.
    watch(listener: (event: undefined) => void) {
      listener(undefined);
      return () => undefined;
    },
  } as unknown as Engine;
  const log = pino({ level: "silent" });
  const events = { emit: () => undefined };
  const parts: Parts = { store, router, engine, log, config: loadConfig({}), lock: createAppLock(), buildpacks: { own: [], gather: async () => ({ inputs: [], close: async () => undefined }) }, events, health: createHealthWatch({ engine, events }), retiring: new Set(), routerPort: () => 8080, now: () => AT };
  const route = (more: Partial<Route> = {}): Route => ({ id: app.id, deployment: `${deployment.id}/1`, hosts: ["shop.localhost"], targets: [], unavailable: "H81", redirectToTls: false, hstsSeconds: 0, errorPage: "", maintenancePage: "", ...more });
  return {
    store, router, app, parts, route,
    look(): void {
      const supervisor = createSupervisor(parts);
      onTestFinished(() => supervisor.stop());
      supervisor.start();
    },
  };
}

const now = (store: ReturnType<typeof house>["store"], appId: string, hostname: string): void =>
  store.domains.insert({ id: hostname, appId, hostname, sniEndpointId: null, acmStatus: null, acmStatusReason: null, acmFailures: 0, acmDueAt: null, createdAt: AT, updatedAt: AT });

test.each([
  ["lacks a domain", {}, (store: ReturnType<typeof house>["store"], id: string) => now(store, id, "www.example.com")],
  ["has a domain too many", { hosts: ["shop.localhost", "old.example.com"] }, () => undefined],
  ["is not in maintenance mode", {}, (store: ReturnType<typeof house>["store"], id: string) => store.switches.set(id, "maintenance", true, AT)],
  ["still has targets in maintenance mode", { unavailable: "H80", targets: [{ id: "t", dyno: "web.1", address: "10.0.0.1", port: 1 }] }, (store: ReturnType<typeof house>["store"], id: string) => store.switches.set(id, "maintenance", true, AT)],
  ["is in maintenance mode by mistake", { unavailable: "H80" }, () => undefined],
  ["says HSTS by mistake", { hstsSeconds: 5 }, () => undefined],
] as const)("a route that %s is put right at the next look", async (_what, wrong, change) => {
  const { store, router, app, route, look } = house();
  await router.switchTo(route(wrong as Partial<Route>));
  change(store, app.id);
  look();
  const maintenance = store.switches.of(app.id).has("maintenance");
  await eventually("it is right", () => {
    const { deployment: _one, ...found } = router.routesById.get(app.id) as Route;
    const { deployment: _other, ...wanted } = route({ hosts: ["shop.localhost", ...store.domains.hostnames(app.id)], unavailable: maintenance ? "H80" : "H81" });
    return JSON.stringify(found) === JSON.stringify(wanted);
  });
});

test("a route that is right is left alone", async () => {
  const { router, route, look } = house();
  await router.switchTo(route());
  look();
  await eventually("it was looked at", () => router.calls.includes("certificates"));
  expect(router.calls.filter((call) => call.startsWith("switchTo"))).toHaveLength(1);
});

test("certificates are put right too, and one that the router refuses keeps nothing else from being looked after", async () => {
  const { store, router, app, look, parts } = house();
  let swept = false;
  parts.engine.sweepImages = async () => (swept = true);
  const { chain, key } = await (await createCertificateMaker()).issue(["shop.localhost"]);
  store.sniEndpoints.insert({ id: "e", appId: app.id, name: "york-1", certificateChain: chain, privateKey: key, acmDomainId: null, createdAt: AT, updatedAt: AT });
  router.fail = { calls: ["putCertificate"], id: "invalid_certificate" };
  look();
  await eventually("the rest is looked after", () => swept);
  router.fail = undefined;
  look();
  await eventually("it is there", () => router.certificatesById.has("e"));
});

test("force-https is refused where the router has no port for TLS", async () => {
  const { store, app, parts } = house();
  const { turn } = createSwitches(parts, async () => undefined);
  await expect(turn(app, "force-https", true)).rejects.toMatchObject({ id: "invalid_params", message: expect.stringMatching(/^enabled: .*PAAS_HTTPS_PORT/) as string });
  expect(store.switches.of(app.id).has("force-https")).toBe(false);
  await turn(app, "force-https", false);
});
