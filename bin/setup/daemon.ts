/** Starts the Docker daemon in the way that the machine starts its services, and waits until it answers. */

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Host } from "./host.ts";
import { findCommand, lastLines, runCommand } from "./run-command.ts";
import { SetupError } from "./setup-error.ts";

const READY_MS = 60_000;
/** How long a daemon that somebody else started may still be starting. */
const STARTING_MS = 15_000;
const POLL_MS = 100;
const DEFAULT_SOCKET = "/var/run/docker.sock";
const DEFAULT_LOG = "/var/log/dockerd.log";
const DEFAULT_PID_FILE = "/var/run/docker.pid";
const DAEMON_SETTINGS = "/etc/docker/daemon.json";

/** What came of asking the engine whether it lives. */
export type Probe = "answers" | "absent" | "denied" | "silent";

/** A daemon of ours with everything of its own, for a socket (or data root) that no service manager knows of. */
export type OwnDaemon = { socketPath: string; dataRoot: string; runFolder: string; logFile: string; settingsFile: string };

/**
 * Starts the daemon that is to serve `socketPath`.
 * @throws SetupError with the last lines of its log when it ends or does not answer in time.
 */
export async function startDaemon(socketPath: string, host: Host, probe: () => Promise<Probe>): Promise<void> {
  const own = ownDaemon(socketPath, host.env);
  const running = daemonPid(socketPath);
  if (running !== undefined) return await waitFor(probe, STARTING_MS, () => stuck(running, socketPath));
  if (own) return await startOwn(own, host, probe);

  keepDynosOverRestarts();
  removeStalePidFile(DEFAULT_PID_FILE);
  if (!(await startService(host))) return await detach([], DEFAULT_LOG, host, probe);
  await waitFor(probe, READY_MS, () => `The Docker daemon was started but does not answer at ${socketPath}.\n${logTail(host, "/var/log/docker.log")}`);
}

/** Asks the machine's service manager, and says whether there is one that could. */
async function startService(host: Host): Promise<boolean> {
  const options = { env: host.env, timeoutMs: READY_MS };
  if (host.systemd) {
    await runCommand("systemctl", ["start", "docker"], options);
    return true;
  }
  if (!existsSync("/etc/init.d/docker") || !findCommand("service", host.env)) return false;
  // Debian's script raises limits first, and gives up where a sandbox forbids that; the daemon itself runs all the same.
  return await runCommand("service", ["docker", "start"], options).then(
    () => true,
    () => false,
  );
}

/** The layout of a daemon of our own; undefined where the machine's one is meant. */
export function ownDaemon(socketPath: string, env: NodeJS.ProcessEnv): OwnDaemon | undefined {
  const given = env["PAAS_DOCKER_DATA_ROOT"]?.trim();
  if (!given && (socketPath === DEFAULT_SOCKET || socketPath === "/run/docker.sock")) return undefined;
  const dataRoot = given || `${socketPath}.data`;
  const runFolder = `${dataRoot}.run`;
  return { socketPath, dataRoot, runFolder, logFile: `${runFolder}/dockerd.log`, settingsFile: `${runFolder}/daemon.json` };
}

async function startOwn(own: OwnDaemon, host: Host, probe: () => Promise<Probe>): Promise<void> {
  for (const folder of [own.dataRoot, own.runFolder, dirname(own.socketPath)]) mkdirSync(folder, { recursive: true });
  const settings = {
    hosts: [`unix://${own.socketPath}`],
    "data-root": own.dataRoot,
    "exec-root": `${own.runFolder}/exec`,
    pidfile: `${own.runFolder}/docker.pid`,
    "live-restore": true,
  };
  writeFileSync(own.settingsFile, `${JSON.stringify(settings, undefined, 2)}\n`);
  removeStalePidFile(settings.pidfile);
  await detach(["--config-file", own.settingsFile], own.logFile, host, probe);
}

/** Containers outlive a restart of the daemon only with `live-restore`; settings that somebody wrote stay as they are. */
function keepDynosOverRestarts(): void {
  if (existsSync(DAEMON_SETTINGS)) return;
  mkdirSync(dirname(DAEMON_SETTINGS), { recursive: true });
  writeFileSync(DAEMON_SETTINGS, `${JSON.stringify({ "live-restore": true }, undefined, 2)}\n`);
}

async function detach(args: string[], logFile: string, host: Host, probe: () => Promise<Probe>): Promise<void> {
  if (!existsSync("/sys/fs/cgroup/cgroup.controllers") && !existsSync("/sys/fs/cgroup/memory") && findCommand("cgroupfs-mount", host.env))
    await runCommand("cgroupfs-mount", [], { env: host.env, timeoutMs: READY_MS });
  const dockerd = findCommand("dockerd", host.env);
  if (!dockerd) throw new SetupError("Docker's packages are installed, but dockerd is not on the path.");
  const log = openSync(logFile, "a", 0o640);
  const child = spawn(dockerd, args, { detached: true, stdio: ["ignore", log, log], env: host.env, cwd: "/" });
  let ended: string | undefined;
  child.once("error", (error) => (ended = error.message));
  child.once("exit", (code, signal) => (ended = `it ended with ${code ?? signal}`));
  await waitFor(probe, READY_MS, () => `The Docker daemon does not answer${ended ? `: ${ended}` : ""}. The last lines of ${logFile}:\n${tailOf(logFile)}`, () => ended !== undefined);
  child.unref();
}

/** A daemon of another life may have left its pid file, and its number may be another program's now: dockerd would refuse to start. */
function removeStalePidFile(pidFile: string): void {
  if (!existsSync(pidFile)) return;
  const pid = readFileSync(pidFile, "utf8").trim();
  if (processName(pid) !== "dockerd") rmSync(pidFile, { force: true });
}

/** The daemon that should be serving the socket, as the process table tells it; one in another container's process table is not ours. */
function daemonPid(socketPath: string): number | undefined {
  const ours = namespaceOf("self");
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && processName(name) === "dockerd" && namespaceOf(name) === ours);
  const found = pids.find((pid) => serves(commandLine(pid), socketPath));
  return found === undefined ? undefined : Number(found);
}

function serves(args: string[], socketPath: string): boolean {
  const settings = args.includes("--config-file") ? readIfThere(args[args.indexOf("--config-file") + 1] ?? "") : "";
  const sockets = [...`${args.join(" ")} ${settings}`.matchAll(/unix:\/\/([^\s",]+)/g)].map(([, path]) => path);
  return sockets.length > 0 ? sockets.includes(socketPath) : socketPath === DEFAULT_SOCKET;
}

function stuck(pid: number, socketPath: string): string {
  return `A Docker daemon runs (process ${pid}) but does not answer at ${socketPath}: look at its log and restart it, or set DOCKER_HOST to the socket that it serves.`;
}

async function waitFor(probe: () => Promise<Probe>, timeoutMs: number, problem: () => string, over: () => boolean = () => false): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while ((await probe()) !== "answers") {
    if (over() || performance.now() > deadline) throw new SetupError(problem());
    await delay(POLL_MS);
  }
}

function logTail(host: Host, logFile: string): string {
  return host.systemd ? "Its log: journalctl -u docker" : `The last lines of ${logFile}:\n${tailOf(logFile)}`;
}

const tailOf = (file: string): string => lastLines(readIfThere(file).slice(-16 * 1024));
const processName = (pid: string): string => readIfThere(`/proc/${pid}/comm`).trim();
const commandLine = (pid: string): string[] => readIfThere(`/proc/${pid}/cmdline`).split("\0");

function namespaceOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
