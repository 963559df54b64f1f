/** One-off dynos on Docker Engine: with a terminal or with pipes, attached to somebody or on their own. */

import type Dockerode from "dockerode";
import { PassThrough, type Duplex } from "node:stream";
import { argumentsOf } from "../domain/own-image.ts";
import { unlessGone, within } from "./docker-call.ts";
import { containerOf, dynoOf } from "./dynos.ts";
import type { Attached, Dyno, Engine, Terminal } from "./engine.ts";
import { LABEL, dynoFromContainer, ours } from "./naming.ts";
import type { Remover } from "./remover.ts";
import { createDemultiplexer } from "./streams.ts";

const CALL_MS = 30_000;
/** Without a terminal the program's two outputs become one inside: the engine carries them apart and loses which came first. */
const JOINED = ["/bin/sh", "-c", 'exec /opt/paas/bin/start "$0" 2>&1'];

type OneOffs = Pick<Engine, "attachOneOff" | "attachInside" | "startDetached" | "oneOffs">;

/** @param onStarted hears of each dyno that runs on its own: what it prints is seen nowhere but in the log */
export function createOneOffs(docker: Dockerode, instance: string, remover: Remover, waitForExit: Engine["waitForExit"], onStarted: (dyno: Dyno) => void): OneOffs {
  return {
    async attachOneOff(spec, terminal) {
      const options: Dockerode.ContainerCreateOptions = { ...containerOf(instance, spec, "one-off"), Cmd: started(spec.command, terminal, spec.ownImage !== undefined), Tty: terminal !== undefined, OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true, AttachStderr: true };
      const container = await within(CALL_MS, "create one-off dyno", docker.createContainer(options));
      try {
        const wire = (await within(CALL_MS, "attach", container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true }))) as unknown as Duplex;
        await within(CALL_MS, "start one-off dyno", container.start());
        if (terminal) await within(CALL_MS, "size the terminal", container.resize({ w: terminal.columns, h: terminal.rows }));
        const exit = waitForExit(container.id).finally(() => remover.remove(container.id));
        const kill = (): Promise<void> => unlessGone(container.kill()).then(() => undefined, () => undefined);
        return { ...attached(wire, terminal), id: container.id, exit, kill };
      } catch (error) {
        await remover.remove(container.id).catch(() => undefined);
        throw error;
      }
    },

    async attachInside(dynoId, command, env, terminal) {
      const dyno = docker.getContainer(dynoId);
      const { Config } = await within(CALL_MS, "inspect dyno", dyno.inspect());
      // Its user and folder are the dyno's own.
      const exec = await within(CALL_MS, "create exec", dyno.exec({
        Cmd: started(command, terminal, LABEL.ownImage in Config.Labels), Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
        Tty: terminal !== undefined, AttachStdin: true, AttachStdout: true, AttachStderr: true,
      }));
      const wire = await within(CALL_MS, "start exec", exec.start({ hijack: true, stdin: true, Tty: terminal !== undefined }));
      if (terminal) await within(CALL_MS, "size the terminal", exec.resize({ w: terminal.columns, h: terminal.rows }));
      const ended = new Promise<void>((resolve) => wire.once("close", resolve));
      const exit = ended.then(async () => ({ code: (await within(CALL_MS, "inspect exec", exec.inspect())).ExitCode ?? 137, outOfMemory: false }));
      return { ...attached(wire, terminal), id: dynoId, exit, kill: async () => void wire.destroy() };
    },

    async startDetached(spec) {
      const container = await within(CALL_MS, "create one-off dyno", docker.createContainer(containerOf(instance, spec, "detached")));
      try {
        await within(CALL_MS, "start one-off dyno", container.start());
        onStarted(dynoOf(spec, container.id, { running: true, address: undefined, createdAt: new Date().toISOString() }));
        return container.id;
      } catch (error) {
        await remover.remove(container.id).catch(() => undefined);
        throw error;
      }
    },

    async oneOffs(appId) {
      const lists = await Promise.all((["one-off", "detached"] as const).map((kind) => within(CALL_MS, "list one-off dynos", docker.listContainers({ all: true, filters: ours(instance, kind, appId) }))));
      return lists.flat().map(dynoFromContainer).filter(({ type }) => type === "run");
    },
  };
}

function started(command: string, terminal: Terminal | undefined, ownImage: boolean): string[] {
  if (ownImage) return argumentsOf(command);
  return terminal ? ["/opt/paas/bin/start", command] : [...JOINED, command];
}

/** The engine's one connection as the two ends of the program's wire. */
function attached(wire: Duplex, terminal: Terminal | undefined): Pick<Attached, "input" | "output" | "terminal"> {
  const output = new PassThrough();
  // A terminal's octets come as they are; without one, stdout and stderr come framed.
  const demultiplexer = terminal ? undefined : createDemultiplexer((text) => void output.write(text));
  wire.on("data", (chunk: Buffer) => {
    if (demultiplexer) demultiplexer.push(chunk);
    else output.write(chunk);
    if (output.writableNeedDrain) wire.pause();
  });
  output.on("drain", () => wire.resume());
  wire.on("error", () => wire.destroy());
  wire.on("end", () => wire.destroy());
  wire.once("close", () => {
    demultiplexer?.end();
    output.end();
  });
  return { input: wire, output, terminal: terminal !== undefined };
}
