/** An app's tests, compiled by Gradle, with what running them takes: their container has no cache, and compiles nothing again. */

import { globSync, rmSync } from "node:fs";
import { join } from "node:path";
import { declareFolder, isBelow } from "../../lib/folders-below.ts";
import { words, type Build } from "./build.ts";
import { prepareGradle, runGradle } from "./gradle.ts";
import { contentKey, copyForTests, noteTestCommand } from "./tests.ts";

/** The profile script for tests names it. Gradle's caches may be copied since 6.1 (docs.gradle.org: dependency_caching, copying and reusing the cache). */
const GRADLE_USER_HOME = ".heroku/java/gradle";
const RESOLVE_TASK = "paasResolveForTests";
const PROJECT_FILES = ["**/*.gradle", "**/*.gradle.kts", "**/gradle.properties", "**/*.lockfile", "gradle/**", "buildSrc/**"];
/** Of what lies there: the archive is unpacked beside it; daemons and their logs are gone. */
const NOT_FOR_TESTS = ["wrapper/dists/*/*/*.zip", "daemon", "workers", ".tmp", "notifications"];

/** @throws BuildFailure with cause and fix where Gradle's words are known. */
export async function compileGradleTests(build: Build): Promise<void> {
  const { buildDir, cacheDir, env } = build;
  const key = contentKey(buildDir, PROJECT_FILES, env["GRADLE_TASK"]);
  const isKept = isBelow(GRADLE_USER_HOME, key);
  await prepareGradle(build);
  // Its tasks are made while it runs, which the configuration cache cannot keep.
  const resolving = ["-Dorg.gradle.configuration-cache=false", "--init-script", join(import.meta.dirname, "../init/resolve-for-tests.gradle"), RESOLVE_TASK];
  await runGradle(build, words(env["GRADLE_TASK"], "testClasses"), resolving);
  if (!isKept) {
    const home = join(buildDir, GRADLE_USER_HOME);
    await copyForTests(join(cacheDir, "gradle"), home);
    for (const path of globSync(NOT_FOR_TESTS, { cwd: home })) rmSync(join(home, path), { recursive: true, force: true });
  }
  noteTestCommand(buildDir, ["sh", "./gradlew", "--console=plain", "check"]);
  declareFolder(GRADLE_USER_HOME, key);
}
