import Database from "better-sqlite3";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { DeploymentState } from "../../server/domain/deployment.ts";
import type { Deployment } from "../../server/domain/model.ts";
import { addApp, addDeployment, addRelease, AT, openStore, type TestStore } from "./test-store.ts";

const LATER = "2026-01-01T00:01:00.000Z";

/** A deployment of a new release, moved along the states given. */
function deployment(store: TestStore, appId: string, ...states: DeploymentState[]): Deployment {
  const app = store.apps.find(appId);
  if (!app) throw new Error("no such app");
  return states.reduce((at, state) => store.deployments.move(at, state, AT), addDeployment(store, addRelease(store, app)));
}

test("the one that becomes current supersedes the one before it", () => {
  const store = openStore();
  const { id } = addApp(store);
  const first = store.deployments.makeCurrent(deployment(store, id, "starting"), AT);
  const second = store.deployments.makeCurrent(deployment(store, id, "starting"), LATER);
  expect(store.deployments.current(id)).toEqual({ ...second, state: "current", updatedAt: LATER });
  expect(store.deployments.find(first.id)).toMatchObject({ state: "superseded", updatedAt: LATER });
});

test("becoming current again changes nothing", () => {
  const store = openStore();
  const { id } = addApp(store);
  const current = store.deployments.makeCurrent(deployment(store, id, "starting"), AT);
  expect(store.deployments.makeCurrent(current, LATER)).toEqual(current);
  expect(store.deployments.current(id)).toEqual(current);
});

test("one that was superseded meanwhile does not become current again, and the current one stays", () => {
  const store = openStore();
  const { id } = addApp(store);
  const first = store.deployments.makeCurrent(deployment(store, id, "starting"), AT);
  const second = store.deployments.makeCurrent(deployment(store, id, "starting"), AT);
  expect(() => store.deployments.makeCurrent(first, LATER)).toThrow("a deployment cannot go from current to current");
  expect(store.deployments.current(id)).toEqual(second);
});

test("one that failed does not become current, and the current one stays", () => {
  const store = openStore();
  const { id } = addApp(store);
  const first = store.deployments.makeCurrent(deployment(store, id, "starting"), AT);
  const failed = deployment(store, id, "starting", "failed");
  expect(() => store.deployments.makeCurrent(failed, LATER)).toThrow("a deployment cannot go from failed to current");
  expect(store.deployments.current(id)).toEqual(first);
});

test("a move that somebody else made first is refused", () => {
  const store = openStore();
  const waiting = addDeployment(store, addRelease(store, addApp(store)));
  store.deployments.move(waiting, "failed", AT, "gone");
  expect(() => store.deployments.move(waiting, "starting", LATER)).toThrow(`deployment ${waiting.id} is no longer pending`);
  expect(store.deployments.find(waiting.id)).toMatchObject({ state: "failed", reason: "gone" });
});

test("an app has one deployment under way at most; other apps are free", () => {
  const store = openStore();
  const app = addApp(store);
  const running = addDeployment(store, addRelease(store, app));
  expect(() => addDeployment(store, addRelease(store, app))).toThrow(/UNIQUE constraint failed: deployments\.app_id/);
  const elsewhere = addDeployment(store, addRelease(store, addApp(store)));
  expect(store.deployments.running().map(({ id }) => id).sort()).toEqual([running.id, elsewhere.id].sort());
});

test("a release has one deployment, and it is found by it", () => {
  const store = openStore();
  const release = addRelease(store, addApp(store));
  const only = addDeployment(store, release);
  store.deployments.move(only, "failed", AT);
  expect(store.deployments.ofRelease(release.id)?.id).toBe(only.id);
  expect(() => addDeployment(store, release)).toThrow(/UNIQUE constraint failed: deployments\.release_id/);
});

test("whatever is done in whatever order, also with knowledge that is old: an app that ever had a current deployment has exactly one", () => {
  const store = openStore();
  const onlooker = new Database(store.file, { readonly: true });
  const currents = onlooker.prepare<[string], number>("SELECT count(*) FROM deployments WHERE app_id = ? AND state = 'current'").pluck();
  const step = fc.record({
    app: fc.integer({ min: 0, max: 1 }),
    what: fc.constantFrom<("new" | "releasing" | "starting" | "failed" | "makeCurrent")[]>("new", "new", "releasing", "starting", "failed", "makeCurrent", "makeCurrent", "makeCurrent"),
    which: fc.nat({ max: 3 }),
    old: fc.boolean(),
  });
  fc.assert(fc.property(fc.array(step, { minLength: 1, maxLength: 50, size: "max" }), (steps) => {
    const apps = [addApp(store), addApp(store)] as const;
    const known = new Map(apps.map(({ id }) => [id, [] as Deployment[]]));
    const served = new Set<string>();
    for (const { app, what, which, old } of steps) {
      const { id } = app === 0 ? apps[0] : apps[1];
      const seen = known.get(id) ?? [];
      const remembered = seen.at(-1 - which);
      try {
        if (what === "new") seen.push(deployment(store, id));
        else if (remembered) {
          const chosen = old ? remembered : (store.deployments.find(remembered.id) ?? remembered);
          seen.push(what === "makeCurrent" ? store.deployments.makeCurrent(chosen, AT) : store.deployments.move(chosen, what, AT));
          if (what === "makeCurrent") served.add(id);
        }
      } catch (error) {
        if (!/cannot go from|is no longer|UNIQUE constraint/.test(String(error))) throw error;
      }
      for (const each of apps) if (currents.get(each.id) !== (served.has(each.id) ? 1 : 0)) return false;
    }
    return true;
  }), { numRuns: 40 });
  onlooker.close();
});
