/** Builds with Maven: the app's own wrapper where what it downloads can be reached, else the stack's. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { boundFolder } from "../../lib/build-cache.ts";
import { failing } from "../../lib/causes.ts";
import { run } from "../../lib/command.ts";
import { BuildFailure, step, warn } from "../../lib/output.ts";
import { readOwnFile } from "../../lib/own-file.ts";
import { isForPusher, words, type Build } from "./build.ts";
import { CAUSES } from "./causes.ts";
import { fetchDistribution } from "./wrapper.ts";

/** Maven tells of every download otherwise. */
const QUIET = "-Dorg.slf4j.simpleLogger.log.org.apache.maven.cli.transfer.Slf4jMavenTransferListener=warn";
/** For as long as builds live, which is seconds, the compiler that is quick to begin is the better one. */
const QUICK = "-XX:TieredStopAtLevel=1";
const PROPERTIES = ".mvn/wrapper/maven-wrapper.properties";
const REPOSITORY_MB = 2048;

/** How an app's Maven is called. */
export type Maven = {
  /** As the pusher would type it. */
  name: "mvn" | "./mvnw";
  program: string;
  /** Those that come before options and goals. */
  args: string[];
  /** Where downloads are kept. */
  repository: string;
};

/** Chooses Maven, with its cache in bounds. */
export async function prepareMaven(build: Build): Promise<Maven> {
  const { buildDir, cacheDir, env } = build;
  const repository = join(cacheDir, "maven/repository");
  env["MAVEN_USER_HOME"] = join(cacheDir, "maven");
  env["MAVEN_OPTS"] = `-XX:MaxRAMPercentage=70 ${QUICK} ${env["MAVEN_OPTS"] ?? ""}`.trim();
  await boundFolder(repository, readOwnFile(buildDir, "pom.xml") ?? "", REPOSITORY_MB);
  const [program, ...wrapper] = (await isWrapperUsed(build)) ? (["sh", "./mvnw"] as const) : (["mvn"] as const);
  return { name: wrapper.length > 0 ? "./mvnw" : "mvn", program, args: [...wrapper, "-B", QUIET, ...settingsArgs(build)], repository };
}

/** @throws BuildFailure with cause and fix where Maven's words are known. */
export async function buildWithMaven(build: Build): Promise<void> {
  const { env } = build;
  const maven = await prepareMaven(build);
  await runMaven(build, maven, [...words(env["MAVEN_CUSTOM_OPTS"], "-DskipTests"), ...words(env["MAVEN_CUSTOM_GOALS"], "clean install")]);
}

/** @throws BuildFailure with cause and fix where Maven's words are known. */
export async function runMaven({ buildDir, env }: Build, { name, program, args, repository }: Maven, told: string[]): Promise<void> {
  step(`Executing: ${name} ${told.join(" ")}`);
  failing("Maven", await run(program, [...args, `-Dmaven.repo.local=${repository}`, ...told], { cwd: buildDir, env, shows: isForPusher }), CAUSES);
}

/** Heroku's order: MAVEN_SETTINGS_PATH, settings.xml at the top. @returns the path of the file */
export function settingsFile({ buildDir, env }: Build): string | undefined {
  const named = env["MAVEN_SETTINGS_PATH"];
  if (named && !existsSync(join(buildDir, named))) throw new BuildFailure(`The config var MAVEN_SETTINGS_PATH names ${named}, which is not in this repository.`, "Correct it, or commit that file.");
  const file = named ?? (existsSync(join(buildDir, "settings.xml")) ? "settings.xml" : undefined);
  return file && join(buildDir, file);
}

function settingsArgs(build: Build): string[] {
  const file = settingsFile(build);
  return file ? ["-s", file] : [];
}

async function isWrapperUsed(build: Build): Promise<boolean> {
  const { buildDir, cacheDir } = build;
  if (!existsSync(join(buildDir, "mvnw")) || !existsSync(join(buildDir, PROPERTIES))) return false;
  const { isThere, url } = await fetchDistribution(build, { tool: "Maven", script: "mvnw", properties: PROPERTIES, dists: join(cacheDir, "maven/wrapper/dists") });
  if (!isThere) warn("The Maven of the wrapper cannot be fetched: the stack's is used.", `Its address is distributionUrl in ${PROPERTIES}: ${url}.`);
  return isThere;
}
