/** Gradle and its wrapper, of Debian's packages: where Gradle is published, these tests do not reach, and no server of theirs is reached by a build. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { madeFiles, type Files } from "./made-files.ts";

const PACKAGES = ["gradle", "openjdk-17-jdk-headless", "zip"];
const SCRIPT = readFileSync(join(import.meta.dirname, "debian-gradle.sh"), "utf8");
const DISTRIBUTION = "gradle-4.4.1-bin.zip";
/** A name without a scheme is that of a file beside the properties. */
const PROPERTIES = ["distributionBase=GRADLE_USER_HOME", "distributionPath=wrapper/dists", `distributionUrl=${DISTRIBUTION}`, "zipStoreBase=GRADLE_USER_HOME", "zipStorePath=wrapper/dists", ""];

/** @returns the wrapper's archive, its properties and what they name, by path */
export async function gradleWrapper(): Promise<Files> {
  const made = await madeFiles({ packages: PACKAGES, command: ["bash", "-c", SCRIPT], network: "none" });
  const files: Files = { ...made, "gradle-wrapper.properties": PROPERTIES.join("\n") };
  return Object.fromEntries(Object.entries(files).map(([name, content]) => [`gradle/wrapper/${name}`, content]));
}
