/** Builds on Docker Engine: a fresh container per push, thrown away once its layer is the slug. */

import type Dockerode from "dockerode";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract, pack } from "tar-stream";
import { isStatus, within } from "./docker-call.ts";
import { untilExit } from "./dynos.ts";
import { startAmendment } from "./amendment.ts";
import { createBuildReport } from "./build-report.ts";
import type { BuildOutcome, BuildpackInput, BuildSpec, Engine, Exit, Output } from "./engine.ts";
import { exitCode } from "./exit-code.ts";
import { LABEL, labels, networkName, slugTag } from "./naming.ts";
import type { ConfigVars } from "../domain/model.ts";
import type { BuildShare } from "./build-share.ts";
import type { PackageImages } from "./package-images.ts";
import type { Remover } from "./remover.ts";
import { chosenBuildpacks, inRightImage, OTHER_IMAGE } from "./right-image.ts";
import type { Sandbox, Sandboxes } from "./sandboxes.ts";
import { AMENDS, saidOnce, slugBase, START_OVER, type SlugBase } from "./slug-base.ts";

const CALL_MS = 30_000;
const COMMIT_MS = 300_000;
/** Where buildpacks/build leaves what the control plane wants to know. */
const OUT = "/opt/paas/out";
const MAX_FILE_BYTES = 256 * 1024;
const NOTHING = { image: undefined, sizeBytes: 0, checksum: undefined, buildpacks: [] };

/**
 * Runs a build in the given image, or one with the packages of its buildpacks on top, or on an earlier slug of the app; /opt/paas/bin/build
 * in it reads settings, environment and source from its standard input. Nothing of the pushed tree is ever unpacked on the host.
 * @param ahead a sandbox that was started for it
 */
export type BuildRunner = (buildImage: string, ahead: Sandbox | undefined, ...build: Parameters<Engine["build"]>) => ReturnType<Engine["build"]>;

export function createBuildRunner(docker: Dockerode, instance: string, packages: PackageImages, sandboxes: Sandboxes, remover: Remover, share: BuildShare): BuildRunner {
  return async (buildImage, ahead, spec, output, timeoutMs, stopwatch, signal) => {
    const env = await environmentTar(spec.config);
    const place = { instance, appId: spec.appId, network: networkName(instance, spec.appId, spec.purpose) };
    const base = ahead ? ahead.spec.base : await slugBase(docker, spec.lastImage, buildImage);
    const { first, again } = saidOnce(output);
    let waiting = ahead;
    if (base?.keeps) {
      const kept = await run(base.image, {}, first);
      if (kept.exit.code !== START_OVER && kept.exit.code !== OTHER_IMAGE) return kept;
    }
    const likely = spec.buildpacks.length > 0 ? spec.buildpacks.map(({ name }) => name) : spec.lastBuildpacks;
    return inRightImage(packages, buildImage, likely, place, again, signal, (image, resumption) => run(image, resumption, again));

    async function run(image: string, more: Record<string, string>, output: Output): Promise<BuildOutcome & { timedOut: boolean }> {
      const begunOn = waiting?.spec.image ?? image;
      const amendable = base !== undefined && (await canAmend(docker, base, begunOn));
      const sandbox = waiting ?? (await sandboxes.start({ appId: spec.appId, purpose: spec.purpose, image, base, memoryMb: spec.memoryMb }));
      waiting = undefined;
      const amendment = amendable ? startAmendment(docker, instance, remover, share, { appId: spec.appId, image: base.image, memoryMb: spec.memoryMb }) : undefined;
      let slug: string | undefined;
      try {
        // Its own note lies in it.
        const note = begunOn === base?.image ? undefined : await amendment?.note();
        stopwatch.lap("start build");
        const { exit, timedOut, files } = await untilBuilt(sandbox, { spec, env, note, more }, output, timeoutMs, signal);
        stopwatch.lap("build");
        if (!files) return { exit, timedOut, ...NOTHING, files: exit.code === OTHER_IMAGE ? await readFiles(sandbox.container, OUT) : new Map<string, Buffer>() };
        const becomes = line(files, "base", /^[a-z ]{1,50}$/) ?? "";
        const amended = becomes === AMENDS ? await amendment?.amend(sandbox.container) : undefined;
        slug = await commit(amended ?? sandbox.container, instance, spec, becomes);
        stopwatch.lap("commit slug");
        return {
          exit, timedOut, image: slug, files, buildpacks: chosenBuildpacks(files).map(({ buildpack }) => buildpack),
          sizeBytes: Number(line(files, "size", /^\d{1,15}$/) ?? 0), checksum: line(files, "checksum", /^SHA256:[0-9a-f]{64}$/),
        };
      } finally {
        const gone = Promise.all([slug === undefined ? remover.remove(sandbox.container.id) : sandboxes.retire(sandbox, slug), amendment?.discard()]);
        // A slug need not wait for what is thrown away; what fails is tried again by removeLate().
        if (slug === undefined) await gone;
        else void gone.catch(() => undefined);
      }
    }
  };
}

/** Of a build that succeeded, with the files that it reported. */
type Ended = { exit: Exit; timedOut: boolean; files?: Map<string, Buffer> };
type Inputs = { spec: BuildSpec; env: Buffer; note: Buffer | undefined; more: Record<string, string> };

/**
 * Sends a build what it is of, and waits for its report or its container's end.
 * @throws what made the source or a buildpack unreadable
 */
