/** Builds with Maven: the app's own wrapper where what it downloads can be reached, else the stack's. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { boundFolder } from "../../lib/build-cache.ts";
import { failing } from "../../lib/causes.ts";
import { capture, run } from "../../lib/command.ts";
import { BuildFailure, info, step, warn } from "../../lib/output.ts";
import { readOwnFile } from "../../lib/own-file.ts";
import { isForPusher, type Build } from "./build.ts";
import { CAUSES } from "./causes.ts";

/** Maven tells of every download otherwise. */
const QUIET = "-Dorg.slf4j.simpleLogger.log.org.apache.maven.cli.transfer.Slf4jMavenTransferListener=warn";

const REPOSITORY_MB = 2048;

/** @throws BuildFailure with cause and fix where Maven's words are known. */
export async function buildWithMaven(build: Build): Promise<void> {
  const { buildDir, cacheDir, env } = build;
  env["MAVEN_USER_HOME"] = join(cacheDir, "maven");
  // Maven lives for seconds: the compiler that is quick to begin is the better one.
  env["MAVEN_OPTS"] = `-XX:MaxRAMPercentage=70 -XX:TieredStopAtLevel=1 ${env["MAVEN_OPTS"] ?? ""}`.trim();
  await boundFolder(join(cacheDir, "maven/repository"), readOwnFile(buildDir, "pom.xml") ?? "", REPOSITORY_MB);
  const [program = "mvn", ...wrapper] = await chooseMaven(build);
  const told = [...words(env["MAVEN_CUSTOM_OPTS"], "-DskipTests"), ...words(env["MAVEN_CUSTOM_GOALS"], "clean install")];
  step(`Executing: ${wrapper.length > 0 ? "./mvnw" : "mvn"} ${told.join(" ")}`);
  const args = [...wrapper, "-B", QUIET, `-Dmaven.repo.local=${join(cacheDir, "maven/repository")}`, ...settings(build), ...told];
  failing("Maven", await run(program, args, { cwd: buildDir, env, shows: isForPusher }), CAUSES);
}

const words = (text: string | undefined, standard: string): string[] => (text?.trim() || standard).split(/\s+/);

async function chooseMaven(build: Build): Promise<string[]> {
  const { buildDir, cacheDir, env } = build;
  if (!existsSync(join(buildDir, "mvnw")) || !existsSync(join(buildDir, ".mvn/wrapper/maven-wrapper.properties"))) return ["mvn"];
  const wrapper = ["sh", "./mvnw"];
  if (existsSync(join(cacheDir, "maven/wrapper/dists"))) return wrapper;
  info("Fetching the Maven of the wrapper (.mvn/wrapper/maven-wrapper.properties)");
  const { code } = await capture("sh", ["./mvnw", "--version"], { cwd: buildDir, env });
  if (code === 0) return wrapper;
  warn("The Maven of the wrapper cannot be fetched: the stack's is used.", "Its address is distributionUrl in .mvn/wrapper/maven-wrapper.properties.");
  return ["mvn"];
}

/** Heroku's order: MAVEN_SETTINGS_PATH, settings.xml at the top. */
function settings({ buildDir, env }: Build): string[] {
  const named = env["MAVEN_SETTINGS_PATH"];
  if (named && !existsSync(join(buildDir, named))) throw new BuildFailure(`The config var MAVEN_SETTINGS_PATH names ${named}, which is not in this repository.`, "Correct it, or commit that file.");
  const file = named ?? (existsSync(join(buildDir, "settings.xml")) ? "settings.xml" : undefined);
  return file ? ["-s", join(buildDir, file)] : [];
}
