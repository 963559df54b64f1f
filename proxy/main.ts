/** The router process: argv, one line when ready, signals, exit code. Its supervisor starts it again when it fails. */

import { listenForControl } from "./control.ts";
import { openLogFile } from "./log-file.ts";
import { USAGE, parseOptions } from "./options.ts";
import { startRouter } from "./router.ts";

// The parent may go away and its pipes with it: the router goes on serving.
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});
process.on("SIGHUP", () => {});

const say = (message: string, fields: Record<string, unknown> = {}): void => {
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), message, ...fields })}\n`);
};

const fail = (error: unknown): void => {
  say("router failed", { error: error instanceof Error ? error.stack : String(error) });
  process.exit(1);
};
process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);

const parsed = parseOptions(process.argv.slice(2));
if ("problems" in parsed) {
  process.stderr.write(`${parsed.problems.join("\n")}\n${USAGE}\n`);
  process.exit(2);
}
const { bind, port, socket, snapshot, log, limits } = parsed.options;
const accessLog = log === null ? null : openLogFile(log);
const router = await startRouter({
  bind, port, snapshot, limits, accessLog,
  onCorruptSnapshot: (putAside) => say("snapshot was unreadable, starting without routes", { putAside }),
});
const control = await listenForControl(socket, router);

let stopping = false;
const stop = async (): Promise<void> => {
  if (stopping) return;
  stopping = true;
  control.close();
  await router.stop();
  control.closeAllConnections();
  await accessLog?.close();
  process.exit(0);
};
process.on("SIGTERM", stop);
process.on("SIGINT", stop);

process.stdout.write(`${JSON.stringify({ ready: true, port: router.port, pid: process.pid })}\n`);
