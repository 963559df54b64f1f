import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { deploy, type DeployedApp } from "../support/deployed-app.ts";
import { removeWorkspaces, type Running } from "../support/git-client.ts";
import { createInvariants, type Invariants } from "../support/invariants.ts";
import { startLoad, type Load } from "../support/load.ts";
import { overload } from "../support/overload.ts";
import { startPaas, type Paas } from "../support/paas.ts";
import type { Behaviour } from "../support/small-app.ts";
import { eventually } from "../git/eventually.ts";

// Each waits for several deploys.
vi.setConfig({ testTimeout: 150_000, hookTimeout: 150_000 });

let paas: Paas;
let app: DeployedApp;
let invariants: Invariants;
let load: Load;

beforeAll(async () => {
  paas = await startPaas();
  invariants = createInvariants(paas);
  app = await deploy(paas, "killed", { text: "first" }, invariants);
  await eventually("its build's container is gone", async () => (await paas.containers("build")).length === 0, 30_000);
});
afterAll(async () => {
  await paas.remove();
  await removeWorkspaces();
});
beforeEach(() => {
  load = startLoad(paas.routerPort, "killed", 40);
});
afterEach(() => load.stop());

type Point = {
  when: string;
  next: Behaviour;
  /** Resolves at the instant of the kill. */
  reached(push: Running, before: Before): Promise<void>;
  /** What has to serve afterwards. */
  serves: "old" | "new";
  /** What the kill left behind. */
  leaves?(): Promise<void>;
};
type Before = { deployment: string; dynos: Set<string> };

const newDynoRuns = async (before: Before): Promise<boolean> => (await paas.containers("dyno")).some(({ Id, State }) => State === "running" && !before.dynos.has(Id));
const flipped = async (before: Before): Promise<boolean> => deploymentOf(await paas.router.routes()) !== before.deployment;
const deploymentOf = (routes: { id: string; deployment: string }[]): string => routes.find(({ id }) => id === app.id)?.deployment.split("/")[0] ?? "";

/** Does not serve before the kill that it is meant for, also where that comes a moment late. */
const SLOW: Behaviour = { bootMs: 1500 };

const points: Point[] = [
  {
    when: "while it builds", next: SLOW, serves: "old",
    reached: (push) => push.says("Determining which buildpack"),
    leaves: async () => expect(await paas.containers("build")).toHaveLength(1),
  },
  { when: "right after it compressed the slug", next: SLOW, serves: "old", reached: (push) => push.says("Compressing") },
  {
    when: "while the release phase runs", next: { releaseSeconds: 5 }, serves: "old",
    reached: async (push) => {
      await push.says("release phase for");
      await eventually("the one-off dyno runs", async () => (await paas.containers("one-off"))[0]?.State === "running", 10_000 * overload());
    },
  },
  {
    when: "after the new dyno started and before it is healthy", next: { bootMs: 4000 }, serves: "old",
    reached: (_push, before) => eventually("a new dyno runs", () => newDynoRuns(before), 10_000 * overload()),
  },
  { when: "right after the router flipped", next: {}, serves: "new", reached: (_push, before) => eventually("the router serves the new dyno", () => flipped(before), 10_000 * overload()) },
];

describe("a control plane that is killed in the middle of a push, under load", () => {
  it.each(points)("$when: no request fails, and what it finds on its return it puts right by itself", async ({ when, next, reached, serves, leaves }) => {
    await load.more(20);
    const old = { commit: app.ref(), text: await app.text() };
    const before: Before = { deployment: deploymentOf(await paas.router.routes()), dynos: new Set((await paas.containers("dyno")).map(({ Id }) => Id)) };
    const text = `killed ${when}`;
    const commit = await app.change({ ...next, text });
    const push = app.start();
    await reached(push, before);
    await paas.kill();
    await leaves?.();

    const { code, output } = await push.done;
    // The flip once made, the branch may have moved, and the pusher been told, before the kill.
    const outcomes = serves === "old" ? [{ told: false, ref: old.commit }] : [{ told: false, ref: old.commit }, { told: false, ref: commit }, { told: true, ref: commit }];
    expect(outcomes, output).toContainEqual({ told: code === 0, ref: app.ref() });
    await load.more(20);

    await paas.start();
    const ms = await invariants.hold(5000);
    if (process.env["PAAS_FIGURES"]) console.log(`killed ${when}: all invariants hold ${Math.round(ms)} ms after it was ready`);
    expect(await app.text()).toBe(serves === "new" ? text : old.text);

    // The client was told that its push failed, so it pushes the same commit again.
    const again = await app.start().done;
    expect(again.code, again.output).toBe(0);
    expect(app.ref()).toBe(commit);
    expect(await app.text()).toBe(text);
    await invariants.hold(20_000);
    await load.stop();
    expect(load.failures()).toEqual([]);
  });

  it("while the old dyno ends: the push stands, and the old dyno is gone within 5 s of the return", async () => {
    await app.push({ text: "slow to end", stopMs: 4000 });
    const [old] = await paas.containers("dyno");
    const version = await app.push({ text: "after it" });
    expect((await paas.containers("dyno")).map(({ Id }) => Id)).toContain(old?.Id);
    await paas.kill();
    await load.more(20);

    await paas.start();
    const ms = await invariants.hold(5000);
    if (process.env["PAAS_FIGURES"]) console.log(`killed while the old dyno ends: all invariants hold ${Math.round(ms)} ms after it was ready`);
    expect(await app.text("/version")).toBe(`v${version}`);
    expect((await paas.containers("dyno")).map(({ Id }) => Id)).not.toContain(old?.Id);
    await app.push({ text: "and on" });
    await load.stop();
    expect(load.failures()).toEqual([]);
  });
});
