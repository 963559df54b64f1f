import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { deploy, type DeployedApp } from "../support/deployed-app.ts";
import { freePort } from "../support/free-port.ts";
import { removeWorkspaces } from "../support/git-client.ts";
import { createInvariants, type Invariants } from "../support/invariants.ts";
import { startLoad } from "../support/load.ts";
import { overload } from "../support/overload.ts";
import { docker, startPaas, type Paas } from "../support/paas.ts";
import { eventually } from "../git/eventually.ts";
import type { RouterHealth } from "../../proxy/client.ts";

// Each waits for several deploys.
vi.setConfig({ testTimeout: 150_000, hookTimeout: 150_000 });

let paas: Paas;
let app: DeployedApp;
let invariants: Invariants;

beforeAll(async () => {
  paas = await startPaas({ PAAS_HTTP_PORT: String(await freePort()) });
  invariants = createInvariants(paas);
  app = await deploy(paas, "routed", { text: "served" }, invariants);
});
afterAll(async () => {
  await paas.remove();
  await removeWorkspaces();
});

/** The router as its control socket shows it, which may answer a moment later than the apps. */
async function routerHealth(): Promise<RouterHealth> {
  await eventually("the router answers its control socket", async () => (await routerPid()) !== undefined, 10_000 * overload());
  return paas.router.health();
}
/** The router and its workers, at once. */
async function killRouter(): Promise<number> {
  const { pid, workers } = await routerHealth();
  for (const one of [...workers, pid]) process.kill(one, "SIGKILL");
  return pid;
}
const routerPid = (): Promise<number | undefined> => paas.router.health().then(({ pid }) => pid, () => undefined);
const serves = async (): Promise<boolean> => (await app.text().catch(() => "")) === "served";

/** Whether the server listens there now. */
async function listening(server: Server, port: number): Promise<boolean> {
  server.listen(port, "127.0.0.1");
  return once(server, "listening").then(() => true, () => false);
}

/** @returns milliseconds until the app is served again */
async function untilServed(): Promise<number> {
  const began = performance.now();
  await eventually("the app is served", serves, 10_000 * overload());
  return performance.now() - began;
}

describe("the router", () => {
  it("is back within a second of its SIGKILL, from its snapshot; only requests that it held are lost", async () => {
    const took: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const before = await killRouter();
      took.push(await untilServed());
      expect((await routerHealth()).pid).not.toBe(before);
    }
    if (process.env["PAAS_FIGURES"]) console.log(`router killed: served again after ${took.map(Math.round).join(", ")} ms`);
    // Other work on the machine may slow one of them down.
    expect(Math.min(...took)).toBeLessThan(1000 * overload());
    await invariants.hold();

    const load = startLoad(paas.routerPort, "routed", 40);
    await load.more(20);
    await app.push({ text: "served" });
    await load.stop();
    expect(load.failures()).toEqual([]);
  });

  it("that meets its port still held is started again as soon as it is free, not only at the next look", async () => {
    const { pid } = paas.process();
    process.kill(pid ?? 0, "SIGSTOP");
    await killRouter();
    const holder = createServer((socket) => socket.destroy());
    await eventually("the port is held by somebody else", () => listening(holder, paas.routerPort), 10_000 * overload());
    process.kill(pid ?? 0, "SIGCONT");
    await eventually("a router met the held port", async () => (await readFile(join(paas.dataDir, "logs", "router.log"), "utf8")).includes("EADDRINUSE"), 10_000 * overload());
    const closed = once(holder, "close");
    holder.close();
    await closed;
    expect(await untilServed()).toBeLessThan(3000 * overload());
    await invariants.hold();
  });

  it("whose main process alone is killed: its workers end what they have in flight, and another router takes over", async () => {
    const { pid } = await routerHealth();
    const slow = paas.get("routed", "/slow/3000");
    await eventually("the request is in flight", async () => (await paas.router.health()).inFlight === 1, 10_000 * overload());
    process.kill(pid, "SIGKILL");
    expect((await slow).body).toBe("served");
    await eventually("another router answers", async () => ![pid, undefined].includes(await routerPid()), 10_000 * overload());
    expect(await app.text()).toBe("served");
    await invariants.hold();
  });

  it("is killed during a push: the push ends well or is rejected with the reason, and never takes a serving dyno away", async () => {
    const commit = await app.change({ text: "served", bootMs: 1500 });
    const before = app.ref();
    const old = (await paas.containers("dyno")).map(({ Id }) => Id);
    const push = app.start();
    await push.says("Launching");
    await eventually("the new dyno was started", async () => (await paas.containers("dyno")).some(({ Id }) => !old.includes(Id)), 10_000 * overload());
    await killRouter();
    const { code, output } = await push.done;
    await untilServed();
    await invariants.hold(15_000);
    expect(app.ref(), output).toBe(code === 0 ? commit : before);
    expect(output).not.toContain("Internal server error");
  });

  it("serves while the control plane is dead, and a new control plane takes it over as it is", async () => {
    const load = startLoad(paas.routerPort, "routed", 40);
    const { pid } = await paas.router.health();
    await paas.kill();
    await load.more(40);
    await paas.start();
    await load.more(20);
    await load.stop();
    expect(load.failures()).toEqual([]);
    expect((await paas.router.health()).pid).toBe(pid);
    await invariants.hold();
  });

  it("gives its place to a successor when settings or code changed: the control plane's next start asks for it, and no request notices", async () => {
    const load = startLoad(paas.routerPort, "routed", 100);
    await load.more(40);
    const before = await paas.router.health();
    const workers = before.workers.length + 1;
    await paas.stop();
    await paas.start({ PAAS_ROUTER_WORKERS: String(workers) });
    await eventually("a successor serves", async () => ![before.pid, undefined].includes(await routerPid()), 10_000 * overload());
    expect((await paas.router.health()).workers).toHaveLength(workers);
    await load.more(100);
    await app.push({ text: "served" });
    await load.more(40);
    await load.stop();
    expect(load.failures()).toEqual([]);
    await invariants.hold();
  });

  it("is killed while the control plane is dead: the next start brings it back with every route", async () => {
    await paas.kill();
    await killRouter();
    await paas.start();
    expect(await app.text()).toBe("served");
    await invariants.hold();
  });

  it("comes back with all apps after a reboot, when no process and no dyno was left", async () => {
    const other = await deploy(paas, "beside", { text: "other", worker: true }, invariants);
    await paas.api("PATCH", "/apps/beside/formation", { updates: [{ type: "web", quantity: 2 }, { type: "worker", quantity: 1 }] });
    await invariants.hold(15_000);
    await paas.kill();
    await killRouter();
    const dynos = await paas.containers("dyno");
    expect(dynos).toHaveLength(4);
    await Promise.all(dynos.map(({ Id }) => docker.getContainer(Id).kill()));

    const ready = await paas.start();
    const ms = await invariants.hold(5000);
    if (process.env["PAAS_FIGURES"]) console.log(`reboot: ready after ${Math.round(ready)} ms, all invariants hold ${Math.round(ms)} ms later`);
    expect(await app.text()).toBe("served");
    expect(await other.text()).toBe("other");
    await app.push({ text: "served" });
  });
});
