/** The processes that serve: as many as asked for, each with the whole table. One that dies is replaced at once. */

import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Calls, remoteMember } from "./calls.ts";
import type { Limits } from "./limits.ts";
import type { ListeningSocket } from "./listening-socket.ts";
import type { LogHub } from "./log-hub.ts";
import type { Member } from "./member.ts";
import type { RouteAuthority } from "./route-authority.ts";
import { FD, type WorkerStart } from "./worker.ts";

const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));
/** A worker that does not follow a change in this time hangs: it is killed, for the others' sake. */
const HANGS_MS = 4_000;
const START_MS = 10_000;
/** Lived so long, it is replaced at once; one that dies sooner waits, twice as long each time. */
const SOUND_MS = 10_000;
const PAUSE_MS = 100;
const MAX_PAUSE_MS = 5_000;

export type CrewOptions = {
  count: number;
  socket: ListeningSocket;
  tlsSocket: ListeningSocket | null;
  limits: Partial<Limits>;
  log: LogHub;
  onDeath: (pid: number, why: string) => void;
};

type Worker = { child: ChildProcess; calls: Calls; member: Member; ended: Promise<void> };

export class Crew {
  readonly #authority: RouteAuthority;
  readonly #options: CrewOptions;
  readonly #workers = new Set<Worker>();
  #leaving = false;

  constructor(authority: RouteAuthority, options: CrewOptions) {
    this.#authority = authority;
    this.#options = options;
  }

  /** Resolves when all of them take connections. Throws when one cannot. */
  async start(): Promise<void> {
    await Promise.all(Array.from({ length: this.#options.count }, () => this.#add(0)));
  }

  get pids(): number[] {
    return [...this.#workers].map(({ child }) => child.pid!);
  }

  /** No more connections are taken; resolves when the last one has ended, each at its next response, at the latest after `withinMs`. */
  retire(withinMs: number): Promise<void> {
    return this.#end("retire", withinMs);
  }

  /** As `retire`, but what has no request in flight ends now. */
  stop(withinMs: number): Promise<void> {
    return this.#end("stop", withinMs);
  }

  async #end(how: "retire" | "stop", withinMs: number): Promise<void> {
    this.#leaving = true;
    await Promise.all([...this.#workers].map(async ({ calls, ended }) => {
      void calls.call(how, withinMs);
      await ended;
    }));
  }

  async #add(deaths: number): Promise<void> {
    const startedAt = performance.now();
    const worker = this.#spawn();
    void worker.ended.then(async () => {
      this.#workers.delete(worker);
      this.#authority.leave(worker.member);
      if (this.#leaving) return;
      this.#options.onDeath(worker.child.pid ?? 0, worker.child.signalCode ?? `exit code ${worker.child.exitCode}`);
      const next = performance.now() - startedAt > SOUND_MS ? 0 : deaths + 1;
      if (next > 1) await new Promise((resolve) => setTimeout(resolve, Math.min(PAUSE_MS * 2 ** next, MAX_PAUSE_MS)));
      if (!this.#leaving) await this.#add(next).catch(() => {});
    });
    await this.#authority.join(async (standing) => {
      const { limits, socket, tlsSocket } = this.#options;
      const options: WorkerStart = { standing, limits: share(limits, this.#options.count), tls: tlsSocket !== null };
      const started = await within(START_MS, worker, worker.calls.call("start", options));
      if (started !== true) throw new Error(`a worker did not start on port ${socket.port}`);
      this.#workers.add(worker);
      return worker.member;
    });
  }

  #spawn(): Worker {
    const { socket, tlsSocket, log } = this.#options;
    // In the order of FD in worker.ts.
    const stdio = ["ignore", "inherit", "inherit", "ipc", socket.fd, "pipe", ...(tlsSocket === null ? [] : [tlsSocket.fd])] as const;
    const child = spawn(process.execPath, [...process.execArgv, WORKER], { stdio: [...stdio] });
    child.on("error", () => {});
    log.read((child.stdio as unknown as NodeJS.ReadableStream[])[FD.log]!);
    const calls = new Calls(child, {});
    const remote = remoteMember(calls);
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()).once("error", () => resolve()));
    const worker: Worker = { child, calls, ended, member: { ...remote, apply: (change) => within(HANGS_MS, worker, remote.apply(change)) } };
    return worker;
  }
}

/** Each worker has its part of what all of them may hold together. */
function share(limits: Partial<Limits>, count: number): Partial<Limits> {
  return limits.connections === undefined ? limits : { ...limits, connections: Math.ceil(limits.connections / count) };
}

/** The call's result; a worker that takes longer is killed, which ends the call. */
async function within<T>(ms: number, { child }: Worker, call: Promise<T>): Promise<T> {
  const timer = setTimeout(() => child.kill("SIGKILL"), ms);
  try {
    return await call;
  } finally {
    clearTimeout(timer);
  }
}
