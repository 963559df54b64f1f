/** What dynos print, followed from where each reader stopped, however often the connection or this process breaks off. */

import type Dockerode from "dockerode";
import type { Duplex, Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { isStatus, unlessGone, within } from "./docker-call.ts";
import type { Dyno, DynoLogReader, Engine } from "./engine.ts";
import { LABEL, dynoFromContainer, ours } from "./naming.ts";

const CALL_MS = 30_000;
const RETRY_MS = 500;
const AWAY_MS = 1000;
/** How long a removal waits for what a dyno printed last. */
const LAST_WORDS_MS = 5000;
const HEADER = 8;
/** `2026-11-23T22:14:47.123456789Z `: what the engine puts before each piece. */
const STAMP = 30;
const LINE_FEED = 10;
const BRAKE_LOOK_MS = 100;
const CALM_MS = 10_000;

export type DynoLogs = Pick<Engine, "followLogs"> & {
  /** A dyno has just been started: whoever follows reads it from its first octet. */
  started(dyno: Dyno): void;
  /** Resolves when a stopped dyno's last words are read, at once where nobody follows it, and after 5 s in any case. */
  read(dynoId: string): Promise<void>;
  follows(dynoId: string): boolean;
  /** The dyno is no more. */
  removed(dynoId: string): void;
};

/** Followers of the logs of one installation's dynos. */
export function createDynoLogs(docker: Dockerode, instance: string): DynoLogs {
  const following = new Map<string, Promise<void>>();
  const readers = new Map<string, DynoLogReader>();
  let open: Parameters<Engine["followLogs"]>[0] | undefined;
  let stop = new AbortController();

  const begin = (dyno: Dyno): void => {
    const reader = following.has(dyno.id) ? undefined : open?.(dyno);
    if (!reader) return;
    readers.set(dyno.id, reader);
    const done = follow(docker, dyno.id, reader, stop.signal).finally(() => following.delete(dyno.id));
    following.set(dyno.id, done);
  };

  return {
    started: begin,
    follows: (dynoId) => following.has(dynoId),
    removed(dynoId) {
      readers.get(dynoId)?.removed();
      readers.delete(dynoId);
    },
    async read(dynoId) {
      const done = following.get(dynoId);
      if (!done) return;
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([done, new Promise((resolve) => (timer = setTimeout(resolve, LAST_WORDS_MS)))]);
      clearTimeout(timer);
    },
    async followLogs(openReader) {
      open = openReader;
      stop = new AbortController();
      const { signal } = stop;
      const all = await within(CALL_MS, "list dynos", docker.listContainers({ all: true, filters: ours(instance) }));
      for (const info of all) if (isLogged(info.Labels) && !signal.aborted) begin(dynoFromContainer(info));
      return async () => {
        open = undefined;
        stop.abort();
        readers.clear();
        await Promise.all(following.values());
      };
    },
  };
}

/** What a person runs at a terminal is printed there, and nowhere else. */
function isLogged(labels: Record<string, string>): boolean {
  const kind = labels[LABEL.kind];
  return kind === "dyno" || kind === "detached" || (kind === "one-off" && labels[LABEL.type] === "release");
}

/** Resolves when the dyno's log is read to its end, the dyno is gone, or the signal fires. Never rejects. */
async function follow(docker: Dockerode, dynoId: string, reader: DynoLogReader, signal: AbortSignal): Promise<void> {
  const container = docker.getContainer(dynoId);
  const brake = createBrake(container, reader);
  try {
    while (!signal.aborted) {
      try {
        await read(container, reader, brake.look, signal);
        if (signal.aborted) return;
        const { State } = await within(CALL_MS, "inspect dyno", container.inspect());
        if (!State.Running && State.Status !== "created") {
          // The follower may have been cut off: what is left is read once more, and what was read is passed over by the reader.
          await read(container, reader, () => undefined, signal);
          if (!signal.aborted) reader.ended({ code: State.ExitCode, outOfMemory: State.OOMKilled });
          return;
        }
        await pause(RETRY_MS, signal);
      } catch (error) {
        // Removed, or about to be.
        if (isStatus(error, 404) || isStatus(error, 409)) return reader.ended(undefined);
        await pause(AWAY_MS, signal);
      }
    }
  } finally {
    brake.release();
  }
}

/** Hands on what was printed since the reader's time and what is printed from now on, until the dyno ends or the connection breaks. */
async function read(container: Dockerode.Container, reader: DynoLogReader, onChunk: () => void, signal: AbortSignal): Promise<void> {
  const options = { stdout: true, stderr: true, timestamps: true, follow: true, since: since(reader.since()) };
  const stream = (await within(CALL_MS, "read logs", container.logs(options as unknown as { follow: true }))) as unknown as Readable;
  const abort = (): void => void stream.destroy();
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  let pending: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      pending = takeFrames(pending.length === 0 ? chunk : Buffer.concat([pending, chunk]), reader);
      onChunk();
    }
  } catch {
    // Cut off: the caller looks at the dyno and goes on from where the reader is.
  } finally {
    signal.removeEventListener("abort", abort);
    stream.destroy();
  }
}

