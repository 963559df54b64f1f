/**
 * The router process: argv, one line when ready, signals, exit code. It keeps the listening sockets and decides what is in
 * force; its workers serve. Whoever supervises it starts it again when it fails.
 */

import { codeVersion } from "./code-version.ts";
import { type Upgrade, listenForControl } from "./control.ts";
import { controls } from "./controls.ts";
import { Crew } from "./crew.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { inheritListeningSocket, openListeningSocket } from "./listening-socket.ts";
import { openLogFile } from "./log-file.ts";
import { LogHub } from "./log-hub.ts";
import { USAGE, parseOptions } from "./options.ts";
import { RouteAuthority } from "./route-authority.ts";
import { loadSnapshot } from "./snapshot.ts";
import { INHERITED, startSuccessor, succeed } from "./succession.ts";

/** How long a predecessor's connections may live on: WebSockets are closed then. */
const RETIRE_MS = 10 * 60_000;

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

const args = process.argv.slice(2);
const parsed = parseOptions(args);
if ("problems" in parsed) {
  process.stderr.write(`${parsed.problems.join("\n")}\n${USAGE}\n`);
  process.exit(2);
}
const { bind, port, tlsPort, socket: controlPath, snapshot, log: logPath, workers, limits, inherit } = parsed.options;
const version = codeVersion();
const shutdownMs = limits.shutdownMs ?? DEFAULT_LIMITS.shutdownMs;

const socket = inherit ? inheritListeningSocket(INHERITED.socket) : openListeningSocket(bind, port);
const tlsSocket = tlsPort === null ? null : inherit ? inheritListeningSocket(INHERITED.tlsSocket) : openListeningSocket(bind, tlsPort);
const log = new LogHub(logPath === null ? null : openLogFile(logPath));
const loaded = await loadSnapshot(snapshot);
if (loaded.putAside !== null) say("snapshot was unreadable, starting without routes", { putAside: loaded.putAside });
const authority = new RouteAuthority(snapshot, loaded);
const crew = new Crew(authority, { count: workers, socket, tlsSocket, limits, log, onDeath: (pid, why) => say("a worker died and is replaced", { pid, why }) });
await crew.start();

const health = controls(authority, socket.port, tlsSocket?.port ?? null).health;
const router = {
  ...controls(authority, socket.port, tlsSocket?.port ?? null),
  health: async () => ({ ...(await health()), version, http2Streams: limits.http2Streams ?? DEFAULT_LIMITS.http2Streams, workers: crew.pids }),
  followLog: (to: Parameters<LogHub["follow"]>[0]) => log.follow(to),
  upgrade,
};
const listen = () => listenForControl(controlPath, router);
let control: Awaited<ReturnType<typeof listen>> | undefined;
if (inherit) succeed(authority, async () => void (control = await listen()));
else control = await listen();

/** See `Router.upgrade` in client.ts. No change of routes comes between: those that wait are asked of the successor again. */
function upgrade(how: Upgrade, answered: Promise<unknown>): Promise<{ pid: number }> {
  return new Promise((resolve, reject) => {
    void authority.exclusively(async () => {
      const program = how.program ?? process.execPath;
      const next = (how.args ?? args).filter((arg) => arg !== "--inherit");
      const successorArgs = [...process.execArgv, how.script ?? process.argv[1]!, ...next, "--inherit"];
      const successor = await startSuccessor({ program, args: successorArgs, socket, tlsSocket, members: authority.everyone() });
      resolve({ pid: successor.pid });
      await answered;
      closeControl();
      if (await successor.takeOver(authority.standing().challenges)) return retire(successor.gone);
      say("the successor died before it took over");
      control = await listen();
    }).catch(reject);
  });
}

/** Never resolves: this process ends with its last connection. */
async function retire(successorGone: Promise<void>): Promise<never> {
  socket.close();
  tlsSocket?.close();
  void successorGone.then(() => crew.stop(shutdownMs));
  await crew.retire(RETIRE_MS);
  await log.close();
  process.exit(0);
}

function closeControl(): void {
  control?.close();
  control?.closeAllConnections();
}

let stopping = false;
const stop = async (): Promise<void> => {
  if (stopping) return;
  stopping = true;
  control?.close();
  socket.close();
  tlsSocket?.close();
  await crew.stop(shutdownMs);
  control?.closeAllConnections();
  await authority.settled();
  await log.close();
  process.exit(0);
};
process.on("SIGTERM", stop);
process.on("SIGINT", stop);

process.stdout.write(`${JSON.stringify({ ready: true, port: socket.port, pid: process.pid })}\n`);
