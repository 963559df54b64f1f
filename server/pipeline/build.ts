/** From a pushed tree to a slug, on a clean slate. */

import { randomUUID } from "node:crypto";
import type { Gathered } from "../buildpacks/gather.ts";
import type { AppJson } from "../domain/app-json.ts";
import type { Buildpack } from "../domain/buildpack.ts";
import type { App, Build, ConfigVars, ProcessTypes, Slug } from "../domain/model.ts";
import { parseProcfile } from "../domain/procfile.ts";
import type { BuildOutcome } from "../engine/engine.ts";
import { AppError, invalidParams } from "../errors.ts";
import { buildOwnImage, wantsOwnImage } from "./image-build.ts";
import { detail, minutes, size, topic, wholeLines, type Output } from "./output.ts";
import type { Parts } from "./parts.ts";
import type { Source } from "./source.ts";
import type { Stopwatch } from "./stopwatch.ts";
import { wantedBuildpacks } from "./wanted-buildpacks.ts";

export const STACK = "debian-12";
/** Exit codes of buildpacks/build: the source or its buildpack failed; no buildpack takes the app; it is the engine's builder's. */
const FAILED = 1;
const NO_BUILDPACK = 66;
const DOCKERFILE = 68;

/** A build that has told the pusher itself what was wrong. */
export class BuildFailed extends AppError {}

/** What goes into a build. */
export type BuildInput = {
  source: Source;
  appJson: AppJson;
  config: ConfigVars;
  /** The one that serves. */
  last: Slug | undefined;
  /** In place of those that the app or its source asks for. */
  buildpacks?: Buildpack[] | undefined;
};

/**
 * Builds the source; everything that the build prints goes to the output as it comes. The slug is not written down yet: its release does that.
 * @throws AppError invalid_params (buildpacks, the built Procfile), no_buildpack, build_failed, engine_unavailable. Nothing is left of a build that failed.
 */
export async function build(parts: Parts, app: App, row: Build, input: BuildInput, output: Output, stopwatch: Stopwatch, signal: AbortSignal): Promise<Slug> {
  const { engine } = parts;
  const { source, appJson } = input;
  const outcome = await runBuild(parts, app, row.id, { ...input, lastImage: input.last?.image }, output, stopwatch, signal);
  if (outcome === undefined) return buildOwnImage(parts, { ...input, app, buildId: row.id }, output, stopwatch, signal);

  try {
    const processTypes = await processTypesOf(outcome.files);
    const slug: Slug = {
      id: randomUUID(), appId: app.id, image: outcome.image, commit: source.commit, buildpack: outcome.files.get("buildpack")?.toString("utf8").trim() ?? "",
      buildpacks: outcome.buildpacks, processTypes, appJson, stack: STACK, size: outcome.sizeBytes, checksum: outcome.checksum ?? null, prunedAt: null, createdAt: parts.now(),
    };
    if (Object.keys(processTypes).length === 0)
      throw invalidParams("Procfile: declares no process type, and the buildpack has no default. Add a line such as \"web: ./serve --port $PORT\".");
    topic(output, "Compressing...");
    detail(output, `Done: ${size(outcome.sizeBytes)}`);
    return slug;
  } catch (error) {
    await engine.removeImage(outcome.image);
    throw error;
  }
}

/**
 * Builds the source for tests, as for a release but with what only they need.
 * @param lastImage what was built for the app's tests before: dependencies may stay in its layer
 * @returns the image, which is the caller's to remove, and whether it is the app's own
 * @throws AppError invalid_params, no_buildpack, build_failed, engine_unavailable. Nothing is left of a build that failed.
 */
export async function buildForTests(parts: Parts, app: App, buildId: string, input: BuildInput, lastImage: string | undefined, output: Output, stopwatch: Stopwatch, signal: AbortSignal): Promise<{ image: string; isOwn: boolean }> {
  const outcome = await runBuild(parts, app, buildId, { ...input, lastImage, purpose: "test" }, output, stopwatch, signal);
  if (outcome !== undefined) return { image: outcome.image, isOwn: false };
  return { image: (await buildOwnImage(parts, { ...input, app, buildId }, output, stopwatch, signal)).image, isOwn: true };
}