/** Docker API, ContainerAttach, "Stream format": one frame a message. @returns the octets of a frame that is not whole yet */
export function takeFrames(bytes: Buffer, reader: Pick<DynoLogReader, "take">): Buffer {
  let at = 0;
  while (bytes.length - at >= HEADER) {
    const end = at + HEADER + bytes.readUInt32BE(at + 4);
    if (bytes.length < end) break;
    const channel = bytes[at] === 2 ? 2 : 1;
    const text = at + HEADER + STAMP + 1;
    if (text <= end) {
      const whole = bytes[end - 1] === LINE_FEED;
      reader.take({ channel, at: bytes.toString("latin1", at + HEADER, at + HEADER + STAMP), octets: bytes.subarray(text, whole ? Math.max(text, end - 1) : end), whole });
    }
    at = end;
  }
  return at === 0 ? bytes : bytes.subarray(at);
}

/** The engine takes seconds with a fraction of nine digits. */
function since(at: string | undefined): string {
  return at === undefined ? "0" : `${Math.floor(Date.parse(`${at.slice(0, 19)}Z`) / 1000)}.${at.slice(20, 29)}`;
}

/**
 * Slows a dyno down that prints faster than its reader may take: the engine writes what a dyno prints to whoever is attached, and a dyno whose
 * attached reader does not read waits in its own write. Nobody is attached as long as nothing floods.
 */
function createBrake(container: Dockerode.Container, reader: DynoLogReader): { look(): void; release(): void } {
  let attached: Promise<Duplex | undefined> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let calmSince = 0;

  const release = (): void => {
    clearInterval(timer);
    timer = undefined;
    void attached?.then((stream) => stream?.destroy());
    attached = undefined;
  };
  const steer = (stream: Duplex | undefined): void => {
    if (!reader.overloaded()) {
      stream?.resume();
      if (performance.now() - calmSince > CALM_MS) release();
      return;
    }
    calmSince = performance.now();
    stream?.pause();
  };
  return {
    look() {
      if (attached || !reader.overloaded()) return;
      calmSince = performance.now();
      const mine = unlessGone(within(CALL_MS, "attach", container.attach({ stream: true, stdout: true, stderr: true, logs: false }))).then((answer) => {
        const stream = answer as unknown as Duplex | undefined;
        stream?.on("data", () => undefined).on("error", () => undefined);
        stream?.on("close", release);
        if (attached !== mine) stream?.destroy();
        else timer = setInterval(() => steer(stream), BRAKE_LOOK_MS).unref();
        return stream;
      }, () => undefined);
      attached = mine;
    },
    release,
  };
}

/** Resolves after `ms`, or at once when the signal fires. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return sleep(ms, undefined, { signal }).catch(() => undefined);
}
