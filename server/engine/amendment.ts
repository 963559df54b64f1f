/**
 * The differences of a build to the slug that it began on, made on that slug in a container of their own: only they become a layer then, where
 * committing the build's own container would write all of the app once more.
 */

import type Dockerode from "dockerode";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { extract } from "tar-stream";
import { DYNO_USER } from "./build-image.ts";
import type { BuildShare } from "./build-share.ts";
import { within } from "./docker-call.ts";
import { confinement, pipeText } from "./dynos.ts";
import { exitCode } from "./exit-code.ts";
import { buildName, labels } from "./naming.ts";
import type { Remover } from "./remover.ts";

const CALL_MS = 30_000;
const AMEND_MS = 120_000;
const MAX_NOTE_BYTES = 64 * 2 ** 20;
/** Where buildpacks/differences leaves them. */
const NOTE = "/opt/paas/out/keep/contents";
const CHANGES = "/opt/paas/changes";

export type Amendment = {
  /** What the slug says of its own contents, for the build; undefined where that is missing or huge. */
  note(): Promise<Buffer | undefined>;
  /** @returns the container whose layer they are; undefined where they could not be made: commit the build's own then. */
  amend(build: Dockerode.Container): Promise<Dockerode.Container | undefined>;
  /** Removes the container; called once, in every case. */
  discard(): Promise<void>;
};

/** Starts the container at once: the build takes longer than its start. @param image the slug that the build began on */
export function startAmendment(docker: Dockerode, instance: string, remover: Remover, share: BuildShare, { appId, image, memoryMb }: { appId: string; image: string; memoryMb: number }): Amendment {
  const created = within(CALL_MS, "create amendment", docker.createContainer({
    name: buildName(instance, appId),
    Image: image,
    Cmd: ["/opt/paas/bin/amend"],
    User: DYNO_USER,
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    Labels: labels(instance, "build", appId),
    HostConfig: { ...confinement(memoryMb), ...share.limits(), NetworkMode: "none" },
  }));
  const started = created.then(async (container) => {
    const stream = await within(CALL_MS, "attach to amendment", container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true }));
    const ended = pipeText(stream as never, () => undefined);
    await within(CALL_MS, "start amendment", container.start());
    return { container, stdin: stream as NodeJS.WritableStream, ended };
  });
  started.catch(() => undefined);

  return {
    async note() {
      const entries = extract();
      const archive = (await within(CALL_MS, "read note", (await created).getArchive({ path: NOTE }))) as Readable;
      archive.on("error", (error) => entries.destroy(error)).pipe(entries);
      let note: Buffer | undefined;
      // To its end: the engine keeps the container locked until then.
      for await (const entry of entries) {
        if ((entry.header.size ?? 0) <= MAX_NOTE_BYTES) note = await buffer(entry as unknown as Readable);
        else entry.resume();
      }
      return note;
    },
    async amend(build) {
      try {
        const { container, stdin, ended } = await started;
        await pipeline((await within(CALL_MS, "read changes", build.getArchive({ path: CHANGES }))) as Readable, stdin);
        const code = await within(AMEND_MS, "amend", exitCode(container));
        await ended;
        return code === 0 ? container : undefined;
      } catch {
        return undefined;
      }
    },
    async discard() {
      const container = await created.catch(() => undefined);
      if (container) await remover.remove(container.id);
    },
  };
}
