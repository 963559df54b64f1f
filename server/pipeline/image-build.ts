/** From a pushed tree with a Dockerfile to a slug that is the app's own image (devcenter: build-docker-images-heroku-yml). */

import { randomUUID } from "node:crypto";
import { dirname } from "node:path/posix";
import type { AppJson } from "../domain/app-json.ts";
import { MAX_DOCKERFILE_BYTES, declaredArgs, namedImages, parseDockerfile, type Instruction } from "../domain/dockerfile.ts";
import { MAX_DOCKERIGNORE_BYTES, parseDockerignore } from "../domain/dockerignore.ts";
import { MAX_GITATTRIBUTES_BYTES, usesLfs } from "../domain/git-lfs.ts";
import { MAX_GITMODULES_BYTES, submodulePaths } from "../domain/gitmodules.ts";
import { MAX_HEROKU_YML_BYTES, NO_HEROKU_YML, parseHerokuYml, type HerokuYml } from "../domain/heroku-yml.ts";
import type { App, ConfigVars, ProcessTypes, Slug } from "../domain/model.ts";
import { CONTAINER_STACK, checksOfImage, ownImage, shownCommand, type ImageConfig } from "../domain/own-image.ts";
import { MAX_PROCFILE_BYTES, parseProcfile } from "../domain/procfile.ts";
import type { ImageBuildOutcome } from "../engine/engine.ts";
import { AppError, invalidParams } from "../errors.ts";
import { detail, minutes, problem, size, topic, wholeLines, type Output } from "./output.ts";
import type { Parts } from "./parts.ts";
import type { Source } from "./source.ts";
import type { Stopwatch } from "./stopwatch.ts";

const KILLED = /returned a non-zero code: 137/;
/** 1980: what packs files refuses times that no ZIP archive can say. */
const EARLIEST_EPOCH = 315_532_800;

type Order = { app: App; buildId: string; source: Source; appJson: AppJson; config: ConfigVars };

/** Whether app, app.json or a heroku.yml ask for it. Where none does, a Dockerfile is taken when no language is found (buildpacks/order). */
export async function wantsOwnImage({ store }: Pick<Parts, "store">, app: App, source: Source, appJson: AppJson): Promise<boolean> {
  return store.apps.stack(app.id) === CONTAINER_STACK || appJson.stack === CONTAINER_STACK || (await source.readFile("heroku.yml", MAX_HEROKU_YML_BYTES)) !== undefined;
}

/**
 * Builds the image with the engine's builder. The slug is not written down yet.
 * @throws AppError invalid_params (heroku.yml, Dockerfile, Procfile), build_failed, engine_unavailable. Nothing is left of a build that failed.
 */
export async function buildOwnImage(parts: Parts, { app, buildId, source, appJson, config }: Order, output: Output, stopwatch: Stopwatch, signal: AbortSignal): Promise<Slug> {
  const { engine, config: { limits, registries } } = parts;
  const herokuYml = await readHerokuYml(source);
  const instructions = await readDockerfile(source, herokuYml);
  const args = buildArgs(instructions, { ...(await dateOf(source)), ...config, SOURCE_VERSION: source.commit, ...herokuYml.config });
  const images = namedImages(instructions, args, registries);
  const folder = dirname(herokuYml.dockerfile) === "." ? "" : dirname(herokuYml.dockerfile);
  const dockerfile = herokuYml.dockerfile.slice(folder === "" ? 0 : folder.length + 1);
  const sees = await seenBy(source, folder);

  await warnOfSubmodules(source, output);
  topic(output, `Building with ${herokuYml.dockerfile}`);
  if (Object.keys(args).length > 0) detail(output, `Build arguments: ${Object.keys(args).join(", ")}`);
  stopwatch.lap("read source");
  const printed = wholeLines(output);
  const spec = { buildId, appId: app.id, source: source.archive(signal), folder, dockerfile, sees: (path: string) => path === dockerfile || sees(path), usesLfs: await sendsToLfs(source), target: herokuYml.target, args, images, memoryMb: limits.buildMemoryMb };
  const outcome = await engine.buildImage(spec, printed, limits.buildMinutes * 60_000, stopwatch, signal).finally(printed.end);
  if (outcome.image === undefined || outcome.config === undefined) throw failure(outcome, limits, signal);

  try {
    const procfile = await source.readFile("Procfile", MAX_PROCFILE_BYTES);
    const declared = { ...(procfile ? parseProcfile(procfile) : {}), ...herokuYml.processTypes };
    const processTypes = { ...defaultTypes(outcome.config), ...declared };
    tellTypes(output, declared, processTypes);
    if (Object.keys(processTypes).length === 0) throw invalidParams("Dockerfile: the image has neither CMD nor ENTRYPOINT, and no Procfile or heroku.yml says what to run. Add a line such as CMD [\"./serve\"].");
    detail(output, `Image size: ${size(outcome.sizeBytes)}`);
    const own = ownImage(outcome.config, declared["web"] === undefined);
    return {
      id: randomUUID(), appId: app.id, image: outcome.image, commit: source.commit, buildpack: "Dockerfile", buildpacks: [], processTypes, appJson: { ...appJson, healthchecks: checksOfImage(outcome.config, own.port, appJson.healthchecks) }, stack: CONTAINER_STACK,
      size: outcome.sizeBytes, checksum: null, prunedAt: null, createdAt: parts.now(), ownImage: own,
    };
  } catch (error) {
    await engine.removeImage(outcome.image);
    throw error;
  }
}

