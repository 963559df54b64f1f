import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { deploy, type DeployedApp } from "../support/deployed-app.ts";
import { forwardEngine, type EngineForwarder } from "../support/engine-forwarder.ts";
import { freePort } from "../support/free-port.ts";
import { removeWorkspaces } from "../support/git-client.ts";
import { createInvariants, type Invariants } from "../support/invariants.ts";
import { startLoad } from "../support/load.ts";
import { overload } from "../support/overload.ts";
import { docker, startPaas, type Paas } from "../support/paas.ts";
import { eventually } from "../git/eventually.ts";

// Each waits for several deploys.
vi.setConfig({ testTimeout: 150_000, hookTimeout: 150_000 });

let paas: Paas;
let engine: EngineForwarder;
let app: DeployedApp;
let invariants: Invariants;

beforeAll(async () => {
  engine = await forwardEngine();
  paas = await startPaas({ DOCKER_HOST: engine.dockerHost, PAAS_API_PORT: String(await freePort()) });
  invariants = createInvariants(paas);
  app = await deploy(paas, "steady", { text: "steady" }, invariants);
});
afterAll(async () => {
  await engine.restore();
  await paas.remove();
  await engine.close();
  await removeWorkspaces();
});

const health = async (): Promise<number> => (await fetch(`http://127.0.0.1:${paas.apiPort}/health`).catch(() => ({ status: 0 }))).status;

describe("an engine that is away", () => {
  it("takes nothing down: apps are served, the API answers, a push is rejected with the reason; on its return what died meanwhile is replaced", async () => {
    const load = startLoad(paas.routerPort, app.name, 40);
    await load.more(20);
    await engine.cut();
    expect(await health()).toBe(200);
    expect((await paas.api("GET", "/apps")).status).toBe(200);
    const dynos = await paas.api<{ id: string }>("GET", "/apps/steady/dynos");
    expect([dynos.status, dynos.body.id]).toEqual([503, "engine_unavailable"]);
    const config = await paas.api<{ id: string }>("PATCH", "/apps/steady/config-vars", { LATER: "1" });
    expect([config.status, config.body.id]).toEqual([503, "engine_unavailable"]);

    const before = app.ref();
    await app.change({ text: "not now" });
    const push = await app.start().done;
    expect(push.code).not.toBe(0);
    expect(push.output).toContain("engine");
    expect(push.output).not.toContain("Internal server error");
    expect(app.ref()).toBe(before);
    await load.more(20);
    await load.stop();
    expect(load.failures()).toEqual([]);

    const [dyno] = await paas.containers("dyno");
    await docker.getContainer(dyno?.Id ?? "").kill();
    await engine.restore();
    const ms = await invariants.hold(5000);
    if (process.env["PAAS_FIGURES"]) console.log(`engine back: all invariants hold after ${Math.round(ms)} ms`);
    expect(await app.text()).toBe("steady");
    await app.push({ text: "on again" });
  });

  it("in the middle of a deploy makes the push fail, and nothing of it is left once the engine is back", async () => {
    const before = { ref: app.ref(), text: await app.text() };
    await app.change({ text: "cut off", bootMs: 30_000 });
    const load = startLoad(paas.routerPort, app.name, 40);
    const push = app.start();
    await push.says("Launching");
    await eventually("the new dyno runs", async () => (await paas.containers("dyno")).filter(({ State }) => State === "running").length === 2, 10_000 * overload());
    await engine.cut();
    const { code, output } = await push.done;
    expect(code).not.toBe(0);
    expect(output).not.toContain("Internal server error");
    expect(app.ref()).toBe(before.ref);
    await engine.restore();
    await invariants.hold(5000);
    await load.stop();
    expect(load.failures()).toEqual([]);
    expect(await app.text()).toBe(before.text);
  });

  it("holds a start up, which says so, answers /health with 503 and becomes ready by itself", async () => {
    await paas.stop();
    await engine.cut();
    const starting = paas.start();
    starting.catch(() => undefined);
    await eventually("the API port answers", async () => (await health()) === 503, 10_000 * overload());
    expect((await fetch(`http://127.0.0.1:${paas.apiPort}/apps`, { headers: { authorization: "Bearer x" } })).status).toBe(503);
    await eventually("the start says what it waits for", async () => paas.output().includes("Waiting for it"), 10_000 * overload());
    expect((await paas.get(app.name)).status).toBe(200);
    await engine.restore();
    await starting;
    expect(await health()).toBe(200);
    await invariants.hold();
  });
});
