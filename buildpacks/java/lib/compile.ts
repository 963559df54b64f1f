/** bin/compile and bin/test-compile of the Java buildpack, from top to bottom. */

import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openCache } from "../../lib/build-cache.ts";
import { mustRun } from "../../lib/command.ts";
import { withConfigVars } from "../../lib/config-vars.ts";
import { BuildFailure, info, step, tellFailures, warn } from "../../lib/output.ts";
import { readOwnFile } from "../../lib/own-file.ts";
import { noteProcessTypes } from "../../lib/process-types.ts";
import { writeProfileScripts } from "../../lib/profile-scripts.ts";
import type { Build } from "./build.ts";
import { compileGradleTests } from "./gradle-tests.ts";
import { buildWithGradle } from "./gradle.ts";
import { checkJava, STACK_JAVA } from "./java-version.ts";
import { compileMavenTests } from "./maven-tests.ts";
import { buildWithMaven } from "./maven.ts";
import { findPrograms, webCommand } from "./programs.ts";
import { trustStore } from "./trust-store.ts";

const CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt";

const [buildDir = "", cacheRoot = "", envDir = "", purpose = ""] = process.argv.slice(2);

await tellFailures(compile);

async function compile(): Promise<void> {
  step(`Using Java ${STACK_JAVA} of the stack`);
  checkJava(readOwnFile(buildDir, "system.properties"));
  const build = prepare();

  if (existsSync(join(buildDir, "pom.xml"))) await (build.forTests ? compileMavenTests(build) : buildWithMaven(build));
  else if (["gradlew", "build.gradle", "build.gradle.kts"].some((name) => existsSync(join(buildDir, name)))) await (build.forTests ? compileGradleTests(build) : buildWithGradle(build));
  else await checkJar();

  writeProfileScripts(buildDir, join(import.meta.dirname, ".."), "java.sh", ...(build.forTests ? ["java-tests.sh"] : []));
  if (!build.forTests) await noteWeb();
}

function prepare(): Build {
  const cacheDir = openCache(join(cacheRoot, "java"), process.env["STACK"] ?? "");
  const env = withConfigVars(envDir, process.env);
  const trusted = join(buildDir, ".heroku/java/cacerts");
  mkdirSync(join(buildDir, ".heroku/java"), { recursive: true });
  writeFileSync(trusted, trustStore(readFileSync(CA_BUNDLE, "utf8")));
  env["JAVA_HOME"] = globSync(`/usr/lib/jvm/java-${STACK_JAVA}-openjdk-*`)[0];
  env["JAVA_TOOL_OPTIONS"] = `-Djavax.net.ssl.trustStore=${trusted} -XX:-UsePerfData ${env["JAVA_TOOL_OPTIONS"] ?? ""}`.trim();
  return { buildDir, cacheDir, forTests: purpose === "test", env };
}

/** A finished program, pushed as it is. */
async function checkJar(): Promise<void> {
  const jars = globSync("*.jar", { cwd: buildDir });
  for (const jar of jars) {
    const isWhole = await mustRun("unzip", ["-tqq", join(buildDir, jar)]).then(() => true, () => false);
    if (!isWhole) throw new BuildFailure(`${jar} is damaged: it is no archive.`, "Is it a Git LFS pointer, or did git change its line ends? Commit the file itself, with `*.jar binary` in .gitattributes.");
  }
  if (existsSync(join(buildDir, "Procfile")) || (await findPrograms(buildDir)).length > 0) return;
  throw new BuildFailure(`${jars.join(", ")} names no main class: \`java -jar\` could not start it.`, "Let the build write Main-Class into its manifest (spring-boot, shade, shadow do), or say in a Procfile how it is started.");
}

async function noteWeb(): Promise<void> {
  const programs = await findPrograms(buildDir);
  const web = webCommand(buildDir, programs);
  for (const { path } of programs) info(`Built ${path}`);
  noteProcessTypes(buildDir, web ? { web } : {});
  if (web || existsSync(join(buildDir, "Procfile"))) return;
  if (programs.length === 0) warn("No archive with a main class was built: nothing says how this app is started.", "Let the build write Main-Class into its manifest (spring-boot-maven-plugin, shade), or add a Procfile.");
  else warn("Which of these programs serves?", `Say so in a Procfile, such as: web: java $JAVA_OPTS -jar ${programs[0]?.path ?? "app.jar"}`);
}
