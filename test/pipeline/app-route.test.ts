import { expect, test } from "vitest";
import { loadConfig } from "../../server/config.ts";
import type { Dyno } from "../../server/engine/engine.ts";
import { appRoute, deploymentOfRoute, sameRoute, sameSettings } from "../../server/pipeline/app-route.ts";
import { addApp, addDeployment, addRelease, addSlug, AT, openStore } from "../store/test-store.ts";

const DYNOS: Dyno[] = ["web.1", "web.2", "worker.1"].map((name) => {
  const [type = "", number = "1"] = name.split(".");
  return { id: `id-${name}`, appId: "a", name, type, number: Number(number), releaseVersion: 1, fingerprint: "f", command: "x", running: true, address: "10.0.0.1", createdAt: "" };
});

function house(env: NodeJS.ProcessEnv = { PAAS_HTTPS_PORT: "8443" }) {
  const store = openStore();
  const app = addApp(store, "shop");
  const slug = addSlug(store, app);
  const release = addRelease(store, app, slug);
  const target = { app, slug, release, deployment: addDeployment(store, release) };
  return { store, app, target, route: (dynos = DYNOS) => appRoute({ store, config: loadConfig(env) }, target, dynos) };
}

test("a route has the app's own host, its domains, and its web dynos", () => {
  const { store, app, target, route } = house();
  for (const hostname of ["b.example.com", "a.example.com"])
    store.domains.insert({ id: hostname, appId: app.id, hostname, sniEndpointId: null, acmStatus: null, acmStatusReason: null, acmFailures: 0, acmDueAt: null, createdAt: AT, updatedAt: AT });
  expect(route()).toMatchObject({ id: app.id, hosts: ["shop.localhost", "a.example.com", "b.example.com"], unavailable: "H10", redirectToTls: false, hstsSeconds: 0 });
  expect(route().targets.map(({ dyno }) => dyno)).toEqual(["web.1", "web.2"]);
  expect(deploymentOfRoute(route())).toBe(target.deployment.id);
});

test("in maintenance mode there is no target, whatever runs, and the answer is H80, whatever else would be", () => {
  const { store, app, route } = house();
  store.switches.set(app.id, "maintenance", true, AT);
  expect(route()).toMatchObject({ targets: [], unavailable: "H80" });
  expect(route([])).toMatchObject({ targets: [], unavailable: "H80" });
  store.switches.set(app.id, "maintenance", false, AT);
  expect(route().targets).toHaveLength(2);
});

test("a redirect to TLS needs a port for TLS", () => {
  for (const [env, redirectToTls] of [[{ PAAS_HTTPS_PORT: "8443" }, true], [{}, false]] as const) {
    const { store, app, route } = house(env);
    store.switches.set(app.id, "force-https", true, AT);
    store.switches.set(app.id, "hsts", true, AT);
    expect(route()).toMatchObject({ redirectToTls, hstsSeconds: 31_536_000 });
  }
});

test("a domain that PAAS_DOMAIN came to mean too stands in the route once", () => {
  const { store, app, route } = house();
  store.domains.insert({ id: "d", appId: app.id, hostname: "shop.localhost", sniEndpointId: null, acmStatus: null, acmStatusReason: null, acmFailures: 0, acmDueAt: null, createdAt: AT, updatedAt: AT });
  expect(route().hosts).toEqual(["shop.localhost"]);
});

test("two routes are the same but for the id of the switch; every setting makes another", () => {
  const { route } = house();
  const one = route();
  expect(sameRoute(one, route(DYNOS.toReversed()))).toBe(true);
  for (const other of [{ ...one, hosts: ["x"] }, { ...one, redirectToTls: true }, { ...one, hstsSeconds: 1 }, { ...one, unavailable: "H80" as const }]) {
    expect(sameRoute(one, other)).toBe(false);
    expect(sameSettings(one, other)).toBe(false);
  }
  expect(sameRoute(one, { ...one, targets: [] })).toBe(false);
  expect(sameSettings(one, { ...one, targets: [], deployment: "another" })).toBe(true);
});
