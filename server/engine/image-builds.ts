/** Builds from a Dockerfile, by the engine's own builder: the app's network, a limit of memory, a quarter of a dyno's CPU, and steps of no other app. */

import type Dockerode from "dockerode";
import { setTimeout as timer } from "node:timers/promises";
import type { Readable } from "node:stream";
import { assertTriggers } from "../domain/dockerfile.ts";
import { AppError, invalidParams } from "../errors.ts";
import { buildContext } from "./build-context.ts";
import type { BuildShare } from "./build-share.ts";
import { readBuilder } from "./builder-messages.ts";
import { engineMessage, isStatus, unlessAway, unlessGone, within } from "./docker-call.ts";
import type { Engine, ImageBuildSpec, Output } from "./engine.ts";
import { LABEL, labels, networkName, slugTag } from "./naming.ts";
import type { StageImages } from "./stage-images.ts";

const CALL_MS = 30_000;

/**
 * The builder of API version 1. BuildKit (version 2) gives its steps no limit of memory and the engine's default network, which our firewall does not confine.
 * `RUN` steps are root with the engine's usual capabilities, in a container of their own: what they make is the app's own image, which runs without any.
 */
export function createImageBuilder(docker: Dockerode, instance: string, stages: StageImages, share: BuildShare): Engine["buildImage"] {
  return async (spec, output, timeoutMs, stopwatch, signal) => {
    const late = new AbortController();
    const either = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
    const limit = new AbortController();
    void timer(timeoutMs, undefined, { signal: limit.signal, ref: false }).then(() => late.abort(), () => undefined);
    const outcome = { image: undefined, failure: undefined, timedOut: false, sizeBytes: 0, config: undefined };
    try {
      for (const image of spec.images) await ensureBase(docker, image, output, either);
      stopwatch.lap("base images");
      const { image, error } = await run(docker, instance, stages, share, spec, output, either);
      stopwatch.lap("build");
      if (either.aborted || error !== undefined || image === undefined) {
        await stages.forget(spec.buildId);
        return { ...outcome, timedOut: late.signal.aborted, failure: error ?? "The build ended without an image." };
      }
      return { ...outcome, image, ...(await inspect(docker, image)) };
    } catch (error) {
      await stages.forget(spec.buildId).catch(() => undefined);
      if (either.aborted) return { ...outcome, timedOut: late.signal.aborted, failure: "The build was stopped." };
      throw error;
    } finally {
      limit.abort();
    }
  };
}

/** Has the engine know the image, and looks at what it adds to builds on it. @throws AppError build_failed, invalid_params */
async function ensureBase(docker: Dockerode, image: string, output: Output, signal: AbortSignal): Promise<void> {
  const name = /[:@]/.test(image.split("/").at(-1) ?? "") ? image : `${image}:latest`;
  if (!(await unlessGone(within(CALL_MS, "inspect base image", docker.getImage(name).inspect())))) {
    output.write(`Pulling ${name}\n`);
    const answer = await unlessAway("pull", docker.pull(name, { abortSignal: signal })).catch((cause: unknown) => {
      throw isStatus(cause, 404) || isStatus(cause, 500) ? notPulled(name, engineMessage(cause)) : cause;
    });
    const { error } = await readBuilder(answer as Readable, { text: (text) => output.write(text), step: () => undefined });
    if (error !== undefined) throw notPulled(name, error);
  }
  const { Config } = await within(CALL_MS, "inspect base image", docker.getImage(name).inspect());
  assertTriggers(name, (Config.OnBuild as string[] | null | undefined) ?? []);
}

function notPulled(name: string, reason: string): AppError {
  return new AppError("build_failed", `The image ${name} could not be had: ${reason.slice(0, 300)}\nCheck its name and tag; images behind a login cannot be used.`);
}

async function run(docker: Dockerode, instance: string, stages: StageImages, share: BuildShare, spec: ImageBuildSpec, output: Output, signal: AbortSignal): Promise<{ image: string | undefined; error: string | undefined }> {
  const memory = spec.memoryMb * 1024 * 1024;
  const { repo, tag } = slugTag(spec.buildId);
  const { CpuShares, CgroupParent } = share.limits();
  const options = {
    abortSignal: signal, version: "1", t: `${repo}:${tag}`, dockerfile: spec.dockerfile, ...(spec.target === undefined ? {} : { target: spec.target }), buildargs: spec.args,
    memory, memswap: memory, cpushares: CpuShares, ...(CgroupParent === undefined ? {} : { cgroupparent: CgroupParent }), networkmode: networkName(instance, spec.appId), rm: true, forcerm: true, cachefrom: await stages.cacheOf(spec.appId),
    // The build's own makes an image of its own, even where every step was known: a tag more on an old one could not be removed by itself.
    labels: { ...labels(instance, "slug", spec.appId), [LABEL.build]: spec.buildId },
  };
  let unreadable: Error | undefined;
  // Not before it is handed on: nobody would be there for its errors.
  const context = buildContext(spec.source, spec.folder, spec.sees, spec.usesLfs);
  context.on("error", (error) => (unreadable = error));
  const kept: Promise<void>[] = [];
  try {
    const answer = await unlessAway("build image", docker.buildImage(context as unknown as NodeJS.ReadableStream, options as unknown as Dockerode.ImageBuildOptions));
    signal.addEventListener("abort", () => (answer as Readable).destroy(), { once: true });
    return await readBuilder(answer as Readable, { text: (text) => output.write(text), step: (stage, image) => void kept.push(stages.keep(spec.buildId, stage, image).catch(() => undefined)) });
  } catch (error) {
    if (unreadable) throw unreadable;
    if (isStatus(error, 400)) throw invalidParams(`${spec.dockerfile}: ${engineMessage(error)}`);
    throw error;
  } finally {
    context.destroy();
    await Promise.all(kept);
  }
}

async function inspect(docker: Dockerode, image: string) {
  const { Size, Config } = await within(CALL_MS, "inspect slug", docker.getImage(image).inspect());
  const { Entrypoint, Cmd, ExposedPorts } = Config;
  const health = (Config as { Healthcheck?: { Test?: string[]; Interval?: number; Timeout?: number; StartPeriod?: number; Retries?: number } }).Healthcheck;
  const config = {
    entrypoint: ([Entrypoint ?? []].flat() as string[]), command: Cmd ?? [], exposed: Object.keys(ExposedPorts ?? {}),
    healthcheck: health && { test: health.Test ?? [], interval: health.Interval ?? 0, timeout: health.Timeout ?? 0, startPeriod: health.StartPeriod ?? 0, retries: health.Retries ?? 0 },
  };
  return { sizeBytes: Size, config };
}
