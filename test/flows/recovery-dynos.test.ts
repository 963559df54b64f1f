import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { setTimeout as sleep } from "node:timers/promises";
import { deploy, type DeployedApp } from "../support/deployed-app.ts";
import { removeWorkspaces } from "../support/git-client.ts";
import { createInvariants, type Invariants } from "../support/invariants.ts";
import { startLoad, type Load } from "../support/load.ts";
import { overload } from "../support/overload.ts";
import { docker, startPaas, type Paas } from "../support/paas.ts";
import { eventually } from "../git/eventually.ts";

// Each waits for several deploys.
vi.setConfig({ testTimeout: 150_000, hookTimeout: 150_000 });

let paas: Paas;
let invariants: Invariants;
let neighbour: DeployedApp;

beforeAll(async () => {
  paas = await startPaas();
  invariants = createInvariants(paas);
  neighbour = await deploy(paas, "neighbour", { text: "calm" }, invariants);
});
afterAll(async () => {
  await paas.remove();
  await removeWorkspaces();
});

const dynosOf = async (app: DeployedApp) => (await paas.containers("dyno")).filter(({ Labels }) => Labels["paas.app"] === app.id);
const stateOf = async (app: DeployedApp) => (await paas.api<{ name: string; state: string }[]>("GET", `/apps/${app.name}/dynos`)).body.map(({ name, state }) => `${name} ${state}`);

/** Requests that a kill may meet: 3 of 40 a second on a calm machine; on one that stood still, all that were on their way meanwhile. */
async function lostAtMost(load: Load, kill: () => Promise<unknown>): Promise<number> {
  const ended = load.count();
  await kill();
  return Math.max(3, load.count() + load.inFlight() - ended);
}

describe("a dyno that ends", () => {
  it("is replaced within 2 s of its SIGKILL, and no request to another app fails", async () => {
    const app = await deploy(paas, "shot", { text: "alive" }, invariants);
    const load = startLoad(paas.routerPort, neighbour.name, 40);
    const took: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const [before] = await dynosOf(app);
      const began = performance.now();
      await docker.getContainer(before?.Id ?? "").kill();
      await eventually("the app is served again", async () => (await app.text().catch(() => "")) === "alive", 10_000 * overload());
      took.push(performance.now() - began);
      await invariants.hold();
      expect((await dynosOf(app)).map(({ Id }) => Id)).not.toContain(before?.Id);
      // A new release starts with a clean record: its first crash costs no patience.
      await paas.api("PATCH", "/apps/shot/config-vars", { ROUND: String(round) });
      await invariants.hold(10_000);
    }
    if (process.env["PAAS_FIGURES"]) console.log(`dyno killed: served again after ${took.map(Math.round).join(", ")} ms`);
    // Other work on the machine may slow one of them down.
    expect(Math.min(...took)).toBeLessThan(2000 * overload());
    await load.stop();
    expect(load.failures()).toEqual([]);
  });

  it("and is the only one costs no request but those that it was answering: the others wait for the next", async () => {
    const app = await deploy(paas, "alone", { text: "alone" }, invariants);
    const load = startLoad(paas.routerPort, app.name, 40);
    await load.more(20);
    const [before] = await dynosOf(app);
    const most = await lostAtMost(load, () => docker.getContainer(before?.Id ?? "").kill());
    await load.more(80);
    await invariants.hold();
    await load.stop();
    expect((await dynosOf(app)).map(({ Id }) => Id)).not.toContain(before?.Id);
    if (process.env["PAAS_FIGURES"]) console.log(load.failures());
    expect(load.failures().length).toBeLessThanOrEqual(most);
  });

  it("again and again waits longer each time and is shown as crashed; the next good push serves at once", async () => {
    const app = await deploy(paas, "loop", { text: "for a moment", dieAfterMs: 400 }, invariants);
    const started = new Set<string>();
    const until = performance.now() + Math.min(6000 * overload(), 20_000);
    let crashed = false;
    const patience = performance.now() + 30_000;
    // Long enough for what must not be to happen, and until what must be has happened.
    for (; performance.now() < until || ((started.size < 3 || !crashed) && performance.now() < patience); await sleep(100)) {
      for (const { Id } of await dynosOf(app)) started.add(Id);
      crashed ||= (await stateOf(app)).includes("web.1 crashed");
    }
    expect(crashed).toBe(true);
    // At once, then after 1 s, 2 s, 4 s …: a restart without patience would make more than ten.
    expect(started.size).toBeGreaterThanOrEqual(3);
    expect(started.size).toBeLessThanOrEqual(6);
    // A request waits a while for the next start, and hears of the crash when that takes longer.
    expect((await paas.get("loop")).body).toMatch(/H10|H13|for a moment/);

    await app.push({ text: "mended" });
    expect(await app.text()).toBe("mended");
    expect(await stateOf(app)).toEqual(["web.1 up"]);
    await invariants.hold(10_000);
  });

  it("some seconds after its release went live is replaced, and the release stays current", async () => {
    const app = await deploy(paas, "late", { text: "up", dieAfterMs: 3000 }, invariants);
    const [first] = await dynosOf(app);
    await eventually("the dyno was replaced", async () => (await dynosOf(app)).some(({ Id, State }) => State === "running" && Id !== first?.Id), 10_000 * overload());
    await eventually("the app is served again", async () => (await app.text().catch(() => "")) === "up", 5000 * overload());
    expect((await paas.api<{ current: boolean }[]>("GET", "/apps/late/releases")).body.map(({ current }) => current)).toEqual([false, true]);
    await app.push({ text: "mended" });
    await invariants.hold(10_000);
  });

  it("beside another of its type costs no request: the route loses it at once", async () => {
    await paas.api("PATCH", "/apps/neighbour/formation", { updates: [{ type: "web", quantity: 2 }] });
    await invariants.hold(10_000);
    const load = startLoad(paas.routerPort, neighbour.name, 40);
    await load.more(20);
    const [one] = await dynosOf(neighbour);
    const most = await lostAtMost(load, () => docker.getContainer(one?.Id ?? "").kill());
    await load.more(80);
    await invariants.hold(5000);
    await load.stop();
    // What the dyno was answering when it was killed is lost with it; nothing else is.
    if (process.env["PAAS_FIGURES"]) console.log(load.failures());
    expect(load.failures().length).toBeLessThanOrEqual(most);
  });
});
