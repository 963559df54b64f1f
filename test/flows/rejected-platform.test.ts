import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { commitOnly } from "../support/app-folder.ts";
import { deploy, type DeployedApp } from "../support/deployed-app.ts";
import { forwardEngine, type EngineForwarder } from "../support/engine-forwarder.ts";
import { removeWorkspaces, type Running } from "../support/git-client.ts";
import { createInvariants } from "../support/invariants.ts";
import { startLoad, type Load } from "../support/load.ts";
import { startPaas, type Paas } from "../support/paas.ts";
import { accepted, refusalIn, refused, settled, standing } from "../support/refused-push.ts";
import { smallApp } from "../support/small-app.ts";

let engine: EngineForwarder;
let paas: Paas;
let app: DeployedApp;
let load: Load;
beforeAll(async () => {
  engine = await forwardEngine();
  paas = await startPaas({ DOCKER_HOST: engine.dockerHost, PAAS_STOP_SECONDS: "2", PAAS_SLUGS_KEPT: "100" });
  app = await deploy(paas, "app", { text: "good" });
  load = startLoad(paas.routerPort, "app", 50);
});
afterAll(async () => {
  await load.stop();
  await engine.restore();
  await paas.remove();
  await engine.close();
  await removeWorkspaces();
});

afterEach(() => engine.restore());

describe("a push", () => {
  it("is refused with the reason while the disk is nearly full", async () => {
    await paas.stop();
    await paas.start({ PAAS_MIN_FREE_DISK_MB: "1000000" });
    const told = await refused(paas, app, smallApp({ text: "too much" })).finally(() => paas.stop().then(() => paas.start()));
    expect(told).toMatch(/^ !     The disk is nearly full: \d+ MB are free, a build needs 1000000 MB \(PAAS_MIN_FREE_DISK_MB\)\. Free some space and push again\.\n\n !     Push rejected to app\.\n$/);

    await accepted(app, "good again with room");
    expect(load.failures()).toEqual([]);
  });

  it("is refused with the reason while the engine is away, and the next one succeeds as soon as it is back", async () => {
    await settled(paas, app);
    await engine.cut();
    const told = await refused(paas, app, smallApp({ text: "no engine" }));
    expect(told).toMatch(/^ !     The container engine is not reachable \([a-z ]+\)\. Start it and try again\.\n\n !     Push rejected to app\.\n$/);
    await engine.restore();
    await accepted(app, "good again with an engine");
    expect(load.failures()).toEqual([]);
  });

  const stages = [
    { stage: "builds", files: { "package.json": JSON.stringify({ private: true, scripts: { build: "echo compiling && sleep 30", start: "true" } }) }, at: "compiling" },
    { stage: "runs its release command", files: { ...smallApp(), Procfile: "web: true\nrelease: echo migrating && sleep 30\n" }, at: "migrating" },
    { stage: "boots", files: smallApp({ bootMs: 30_000 }), at: "Launching..." },
  ];
  it.each(stages)("that is cut off from the engine while it $stage is refused, and nothing of it is left once the engine is back", async ({ stage, files, at }) => {
    await settled(paas, app);
    const before = await standing(paas, app);
    await commitOnly(app.repository, files);
    const push: Running = app.start();
    await push.says(at);
    await engine.cut();
    expect(refusalIn(await push.done)).toContain(" !     The container engine is not reachable");
    await engine.restore();
    await createInvariants(paas).hold(20_000);
    await expect.poll(() => standing(paas, app), { timeout: 30_000 }).toEqual(before);
    await accepted(app, `good again after one that ${stage}`);
    expect(load.failures()).toEqual([]);
  });
});
