/** The build tool that a wrapper (mvnw, gradlew) downloads: kept in the cache for as long as the app asks for the same. */

import { chmodSync, existsSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { capture } from "../../lib/command.ts";
import { BuildFailure, info } from "../../lib/output.ts";
import { readOwnFile } from "../../lib/own-file.ts";
import { isForPusher, type Build } from "./build.ts";
import { property } from "./java-version.ts";

/** Old wrappers wait for a server that is silent for as long as it is. */
const FETCH_SECONDS = "300";
const PATIENCE = "-Dsun.net.client.defaultConnectTimeout=20000 -Dsun.net.client.defaultReadTimeout=60000";
const SHOWN_LINES = 5;

export type Wrapper = {
  tool: "Maven" | "Gradle";
  script: "mvnw" | "gradlew";
  /** Where it is said what to download, relative to the app's folder. */
  properties: string;
  /** Where the wrapper puts it. */
  dists: string;
};

export type Distribution = {
  url: string;
  isThere: boolean;
  /** What the wrapper said where it has not worked. */
  said: string;
};

/**
 * Makes the wrapper a program, and has it download what its properties name, unless the cache has that; what it has of another name goes.
 * @throws BuildFailure when the wrapper names nothing, or is a script that no shell reads
 */
export async function fetchDistribution({ buildDir, env }: Build, { tool, script, properties, dists }: Wrapper): Promise<Distribution> {
  const text = readOwnFile(buildDir, properties) ?? "";
  const url = property(text, "distributionUrl")?.replaceAll("\\", "");
  if (!url) throw new BuildFailure(`${properties} names no distributionUrl.`, `Run \`${tool === "Maven" ? "mvn wrapper:wrapper" : "gradle wrapper"}\`, commit what it writes and push again.`);
  if (/^#!.*\r\n/.test(readOwnFile(buildDir, script) ?? "")) throw new BuildFailure(`${script} has the line ends of Windows: no shell here reads it.`, `Write \`${script} text eol=lf\` into .gitattributes, run \`git add --renormalize .\`, commit and push again.`);
  // Whoever commits it on Windows cannot mark it so; tests may call it.
  chmodSync(join(buildDir, script), 0o755);
  const note = `${dists}.wanted`;
  const wanted = `${url}\n${property(text, "distributionSha256Sum") ?? ""}\n`;
  if (existsSync(note) && readFileSync(note, "utf8") === wanted) return { url, isThere: true, said: "" };

  info(`Fetching the ${tool} of the wrapper: ${url}`);
  for (const path of [note, dists]) rmSync(path, { recursive: true, force: true });
  const { code, stdout, stderr } = await capture("timeout", [FETCH_SECONDS, "sh", `./${script}`, "--version"], { cwd: buildDir, env: { ...env, JAVA_TOOL_OPTIONS: `${env["JAVA_TOOL_OPTIONS"] ?? ""} ${PATIENCE}` } });
  // Gradle's wrapper marks what is whole; a Gradle that is too old for this Java is there, and yet does not run.
  const isThere = code === 0 || globSync(join(dists, "*/*/*.ok")).length > 0;
  if (isThere) writeFileSync(note, wanted);
  else rmSync(dists, { recursive: true, force: true });
  const said = `${stdout}\n${stderr}`;
  if (!isThere) lastLines(said).forEach(info);
  return { url, isThere, said };
}

/** Without where in Java's code it came from. */
function lastLines(said: string): string[] {
  return said.split("\n").filter((line) => isForPusher(line) && !/^\s*(?:at .*)?$/.test(line)).slice(-SHOWN_LINES);
}
