/** Before all tests: the engine, the stack image and the route must be there. After them: nothing of theirs may be left. */

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engineClient, engineEndpoint, ensureEngine } from "../../bin/setup/engine.ts";
import { thisHost } from "../../bin/setup/host.ts";
import { writeLine } from "../../bin/setup/progress.ts";
import { ensureStackImage } from "../../bin/setup/stack-image.ts";
import { loadConfig } from "../../server/config.ts";
import { ensureBuildImage } from "../../server/engine/build-image.ts";
import { ensureUnreachableRoute } from "../../server/engine/unreachable-route.ts";
import { leftovers, processesWith } from "./leftovers.ts";
import { watchForOtherRuns } from "./other-runs.ts";

export default async function setup(): Promise<() => Promise<void>> {
  const host = thisHost(process.env);
  await ensureEngine(host, writeLine);
  const stackImage = await ensureStackImage(host, writeLine);
  process.env["PAAS_STACK_IMAGE"] = stackImage;
  await ensureUnreachableRoute(loadConfig(process.env).networkRange);

  const docker = engineClient(engineEndpoint(process.env));
  // Once, before several platforms at a time would each begin to make it.
  await ensureBuildImage(docker, { stackImage, onProgress: writeLine });
  const others = await watchForOtherRuns();
  const before = new Set(await leftovers(docker));
  const folder = mkdtempSync(join(tmpdir(), "paas-run-"));
  process.env["TMPDIR"] = folder;
  return async () => {
    const ours = [...readdirSync(folder).map((name) => `folder ${join(folder, name)}`), ...processesWith(folder)];
    const inEngine = (await leftovers(docker)).filter((thing) => !before.has(thing));
    rmSync(folder, { recursive: true, force: true });
    others.end();
    if (others.seen()) console.warn(`Another run of the tests used this engine meanwhile: the ${inEngine.length} new things in it may be that run's, and are not counted.`);
    const leaked = [...ours, ...(others.seen() ? [] : inEngine)];
    if (leaked.length === 0) return;
    process.exitCode = 1;
    throw new Error(`The tests left behind:\n${leaked.map((thing) => `  ${thing}`).join("\n")}`);
  };
}
