/** The control plane's process: arguments, settings, signals, exit code. */

import { startApp } from "./app.ts";
import { ConfigError, loadConfig } from "./config.ts";
import { deployExample } from "./example.ts";
import { freeMemory } from "./free-memory.ts";
import { createOperatorLog } from "./operator-log.ts";
import { MigrationError } from "./store/database.ts";
import { welcome } from "./welcome.ts";

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Runs until a signal: SIGTERM leaves the router serving (a restart, an upgrade), SIGINT (Ctrl-C) stops it too. */
export async function main(argv: string[]): Promise<void> {
  const unknown = argv.filter((argument) => argument !== "--no-example");
  if (unknown.length > 0) return fail(`Unknown argument: ${unknown.join(" ")}. There is one: --no-example.`);
  try {
    const config = loadConfig(process.env);
    if (config.stackImage === "") return fail("PAAS_STACK_IMAGE: names no image. `npm start` makes one from Debian's packages; or set it to the image that builds and dynos shall stand on.");
    const log = await createOperatorLog(config, !process.env["PAAS_LOG_LEVEL"]);
    const app = await startApp(config, log, (line) => say(`paas: ${line}`));
    let stopping = false;
    const stop = (signal: NodeJS.Signals): void => {
      if (stopping) process.exit(1);
      stopping = true;
      say(signal === "SIGINT" ? "paas: stopping. Dynos go on running; `npm start` takes them up again." : "paas: stopping the control plane. Router and dynos go on.");
      app.stop({ router: signal === "SIGINT" }).then(() => process.exit(0), (error: unknown) => fail(String(error)));
    };
    process.on("SIGTERM", stop).on("SIGINT", stop);

    const url = `http://${config.bind.includes(":") ? `[${config.bind}]` : config.bind}:${app.apiPort}`;
    const token = app.newToken ?? config.adminToken;
    const example = app.firstStart && token !== undefined && !argv.includes("--no-example");
    if (example) say("paas: first start: pushing examples/hello-node, as you would");
    const deployed = example && (await deployExample(url, token, config.programPath, (text) => process.stdout.write(text)));
    say(welcome(config, app, { deployed, failed: example && !deployed }));
    setTimeout(freeMemory, 1000).unref();
  } catch (error) {
    if (error instanceof ConfigError || error instanceof MigrationError) return fail(error.message);
    return fail(error instanceof Error ? error.message : String(error));
  }
}

function fail(message: string): void {
  process.stderr.write(`paas: ${message}\n`);
  process.exit(1);
}

if (import.meta.main) await main(process.argv.slice(2));