async function untilBuilt({ container, stdin, listen, ended }: Sandbox, { spec, env, note, more }: Inputs, output: Output, timeoutMs: number, signal: AbortSignal | undefined): Promise<Ended> {
  const report = createBuildReport(output);
  listen(report.output);
  const settings = {
    STACK: spec.stack, SOURCE_VERSION: spec.commit, PAAS_ENV_BYTES: String(env.length), ...settingsFor(spec.buildpacks), PAAS_NOTE_BYTES: String(note?.length ?? 0),
    PAAS_REPORT_MARK: report.mark, ...(spec.purpose ? { PAAS_BUILD_FOR: spec.purpose } : {}), ...more,
  };
  const feeding = feed(stdin, [settingsHeader(settings), env], [...spec.buildpacks.flatMap(({ archive }) => (archive ? [archive.open()] : [])), Readable.from(note ? [note] : []), spec.source()]);
  const over = new AbortController();
  const ending: Promise<Ended> = untilExit(container, () => howItEnded(container, over.signal), timeoutMs, signal);
  const reported = report.files.then((files): Ended => ({ exit: { code: 0, outOfMemory: false }, timedOut: false, files }));
  const { exit, timedOut, files } = await Promise.race([reported, ending]).finally(() => over.abort());
  ending.catch(() => undefined);
  if (!files) await ended;
  const unreadable = await feeding;
  const broken = timedOut || signal?.aborted;
  if (exit.code === 0 && unreadable && !broken) throw unreadable;
  if (files && !broken) return { exit, timedOut, files };
  // One that ended without a word was ended by something of its own.
  return { exit: exit.code === 0 ? { ...exit, code: 1 } : exit, timedOut };
}

async function howItEnded(container: Dockerode.Container, signal: AbortSignal): Promise<Exit> {
  const code = await exitCode(container, signal);
  return { code, outOfMemory: code !== 0 && (await within(CALL_MS, "inspect build", container.inspect())).State.OOMKilled };
}

/** Whether a build that begins on that image may become differences to the base: both stand on the same then. */
async function canAmend(docker: Dockerode, base: SlugBase, image: string): Promise<boolean> {
  if (!base.noted || base.keeps) return base.noted && image === base.image;
  return (await within(CALL_MS, "inspect image", docker.getImage(image).inspect())).Id === base.on;
}

/** What buildpacks/build reads first: a line each, and an empty one. */
export function settingsHeader(settings: Record<string, string>): Buffer {
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value.replaceAll("\n", " ")}\n`);
  return Buffer.from(`${lines.join("")}\n`);
}

/** Config vars as files, one each: they never stand in the container's own description. */
async function environmentTar(config: ConfigVars): Promise<Buffer> {
  const archive = pack();
  for (const [name, value] of Object.entries(config)) archive.entry({ name, mode: 0o600 }, value);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What buildpacks/build is told of them: their names, and how much of its standard input each archive is. */
function settingsFor(buildpacks: BuildpackInput[]): Record<string, string> {
  if (buildpacks.length === 0) return {};
  return { PAAS_BUILDPACKS: buildpacks.map(({ name }) => name).join(" "), PAAS_BUILDPACK_BYTES: buildpacks.flatMap(({ archive }) => archive?.bytes ?? []).join(" ") };
}

/** Sends settings and environment, then buildpacks and source. A build that stops reading early shows in its exit code; what is unreadable comes back as the error. */
async function feed(stdin: NodeJS.ReadWriteStream, before: Buffer[], streams: Readable[]): Promise<Error | undefined> {
  let unreadable: Error | undefined;
  for (const stream of streams) stream.on("error", (error) => (unreadable ??= error));
  for (const part of before) stdin.write(part);
  await pipeline(async function* () {
    for (const stream of streams) yield* stream;
  }, stdin).catch(() => streams.forEach((stream) => stream.destroy()));
  return unreadable;
}

/** Regular files at that path of a stopped container, by base name. Links and large files are left out. */
async function readFiles(container: Dockerode.Container, path: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  let archive: NodeJS.ReadableStream;
  try {
    archive = await within(CALL_MS, "read build result", container.getArchive({ path }));
  } catch (error) {
    if (isStatus(error, 404)) return files;
    throw error;
  }
  const entries = extract();
  (archive as Readable).on("error", (error) => entries.destroy(error)).pipe(entries);
  for await (const entry of entries) {
    const { name, type, size = 0 } = entry.header;
    const chunks: Buffer[] = [];
    for await (const chunk of entry as AsyncIterable<Buffer>) if (size <= MAX_FILE_BYTES) chunks.push(chunk);
    if (type === "file" && size <= MAX_FILE_BYTES) files.set(name.split("/").at(-1) ?? name, Buffer.concat(chunks));
  }
  return files;
}

/** A file of one line, if it looks as it should: hostile code may have written it. */
function line(files: Map<string, Buffer>, name: string, form: RegExp): string | undefined {
  const text = files.get(name)?.toString("latin1").trim() ?? "";
  return form.test(text) ? text : undefined;
}

/** Makes the stopped container's layer an image. The tag keeps it from an operator's `docker image prune`. @returns its id */
async function commit(container: Dockerode.Container, instance: string, spec: BuildSpec, base: string): Promise<string> {
  const { repo, tag } = slugTag(spec.buildId);
  // Said of each: those of the image below would hold otherwise.
  const label = { ...labels(instance, "slug", spec.appId), [LABEL.base]: base };
  const options = {
    _query: { container: container.id, repo, tag, pause: false, comment: `slug of ${spec.commit}` },
    _body: { Labels: label, Env: ["HOME=/app"], Cmd: null, OpenStdin: false, StdinOnce: false, AttachStdin: false },
  };
  const { Id } = (await within(COMMIT_MS, "commit slug", container.commit(options))) as { Id: string };
  return Id;
}
