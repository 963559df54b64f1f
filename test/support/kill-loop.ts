/** Kills the control plane at chance instants of its work, again and again, and looks after each return whether anything was lost. */

import { setTimeout as sleep } from "node:timers/promises";
import { deploy, releasedVersion, type DeployedApp } from "./deployed-app.ts";
import { createInvariants } from "./invariants.ts";
import { startLoad } from "./load.ts";
import { startPaas, type Paas } from "./paas.ts";
import { seededRandom } from "./seeded-random.ts";

export type Kill = {
  operation: string;
  /** Milliseconds from the operation's begin to the kill. */
  after: number;
  /** The client was told that its operation succeeded. */
  acknowledged: boolean;
  readyMs: number;
  /** From ready until every invariant held. */
  holdMs: number;
};
export type KillReport = { seed: number; kills: Kill[]; requests: number; failures: string[] };

const HOLD_MS = 5000;

/**
 * @param onKill is told of each kill when all invariants hold again.
 * @throws Error naming seed and number of the kill after which something does not hold.
 */
export async function killLoop(kills: number, seed: number, onKill: (kill: Kill, number: number) => void = () => undefined): Promise<KillReport> {
  const random = seededRandom(seed);
  const paas = await startPaas();
  const invariants = createInvariants(paas);
  const load: ReturnType<typeof startLoad>[] = [];
  const done: Kill[] = [];
  try {
    const apps = [await deploy(paas, "struck", { text: "struck 0" }, invariants), await deploy(paas, "beside", { text: "beside 0", releaseSeconds: 0 }, invariants)];
    for (const { name } of apps) load.push(startLoad(paas.routerPort, name, 30));
    // How long an operation takes undisturbed, so that a kill may fall into any part of it or just behind it.
    const began = performance.now();
    await apps[0]?.push({ text: "struck, measured" });
    const pushMs = performance.now() - began;
    const took: Record<string, number> = { push: pushMs, config: pushMs / 2, rollback: pushMs / 2, restart: pushMs / 2, scale: pushMs / 2 };
    for (let number = 1; number <= kills; number += 1) {
      const app = random.pick(apps);
      const operation = random.pick(["push", "push", "push", "config", "scale", "restart", "rollback"]);
      const begun = OPERATIONS[operation as keyof typeof OPERATIONS](paas, app, number);
      const began = performance.now();
      const over = begun.then((result) => {
        if (result !== undefined) took[operation] = performance.now() - began;
        return result;
      }).catch(() => undefined); // the connection broke off: nobody knows whether it happened
      await sleep(random.next() * 1.3 * (took[operation] ?? 0));
      const after = performance.now() - began;
      await paas.kill();
      const result = await over;
      if (result?.version !== undefined) invariants.acknowledge(app.name, result.commit === undefined ? { version: result.version } : { version: result.version, commit: result.commit });

      const readyMs = await paas.start();
      try {
        const holdMs = await invariants.hold(HOLD_MS);
        await result?.stillTrue?.();
        const kill: Kill = { operation, after, acknowledged: result !== undefined, readyMs, holdMs };
        done.push(kill);
        onKill(kill, number);
      } catch (error) {
        throw new Error(`seed ${seed}, kill ${number} (${operation} of ${app.name}, ${Math.round(after)} ms after its begin)`, { cause: error });
      }
    }
    for (const app of apps) await app.push({ text: "after all" });
    await invariants.hold(20_000);
    await Promise.all(load.map((one) => one.stop()));
    const failures = load.flatMap((one) => one.failures().map(({ reason }) => reason));
    return { seed, kills: done, requests: load.reduce((sum, one) => sum + one.count(), 0), failures };
  } finally {
    await Promise.all(load.map((one) => one.stop()));
    await paas.remove();
  }
}

/** What the client knows of an operation that was acknowledged. */
type Acknowledged = { version?: number; commit?: string; stillTrue?(): Promise<void> };

const OPERATIONS: Record<"push" | "config" | "scale" | "restart" | "rollback", (paas: Paas, app: DeployedApp, number: number) => Promise<Acknowledged | undefined>> = {
  async push(_paas, app, number) {
    const commit = await app.change({ text: `${app.name} ${number}`, ...(app.name === "beside" ? { releaseSeconds: 0 } : {}) });
    const result = await app.start().done;
    return result.code === 0 ? { version: releasedVersion(result), commit, stillTrue: async () => same(app.ref(), commit) } : undefined;
  },
  async config(paas, app, number) {
    const { status } = await paas.api("PATCH", `/apps/${app.name}/config-vars`, { KILL: String(number) });
    return status === 200 ? { stillTrue: async () => same(await app.text("/env/KILL"), String(number)) } : undefined;
  },
  async scale(paas, app, number) {
    const quantity = 1 + (number % 2);
    const { status } = await paas.api("PATCH", `/apps/${app.name}/formation`, { updates: [{ type: "web", quantity }] });
    const quantityNow = async () => (await paas.api<{ quantity: number }>("GET", `/apps/${app.name}/formation/web`)).body.quantity;
    return status === 200 ? { stillTrue: async () => same(await quantityNow(), quantity) } : undefined;
  },
  async restart(paas, app) {
    const { status } = await paas.api("DELETE", `/apps/${app.name}/dynos`);
    return status === 202 ? {} : undefined;
  },
  async rollback(paas, app) {
    const { status, body } = await paas.api<{ version: number }>("POST", `/apps/${app.name}/releases`, { release: "v2" });
    return status === 201 ? { version: body.version } : undefined;
  },
};

function same(found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`an acknowledged change was lost: ${String(expected)} was set, ${String(found)} is found`);
}
