/** Before all tests: the engine, the stack image and the route must be there. After them: nothing of theirs may be left. */

import { engineClient, engineEndpoint, ensureEngine } from "../../bin/setup/engine.ts";
import { thisHost } from "../../bin/setup/host.ts";
import { writeLine } from "../../bin/setup/progress.ts";
import { ensureStackImage } from "../../bin/setup/stack-image.ts";
import { loadConfig } from "../../server/config.ts";
import { ensureUnreachableRoute } from "../../server/engine/unreachable-route.ts";
import { leftovers } from "./leftovers.ts";

export default async function setup(): Promise<() => Promise<void>> {
  const host = thisHost(process.env);
  await ensureEngine(host, writeLine);
  process.env["PAAS_STACK_IMAGE"] = await ensureStackImage(host, writeLine);
  await ensureUnreachableRoute(loadConfig(process.env).networkRange);
  const docker = engineClient(engineEndpoint(process.env));
  const before = new Set(await leftovers(docker));
  return async () => {
    const leaked = (await leftovers(docker)).filter((thing) => !before.has(thing));
    if (leaked.length === 0) return;
    process.exitCode = 1;
    throw new Error(`The tests left behind in the engine:\n${leaked.map((thing) => `  ${thing}`).join("\n")}`);
  };
}
