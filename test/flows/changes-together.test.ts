import { afterAll, beforeAll, expect, it } from "vitest";
import { deploy, type DeployedApp } from "../support/deployed-app.ts";
import { removeWorkspaces } from "../support/git-client.ts";
import { HELD, letGo } from "../support/held.ts";
import { interleave } from "../support/interleaving.ts";
import { createInvariants, type Invariants } from "../support/invariants.ts";
import { startLoad } from "../support/load.ts";
import { startPaas, type Paas } from "../support/paas.ts";
import { seededRandom } from "../support/seeded-random.ts";

const INTERLEAVINGS = 10;
let paas: Paas;
let invariants: Invariants;
let apps: DeployedApp[];

beforeAll(async () => {
  paas = await startPaas({ PAAS_SLUGS_KEPT: "100" });
  invariants = createInvariants(paas);
  apps = await Promise.all(["ada", "bob", "cyd"].map((name) => deploy(paas, name, { text: `${name} first` }, invariants)));
});
afterAll(async () => {
  await paas.remove();
  await removeWorkspaces();
});

it("a push, a config change, a scaling and a rollback of one app at once happen one after the other in some order, on three apps side by side; no request fails", { timeout: 180_000 }, async () => {
  const seed = Date.now() % 1_000_000;
  const random = seededRandom(seed);
  const loads = apps.map(({ name }) => startLoad(paas.routerPort, name, 20));
  const rounds = Array.from({ length: INTERLEAVINGS }, (_, index) => index);
  try {
    await Promise.all(apps.map(async (app, lane) => {
      for (const round of rounds.filter((number) => number % apps.length === lane)) await interleave(paas, app, round, random);
    }));
    await invariants.hold(15_000);
  } catch (cause) {
    throw new Error(`seed ${seed}`, { cause });
  } finally {
    await Promise.all(loads.map((load) => load.stop()));
  }
  expect(loads.flatMap((load) => load.failures()), `seed ${seed}`).toEqual([]);
});

it("a push that comes while another of the same app is under way is rejected with the reason, and the first is served", async () => {
  const [app] = apps;
  if (!app) throw new Error("no app");
  await app.change({ text: "the first of two", procfile: `release: echo under way; ${HELD}\n` });
  const first = app.start();
  await first.says("under way");
  await app.change({ text: "the second of two" });
  const second = await app.start().done;
  expect(second.code).not.toBe(0);
  expect(second.output).toContain("is running");
  await letGo(paas, app.name);
  expect((await first.done).code, first.output()).toBe(0);
  expect(await app.text()).toBe("the first of two");
  await invariants.hold(15_000);
});
