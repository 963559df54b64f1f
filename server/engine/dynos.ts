/** Dynos on Docker Engine: create, start, look at, stop, remove. */

import type Dockerode from "dockerode";
import type { Duplex } from "node:stream";
import { argumentsOf } from "../domain/own-image.ts";
import { AppError } from "../errors.ts";
import { DYNO_USER } from "./build-image.ts";
import { isStatus, unlessGone, within } from "./docker-call.ts";
import type { Dyno, DynoSpec, Engine, Exit } from "./engine.ts";
import { exitCode } from "./exit-code.ts";
import { dynoFromContainer, dynoLabels, dynoName, networkName, ours } from "./naming.ts";
import type { Remover } from "./remover.ts";
import { createDemultiplexer, demultiplex } from "./streams.ts";

const CALL_MS = 30_000;
const LIST_MS = 10_000;
const MAX_LINE = 2000;

/** What every container of users' code gets, dyno or build (RELIABILITY a8). */
export function confinement(memoryMb: number): Dockerode.HostConfig {
  const memory = memoryMb * 1024 * 1024;
  return {
    Init: true,
    Memory: memory,
    MemorySwap: memory,
    PidsLimit: 512,
    CpuShares: 512,
    OomScoreAdj: 500,
    CapDrop: ["ALL"],
    SecurityOpt: ["no-new-privileges"],
    LogConfig: { Type: "local", Config: { "max-size": "10m", "max-file": "2" } },
  };
}

/** A dyno's container: the slug's image, the command, the environment, confined. */
export function containerOf(instance: string, spec: DynoSpec, kind: "dyno" | "one-off" | "detached"): Dockerode.ContainerCreateOptions {
  return {
    name: dynoName(instance, spec),
    Image: spec.image,
    ...howToRun(spec),
    Env: Object.entries(spec.env).map(([key, value]) => `${key}=${value}`),
    Hostname: `${spec.type}-${spec.number}`.slice(0, 63),
    Labels: dynoLabels(instance, kind, spec),
    HostConfig: { ...confinement(spec.memoryMb), NetworkMode: networkName(instance, spec.appId) },
  };
}

/** Ours is started as Heroku does, by the stack's user. The user's own runs as it says; its HEALTHCHECK is ours to ask, not the engine's. */
export function howToRun({ ownImage, command }: Pick<DynoSpec, "ownImage" | "command">): Dockerode.ContainerCreateOptions {
  if (!ownImage) return { Cmd: ["/opt/paas/bin/start", command], User: DYNO_USER, WorkingDir: "/app" };
  return { ...(ownImage === "command" ? { Cmd: argumentsOf(command) } : {}), Healthcheck: { Test: ["NONE"] } };
}

type Dynos = {
  /** @param network resolves when the app has one: the container can be made before */
  startDyno(spec: DynoSpec, network: Promise<unknown>): Promise<Dyno>;
} & Pick<Engine, "dynos" | "waitForExit" | "lastLines" | "execute" | "discardDyno" | "runOnce">;

