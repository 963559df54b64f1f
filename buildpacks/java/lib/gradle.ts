/** Builds with the app's own Gradle wrapper. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { failing } from "../../lib/causes.ts";
import { capture, run } from "../../lib/command.ts";
import { BuildFailure, step } from "../../lib/output.ts";
import { readOwnFile } from "../../lib/own-file.ts";
import { isForPusher, type Build } from "./build.ts";
import { CAUSES } from "./causes.ts";
import { property } from "./java-version.ts";

const PROPERTIES = "gradle/wrapper/gradle-wrapper.properties";

/** @throws BuildFailure when there is no wrapper, its Gradle is out of reach, or the build fails: with cause and fix where they are known. */
export async function buildWithGradle(build: Build): Promise<void> {
  const { buildDir, cacheDir, env } = build;
  env["GRADLE_USER_HOME"] = join(cacheDir, "gradle");
  for (const file of ["gradlew", PROPERTIES, "gradle/wrapper/gradle-wrapper.jar"]) {
    if (!existsSync(join(buildDir, file))) throw new BuildFailure(`The Gradle wrapper is not whole: ${file} is missing.`, "Run `gradle wrapper`, add gradlew and gradle/wrapper (is *.jar in .gitignore?), commit and push again.");
  }
  await checkDistribution(build);
  const tasks = gradleTasks(env["GRADLE_TASK"], buildScript(buildDir));
  step(`Executing: ./gradlew ${tasks.join(" ")}`);
  failing("Gradle", await run("sh", ["./gradlew", "--no-daemon", "--console=plain", ...tasks], { cwd: buildDir, env, shows: isForPusher }), CAUSES);
}

/** Heroku's: GRADLE_TASK, a build without checks for Spring Boot, else the task `stage`. */
export function gradleTasks(told: string | undefined, script: string): string[] {
  if (told?.trim()) return told.trim().split(/\s+/);
  return /org\.springframework\.boot|spring-boot/.test(script) && !/\bstage\b/.test(script) ? ["build", "-x", "check"] : ["stage"];
}

function buildScript(buildDir: string): string {
  return readOwnFile(buildDir, "build.gradle") ?? readOwnFile(buildDir, "build.gradle.kts") ?? "";
}

async function checkDistribution({ buildDir, cacheDir, env }: Build): Promise<void> {
  const url = property(readOwnFile(buildDir, PROPERTIES) ?? "", "distributionUrl")?.replaceAll("\\", "");
  if (!url) throw new BuildFailure(`${PROPERTIES} names no distributionUrl.`, "Run `gradle wrapper`, commit what it writes and push again.");
  if (existsSync(join(cacheDir, "gradle/wrapper/dists"))) return;
  const { code } = await capture("curl", ["-fsSIL", "--netrc-optional", "--connect-timeout", "10", "--max-time", "30", "-o", "/dev/null", url], { cwd: "/", env });
  if (code !== 0) throw new BuildFailure(`Gradle cannot be fetched from here: ${url}.`, `Let distributionUrl in ${PROPERTIES} name a mirror that this machine reaches; or push a finished .jar.`);
}
