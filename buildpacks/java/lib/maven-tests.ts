/**
 * An app's tests, compiled by Maven, with what running them takes: their container has no cache, and compiles nothing again. Downloads lie where
 * Maven and its wrapper look by themselves, for app.json may say `mvn test`.
 */

import { copyFileSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { capture, mustRun } from "../../lib/command.ts";
import { declareFolder, isBelow } from "../../lib/folders-below.ts";
import type { Build } from "./build.ts";
import { prepareMaven, runMaven, settingsFile, type Maven } from "./maven.ts";
import { contentKey, copyForTests, noteTestCommand } from "./tests.ts";

const REPOSITORY = ".m2/repository";
const WRAPPER = ".m2/wrapper";
/** Where it is, the repository has all that tests of these project files need. */
const NOTE = ".has-what-tests-need";
/** MAVEN_CUSTOM_OPTS for builds may have them; here they would pass whatever the tests say. */
const SKIPPING = /^-D(?:skipTests|maven\.test\.skip(?:\.exec)?)(?:=true)?$/;
const NO_TEST = "PaasNoTest";
const RESOLVE_SECONDS = "600";

/** @throws BuildFailure with cause and fix where Maven's words are known. */
export async function compileMavenTests(build: Build): Promise<void> {
  const { buildDir, cacheDir, env } = build;
  const key = contentKey(buildDir, ["**/pom.xml", ".mvn/**", settingsFile(build)?.slice(buildDir.length + 1)], env["MAVEN_CUSTOM_OPTS"]);
  const isKept = isBelow(REPOSITORY, key);
  const maven = await prepareMaven(build);
  const options = (env["MAVEN_CUSTOM_OPTS"] ?? "").split(/\s+/).filter((option) => option !== "" && !SKIPPING.test(option));

  await runMaven(build, maven, [...options, "test-compile"]);
  const isWhole = await resolveForTests(build, maven, options, key);
  if (!isKept) {
    await copyForTests(maven.repository, join(buildDir, REPOSITORY));
    dropInstalled(join(buildDir, REPOSITORY));
    if (maven.name === "./mvnw") await copyForTests(join(cacheDir, "maven/wrapper"), join(buildDir, WRAPPER));
  }
  linkSettings(build);
  noteTestCommand(buildDir, [maven.program, ...maven.args, ...options, "test"]);
  if (isWhole || isKept) for (const folder of [REPOSITORY, WRAPPER]) if (existsSync(join(buildDir, folder))) declareFolder(folder, key);
}

/**
 * What only `test` asks for, Surefire's provider above all, is resolved when there is a test: here one that does nothing. Once for the same project files.
 * @returns whether all is there; what is not is downloaded by the tests
 */
async function resolveForTests({ buildDir, env }: Build, { program, args, repository }: Maven, options: string[], key: string): Promise<boolean> {
  const note = join(repository, NOTE);
  if (existsSync(note) && readFileSync(note, "utf8") === key) return true;
  const added = await addNoTest(buildDir);
  const only = [`-Dtest=${NO_TEST}`, "-DfailIfNoTests=false", "-DfailIfNoSpecifiedTests=false", "-Dsurefire.failIfNoSpecifiedTests=false", "-Dmaven.test.failure.ignore=true"];
  const { code } = await capture("timeout", [RESOLVE_SECONDS, program, ...args, `-Dmaven.repo.local=${repository}`, ...options, ...only, "test"], { cwd: buildDir, env });
  for (const file of added) rmSync(file, { force: true });
  if (code === 0) writeFileSync(note, key);
  return code === 0;
}

/** Puts a class without tests beside those of every module. @returns its files */
async function addNoTest(buildDir: string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "no-test-"));
  writeFileSync(join(folder, `${NO_TEST}.java`), `public class ${NO_TEST} {}\n`);
  await mustRun("javac", ["--release", "8", `${NO_TEST}.java`], folder);
  const files = globSync("**/target/test-classes", { cwd: buildDir, exclude: (name) => name === "node_modules" }).map((classes) => join(buildDir, classes, `${NO_TEST}.class`));
  for (const file of files) copyFileSync(join(folder, `${NO_TEST}.class`), file);
  return files;
}

/** The app's own archives, installed by earlier builds: no test may find them. */
function dropInstalled(repository: string): void {
  for (const file of globSync("**/maven-metadata-local.xml", { cwd: repository })) rmSync(dirname(join(repository, file)), { recursive: true, force: true });
}

/** What came through a mirror counts only for a Maven that knows the mirror. */
function linkSettings(build: Build): void {
  const file = settingsFile(build);
  const place = join(build.buildDir, ".m2/settings.xml");
  if (!file || existsSync(place)) return;
  mkdirSync(dirname(place), { recursive: true });
  symlinkSync(file, place);
}