/** Whether the image wants them only its Dockerfile knows. */
async function warnOfSubmodules(source: Source, output: Output): Promise<void> {
  const paths = submodulePaths((await source.readFile(".gitmodules", MAX_GITMODULES_BYTES))?.toString("utf8") ?? "");
  if (paths.length > 0) problem(output, `Warning: submodules are not fetched, so these folders are empty: ${paths.join(", ")}.`);
}

/** As git reads it: what is no plain file says nothing. */
async function sendsToLfs(source: Source): Promise<boolean> {
  const attributes = await source.readFile(".gitattributes", MAX_GITATTRIBUTES_BYTES).catch((error: unknown) => {
    if (error instanceof AppError && error.id === "invalid_params") return undefined;
    throw error;
  });
  return usesLfs(attributes?.toString("utf8") ?? "");
}

/** SOURCE_DATE_EPOCH (reproducible-builds.org/specs/source-date-epoch), as builds by buildpacks have it. */
async function dateOf(source: Source): Promise<ConfigVars> {
  const epoch = await source.epoch();
  return epoch !== undefined && epoch > EARLIEST_EPOCH ? { SOURCE_DATE_EPOCH: String(epoch) } : {};
}

async function readHerokuYml(source: Source): Promise<HerokuYml> {
  const bytes = await source.readFile("heroku.yml", MAX_HEROKU_YML_BYTES);
  return bytes ? parseHerokuYml(bytes) : NO_HEROKU_YML;
}

async function readDockerfile(source: Source, { dockerfile }: HerokuYml): Promise<Instruction[]> {
  const bytes = await source.readFile(dockerfile, MAX_DOCKERFILE_BYTES);
  if (!bytes) throw invalidParams(`${dockerfile}: is not in this repository, and the app is built from it. Add it, or go back to buildpacks: heroku stack:set debian-12${dockerfile === "Dockerfile" ? "" : ", without heroku.yml"}.`);
  return parseDockerfile(bytes);
}

/** What the Dockerfile declares (ARG), of what there is: config vars reach no build that does not name them. */
function buildArgs(instructions: Instruction[], values: ConfigVars): ConfigVars {
  return Object.fromEntries(declaredArgs(instructions).flatMap((name) => (Object.hasOwn(values, name) ? [[name, values[name] as string]] : [])));
}

async function seenBy(source: Source, folder: string): Promise<(path: string) => boolean> {
  const ignore = await source.readFile(folder === "" ? ".dockerignore" : `${folder}/.dockerignore`, MAX_DOCKERIGNORE_BYTES);
  return ignore ? parseDockerignore(ignore.toString("utf8")) : () => true;
}

function defaultTypes(config: ImageConfig): ProcessTypes {
  const command = shownCommand(config);
  return command === "" ? {} : { web: command };
}

function tellTypes(output: Output, declared: ProcessTypes, all: ProcessTypes): void {
  topic(output, "Discovering process types");
  const names = Object.keys(declared);
  const defaults = Object.keys(all).filter((type) => !names.includes(type));
  if (names.length > 0 || defaults.length === 0) detail(output, `Procfile or heroku.yml declare types -> ${names.sort().join(", ") || "(none)"}`);
  if (defaults.length > 0) detail(output, `Default types of the image -> ${defaults.join(", ")}`);
}

function failure({ failure: said = "", timedOut }: ImageBuildOutcome, limits: Parts["config"]["limits"], signal: AbortSignal): AppError {
  if (signal.aborted) return new AppError("build_failed", "The build was interrupted.");
  if (timedOut) return new AppError("build_failed", `The build took longer than ${minutes(limits.buildMinutes)} and was stopped (PAAS_BUILD_MINUTES).`);
  const hint = KILLED.test(said) ? `\nStatus 137 means that it was killed: it may have used more than ${limits.buildMemoryMb} MB of memory (PAAS_BUILD_MEMORY_MB).` : "";
  return new AppError("build_failed", `The build failed: ${said.slice(0, 1000)}${hint}`);
}
