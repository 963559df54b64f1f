/** Builds with the app's own Gradle wrapper. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { boundFolder } from "../../lib/build-cache.ts";
import { causeOf, failing } from "../../lib/causes.ts";
import { run } from "../../lib/command.ts";
import { BuildFailure, step } from "../../lib/output.ts";
import { readOwnFile } from "../../lib/own-file.ts";
import { isForPusher, words, type Build } from "./build.ts";
import { CAUSES, WRAPPER_CAUSES } from "./causes.ts";
import { fetchDistribution } from "./wrapper.ts";

/** Of downloads and what Gradle makes of them; what was not used for a month it drops itself. */
const CACHES_MB = 2048;
const PROPERTIES = "gradle/wrapper/gradle-wrapper.properties";

/** @throws BuildFailure when there is no wrapper, its Gradle is out of reach, or the build fails: with cause and fix where they are known. */
export async function buildWithGradle(build: Build): Promise<void> {
  await prepareGradle(build);
  await runGradle(build, gradleTasks(build.env["GRADLE_TASK"], buildScript(build.buildDir)));
}

/** Has the wrapper's Gradle in the cache, and that in bounds. @throws BuildFailure when there is no wrapper, or its Gradle is out of reach */
export async function prepareGradle(build: Build): Promise<void> {
  const { buildDir, cacheDir, env } = build;
  env["GRADLE_USER_HOME"] = join(cacheDir, "gradle");
  for (const file of ["gradlew", PROPERTIES, "gradle/wrapper/gradle-wrapper.jar"]) {
    if (!existsSync(join(buildDir, file))) throw new BuildFailure(`The Gradle wrapper is not whole: ${file} is missing.`, "Run `gradle wrapper`, add gradlew and gradle/wrapper (is *.jar in .gitignore?), commit and push again.");
  }
  await boundFolder(join(cacheDir, "gradle/caches"), buildScript(buildDir), CACHES_MB);
  const { url, isThere, said } = await fetchDistribution(build, { tool: "Gradle", script: "gradlew", properties: PROPERTIES, dists: join(cacheDir, "gradle/wrapper/dists") });
  if (isThere) return;
  const cause = causeOf(WRAPPER_CAUSES, said);
  throw new BuildFailure(...(cause.length > 0 ? cause : [`Gradle cannot be fetched from here: ${url}.`, `Let distributionUrl in ${PROPERTIES} name a mirror that this machine reaches; or push a finished .jar.`]));
}

/** @param hidden arguments that the pusher need not read @throws BuildFailure with cause and fix where Gradle's words are known */
export async function runGradle({ buildDir, env }: Build, tasks: string[], hidden: string[] = []): Promise<void> {
  step(`Executing: ./gradlew ${tasks.join(" ")}`);
  failing("Gradle", await run("sh", ["./gradlew", "--no-daemon", "--console=plain", ...hidden, ...tasks], { cwd: buildDir, env, shows: isForPusher }), CAUSES);
}

/** Heroku's: GRADLE_TASK, a build without checks for Spring Boot, else the task `stage`. */
export function gradleTasks(told: string | undefined, script: string): string[] {
  return words(told, /org\.springframework\.boot|spring-boot/.test(script) && !/\bstage\b/.test(script) ? "build -x check" : "stage");
}

function buildScript(buildDir: string): string {
  return readOwnFile(buildDir, "build.gradle") ?? readOwnFile(buildDir, "build.gradle.kts") ?? "";
}