/** @param onStarted hears of each dyno, one-off ones too, as soon as it runs. */
export function createDynos(docker: Dockerode, instance: string, remover: Remover, onStarted: (dyno: Dyno) => void): Dynos {
  const create = (spec: DynoSpec, kind: "dyno" | "one-off"): Promise<Dockerode.Container> =>
    within(CALL_MS, "create dyno", docker.createContainer(containerOf(instance, spec, kind)));

  const waitForExit = async (dynoId: string, signal?: AbortSignal): Promise<Exit> => {
    const container = docker.getContainer(dynoId);
    const code = await unlessGone(exitCode(container, signal));
    const state = (await unlessGone(within(LIST_MS, "inspect dyno", container.inspect())))?.State;
    return { code: code ?? state?.ExitCode ?? 137, outOfMemory: state?.OOMKilled ?? false };
  };

  const { remove } = remover;

  return {
    async startDyno(spec, network) {
      network.catch(() => undefined);
      const container = await create(spec, "dyno");
      try {
        await network;
        await within(CALL_MS, "start dyno", container.start());
        const { State, NetworkSettings, Created } = await within(LIST_MS, "inspect dyno", container.inspect());
        const address = Object.values(NetworkSettings.Networks)[0]?.IPAddress;
        const dyno = dynoOf(spec, container.id, { running: State.Running, address: address || undefined, createdAt: Created });
        onStarted(dyno);
        return dyno;
      } catch (error) {
        await remove(container.id).catch(() => undefined);
        throw error;
      }
    },

    async dynos(appId) {
      const list = await within(LIST_MS, "list dynos", docker.listContainers({ all: true, filters: ours(instance, "dyno", appId) }));
      return list.map(dynoFromContainer).sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true })) satisfies Dyno[];
    },

    waitForExit,

    async lastLines(dynoId, count) {
      const logs = docker.getContainer(dynoId).logs({ stdout: true, stderr: true, tail: count, follow: false });
      const framed = await unlessGone(within(LIST_MS, "read logs", logs));
      if (!framed) return [];
      return demultiplex(framed as unknown as Buffer, 64 * 1024).split(/\r?\n/).filter((line) => line !== "").slice(-count).map((line) => line.slice(0, MAX_LINE));
    },

    async execute(dynoId, command, timeoutMs, signal) {
      const exec = await within(CALL_MS, "create exec", docker.getContainer(dynoId).exec({ Cmd: command, AttachStdout: true, AttachStderr: true }));
      const stream = await within(CALL_MS, "start exec", exec.start({}));
      const output = await collect(stream, timeoutMs, signal);
      const { ExitCode } = await within(LIST_MS, "inspect exec", exec.inspect());
      return output === undefined ? { code: 124, output: "timed out" } : { code: ExitCode ?? 1, output };
    },

    async discardDyno(dynoId, graceMs) {
      const container = docker.getContainer(dynoId);
      const seconds = Math.ceil(graceMs / 1000);
      const began = performance.now();
      await unlessGone(within(graceMs + CALL_MS, "stop dyno", container.stop({ t: seconds })));
      const tookMs = performance.now() - began;
      const state = (await unlessGone(within(LIST_MS, "inspect dyno", container.inspect())))?.State;
      await remove(dynoId);
      // One that was dead already, killed by somebody else, has the same exit code.
      return { killed: state?.ExitCode === 137 && !state.OOMKilled && tookMs >= graceMs };
    },

    async runOnce(spec, output, timeoutMs, signal) {
      const container = await create(spec, "one-off");
      try {
        const stream = await within(CALL_MS, "attach", container.attach({ stream: true, stdout: true, stderr: true }));
        const ended = pipeText(stream as unknown as Duplex, (text) => output.write(text));
        await within(CALL_MS, "start one-off dyno", container.start());
        onStarted(dynoOf(spec, container.id, { running: true, address: undefined, createdAt: new Date().toISOString() }));
        const { exit, timedOut } = await untilExit(container, () => waitForExit(container.id), timeoutMs, signal);
        await ended;
        return { ...exit, timedOut };
      } finally {
        await remove(container.id);
      }
    },
  };
}

/** A dyno that was just started. */
export function dynoOf(spec: DynoSpec, id: string, state: Pick<Dyno, "running" | "address" | "createdAt">): Dyno {
  const { appId, type, number, releaseVersion, fingerprint, command } = spec;
  return { id, appId, name: `${type}.${number}`, type, number, releaseVersion, fingerprint, command, ...state };
}

/** Waits for a container's end, killing it at the time limit or when the signal fires. */
export async function untilExit(container: Dockerode.Container, wait: () => Promise<Exit>, timeoutMs: number, signal?: AbortSignal): Promise<{ exit: Exit; timedOut: boolean }> {
  let timedOut = false;
  const kill = (): void => void unlessGone(container.kill()).catch(() => undefined);
  const timer = setTimeout(() => {
    timedOut = true;
    kill();
  }, timeoutMs);
  signal?.addEventListener("abort", kill, { once: true });
  if (signal?.aborted) kill();
  try {
    return { exit: await wait(), timedOut };
  } catch (error) {
    throw isStatus(error, 404) ? new AppError("engine_unavailable", "The container engine lost the container.", { cause: error }) : error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", kill);
  }
}

/** Hands on the text of a framed stream; resolves when it has ended, however it ended. */
export function pipeText(stream: Duplex, onText: (text: string) => void): Promise<void> {
  const demultiplexer = createDemultiplexer(onText);
  return new Promise((resolve) => {
    stream.on("data", (chunk: Buffer) => demultiplexer.push(chunk));
    stream.on("error", () => undefined);
    stream.on("close", () => {
      demultiplexer.end();
      resolve();
    });
    stream.on("end", () => stream.destroy());
  });
}

/** The text of a framed stream until its end; undefined when that takes longer than `timeoutMs`, or when the signal fires. */
async function collect(stream: Duplex, timeoutMs: number, signal: AbortSignal | undefined): Promise<string | undefined> {
  const texts: string[] = [];
  let timedOut = false;
  const giveUp = (): void => {
    timedOut = true;
    stream.destroy();
  };
  const timer = setTimeout(giveUp, timeoutMs);
  signal?.addEventListener("abort", giveUp, { once: true });
  if (signal?.aborted) giveUp();
  await pipeText(stream, (text) => {
    texts.push(text);
    if (texts.length > 1000) texts.splice(0, 500);
  });
  clearTimeout(timer);
  signal?.removeEventListener("abort", giveUp);
  return timedOut ? undefined : texts.join("").slice(-64 * 1024);
}
