/** Deploys, scales, re-configures and rolls an app back again and again under a mixed load whose every answer is checked. */

import { releasedVersion } from "./deployed-app.ts";
import { workspace } from "./git-client.ts";
import { createInvariants, withoutRequests } from "./invariants.ts";
import type { LoadReport } from "./load-record.ts";
import { mixedApp } from "./mixed-app.ts";
import { startMixedLoad } from "./mixed-load.ts";
import { startPaas } from "./paas.ts";

const APP = "soaked";
/** Shorter than the default, so that streams end, and dynos go, while later flips come. */
const DRAIN_SECONDS = 3;
const STREAMS = 20;
/** Two web dynos, and by every other scaling three: what one may have waiting (H11) is soon reached by such a load when the machine stalls. */
const DYNOS = 2;
const HOLD_MS = 20_000;

export type SoakOptions = { requests: number; flips: number; perSecond: number; /** Told of each change after it. */ onFlip?: (flip: number, change: string, ms: number, soFar: LoadReport) => void };
export type SoakReport = LoadReport & { flips: number; seconds: number };

type Change = "push" | "config" | "scale" | "rollback";
/** One turn of changes. Each but scaling replaces all dynos. */
const TURN: Change[] = ["push", "config", "scale", "push", "rollback", "config", "scale", "push", "config", "rollback"];

/**
 * The load ends when so many requests have ended and so many changes are done; the changes are spread evenly over the requests.
 * @throws Error when a change is refused, or the platform's invariants do not hold at the end
 */
export async function soak({ requests, flips, perSecond, onFlip = () => undefined }: SoakOptions): Promise<SoakReport> {
  const paas = await startPaas({ PAAS_DRAIN_SECONDS: String(DRAIN_SECONDS) });
  try {
    const repository = await workspace();
    const invariants = createInvariants(paas);
    let pushes = 0;
    let quantity = DYNOS;
    /** The release that came last, and the last two that replaced all dynos. */
    let version = 0;
    let replacing: [number, number] = [0, 0];

    const push = async (): Promise<number> => {
      const commit = await repository.commit(mixedApp(`version ${++pushes}`));
      const result = await repository.push(paas.remote(APP), "main");
      if (result.code !== 0) throw new Error(`the push was rejected:\n${result.output}\n${withoutRequests(paas.output())}`);
      const released = releasedVersion(result);
      invariants.acknowledge(APP, { version: released, commit });
      return released;
    };
    const ask = async (method: string, path: string, body: unknown): Promise<{ version: number }> => {
      const answer = await paas.api<{ version: number }>(method, `/apps/${APP}${path}`, body);
      if (answer.status >= 300) throw new Error(`${method} ${path} was answered ${answer.status}: ${JSON.stringify(answer.body)}\n${withoutRequests(paas.output())}`);
      return answer.body;
    };
    const CHANGES: Record<Change, () => Promise<number>> = {
      push,
      config: async () => (await ask("PATCH", "/config-vars", { MARKER: `after v${version}` }), version + 1),
      scale: async () => (await ask("PATCH", "/formation", { updates: [{ type: "web", quantity: (quantity = 2 * DYNOS + 1 - quantity) }] }), version + 1),
      rollback: async () => (await ask("POST", "/releases", { release: `v${replacing[0]}` })).version,
    };

    await push();
    await ask("PATCH", "/formation", { updates: [{ type: "web", quantity }] });
    version = await push();
    replacing = [version, version];
    const load = await startMixedLoad({ port: paas.routerPort, app: APP, perSecond, streams: STREAMS, drainMs: DRAIN_SECONDS * 1000 });
    const began = performance.now();
    load.acknowledged(version);
    for (let flip = 1; flip <= flips; flip++) {
      await load.reached(Math.floor(((flip - 0.5) * requests) / flips));
      const change = TURN[(flip - 1) % TURN.length] as Change;
      const changeBegan = performance.now();
      load.changing();
      version = await CHANGES[change]();
      // A dyno that a scaling keeps goes on under the number that it began with.
      if (change !== "scale") replacing = [replacing[1], version];
      load.acknowledged(replacing[1]);
      onFlip(flip, change, performance.now() - changeBegan, load.report());
    }
    await load.reached(requests);
    const report = await load.stop();
    await invariants.hold(HOLD_MS);
    return { ...report, flips, seconds: (performance.now() - began) / 1000 };
  } finally {
    await paas.remove();
  }
}