type Run = BuildInput & { lastImage: string | undefined; purpose?: "test" };

/** @returns what buildpacks made; undefined where the app is to be built from its Dockerfile */
async function runBuild(parts: Parts, app: App, buildId: string, { source, appJson, config, last, lastImage, purpose, buildpacks }: Run, output: Output, stopwatch: Stopwatch, signal: AbortSignal): Promise<(BuildOutcome & { image: string }) | undefined> {
  const { engine, config: { limits } } = parts;
  if (buildpacks === undefined && (await wantsOwnImage(parts, app, source, appJson))) return undefined;
  const gathered = await gather(parts, app, { source, appJson, purpose, buildpacks }, output, signal);
  const spec = {
    buildId, appId: app.id, commit: source.commit, stack: STACK, config, source: () => source.archive(signal), buildpacks: gathered.inputs,
    lastBuildpacks: last?.buildpacks ?? [], lastImage, memoryMb: limits.buildMemoryMb, ...(purpose && { purpose }),
  };
  const printed = wholeLines(output);
  const outcome = await engine.build(spec, printed, limits.buildMinutes * 60_000, stopwatch, signal).finally(async () => {
    printed.end();
    await gathered.close();
  });
  if (outcome.exit.code === DOCKERFILE) return undefined;
  const { image } = outcome;
  if (image === undefined) throw failure(outcome, limits, signal);
  return { ...outcome, image };
}

/** The buildpacks that the build does not find in its image or in the source: told to the pusher as they are fetched. */
async function gather(parts: Parts, app: App, wanted: Parameters<typeof wantedBuildpacks>[2], output: Output, signal: AbortSignal): Promise<Gathered> {
  try {
    return await parts.buildpacks.gather(await wantedBuildpacks(parts, app, wanted), output, signal);
  } catch (error) {
    throw signal.aborted ? interrupted(signal) : error;
  }
}

function interrupted({ reason }: AbortSignal): AppError {
  return reason instanceof AppError ? reason : new AppError("build_failed", "The build was interrupted.");
}

function failure(outcome: { exit: { code: number; outOfMemory: boolean }; timedOut: boolean }, limits: Parts["config"]["limits"], signal: AbortSignal): AppError {
  if (signal.aborted) return interrupted(signal);
  if (outcome.timedOut) return new AppError("build_failed", `The build took longer than ${minutes(limits.buildMinutes)} and was stopped (PAAS_BUILD_MINUTES).`);
  if (outcome.exit.outOfMemory) return new AppError("build_failed", `The build used more than ${limits.buildMemoryMb} MB of memory and was killed (PAAS_BUILD_MEMORY_MB).`);
  if (outcome.exit.code === NO_BUILDPACK) return new BuildFailed("no_buildpack", "No default language could be detected for this app.");
  if (outcome.exit.code === FAILED) return new BuildFailed("build_failed", "The build failed: its output says why.");
  return new AppError("build_failed", `The build exited with status ${outcome.exit.code}.`);
}

/** The Procfile of the built tree wins over the buildpack's defaults, type by type (devcenter: buildpack-api#bin-release). */
async function processTypesOf(files: Map<string, Buffer>): Promise<ProcessTypes> {
  const procfile = files.get("Procfile");
  return { ...(await defaultTypes(files.get("release.yml"))), ...(procfile ? parseProcfile(procfile) : {}) };
}

async function defaultTypes(yaml: Buffer | undefined): Promise<ProcessTypes> {
  if (!yaml) return {};
  const { parse } = await import("yaml");
  let document: unknown;
  try {
    document = parse(yaml.toString("utf8"), { maxAliasCount: 10 });
  } catch (cause) {
    throw new AppError("build_failed", "The buildpack's bin/release printed something that is not YAML.", { cause });
  }
  const types = (document as { default_process_types?: unknown } | null)?.default_process_types ?? {};
  const lines = Object.entries(types as Record<string, unknown>).map(([type, command]) => `${type}: ${String(command)}`);
  return parseProcfile(Buffer.from(lines.join("\n")));
}
