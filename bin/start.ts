/** `npm start`: brings what the machine lacks, then is the control plane. */

import { ConfigError, loadConfig } from "../server/config.ts";
import { ensureEngine } from "./setup/engine.ts";
import { thisHost } from "./setup/host.ts";
import { ensurePrograms } from "./setup/host-packages.ts";
import { writeLine } from "./setup/progress.ts";
import { SetupError } from "./setup/setup-error.ts";
import { ensureStackImage } from "./setup/stack-image.ts";

const host = thisHost(process.env);
process.env["PATH"] = host.env["PATH"];
try {
  loadConfig(host.env);
  await ensurePrograms(["git", "ip", "iptables"], host, writeLine);
  await ensureEngine(host, writeLine);
  process.env["PAAS_STACK_IMAGE"] = await ensureStackImage(host, writeLine);
} catch (error) {
  if (!(error instanceof SetupError || error instanceof ConfigError)) throw error;
  process.stderr.write(`paas: ${error.message}\n`);
  process.exit(1);
}

const { main } = await import("../server/main.ts");
await main(process.argv.slice(2));
