/** Which of the built archives is the program, and how it is started. */

import { existsSync, globSync } from "node:fs";
import { join } from "node:path";
import { capture } from "../../lib/command.ts";
import { quoted } from "../../lib/quoted.ts";

/** Where Maven, Gradle, Quarkus and people leave them. */
const PLACES = ["target/quarkus-app/quarkus-run.jar", "target/*.jar", "*/target/*.jar", "build/libs/*.jar", "*/build/libs/*.jar", "*.jar"];
/** Beside every program: its sources, its documentation, itself without its dependencies. */
const NO_PROGRAM = /-(?:sources|javadoc|tests|plain)\.jar$|(?:^|\/)original-[^/]*$/;
/** What a shell takes as it is. */
const PLAIN = /^[\w./+@-]+$/;
const WEBAPP_RUNNER = "target/dependency/webapp-runner.jar";

export type Jar = { path: string; kind: "spring-boot" | "quarkus" | "plain" };

/** The archives with a main class, those of the first place that has one. */
export async function findPrograms(buildDir: string): Promise<Jar[]> {
  for (const place of PLACES) {
    const found: Jar[] = [];
    for (const path of globSync(place, { cwd: buildDir }).filter((each) => !NO_PROGRAM.test(each)).sort()) {
      const manifest = await capture("unzip", ["-p", join(buildDir, path), "META-INF/MANIFEST.MF"], { cwd: "/", env: process.env });
      const jar = jarOf(path, manifest.stdout);
      if (jar) found.push(jar);
    }
    if (found.length > 0) return found;
  }
  return [];
}

/** @param manifest the text of META-INF/MANIFEST.MF */
export function jarOf(path: string, manifest: string): Jar | undefined {
  if (!/^Main-Class:/m.test(manifest)) return undefined;
  if (/^Spring-Boot-Version:|^Main-Class: org\.springframework\.boot\.loader/m.test(manifest)) return { path, kind: "spring-boot" };
  return { path, kind: path.endsWith("quarkus-run.jar") ? "quarkus" : "plain" };
}

/** The command of `web`; undefined where there is no telling. Heroku's, with the archive by its name. */
export function webCommand(buildDir: string, jars: Jar[]): string | undefined {
  if (existsSync(join(buildDir, WEBAPP_RUNNER))) return `java $JAVA_OPTS -jar ${WEBAPP_RUNNER} --port $PORT target/*.war`;
  const servers = jars.filter(({ kind }) => kind !== "plain");
  const jar = servers.length === 1 ? servers[0] : jars.length === 1 ? jars[0] : undefined;
  if (!jar) return undefined;
  const port = jar.kind === "quarkus" ? "-Dquarkus.http.port=$PORT" : "-Dserver.port=$PORT";
  return `java ${port} $JAVA_OPTS -jar ${PLAIN.test(jar.path) ? jar.path : quoted(jar.path)}`;
}
