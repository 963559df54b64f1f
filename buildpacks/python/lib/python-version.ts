/** Which Python the app asks for: .python-version, or Heroku's older runtime.txt. The stack has one, and says so. */

import { BuildFailure, info, step, warn } from "../../lib/output.ts";
import { readOwnFile } from "../../lib/own-file.ts";
import { minorOf } from "../../lib/version.ts";
import type { Build } from "./build.ts";

type Wanted = { file: string; version: string };

/** @throws BuildFailure when the app asks for another Python than the stack's, naming what is there. */
export function checkVersion({ buildDir, pythonVersion }: Build): void {
  const wanted = wantedVersion(buildDir);
  if (!wanted) {
    step("No Python version was specified. Using the stack's");
    return info(`Python ${pythonVersion}; to hold on to it, put ${minorOf(pythonVersion)} into a file .python-version`);
  }
  const { file, version } = wanted;
  if (version !== "3" && minorOf(version) !== minorOf(pythonVersion)) {
    throw new BuildFailure(`Python ${version} (${file}) is not available: this stack has Python ${pythonVersion}.`, `Write ${minorOf(pythonVersion)} into ${file}, see that the app runs on it, commit and push again.`);
  }
  step(`Using Python ${pythonVersion} specified in ${file}`);
  if (version.split(".").length === 3 && version !== pythonVersion) warn(`${file} asks for Python ${version}; the stack's is ${pythonVersion}, which takes its place.`, `Write ${minorOf(version)} to be content with whatever patch release the stack has.`);
}

function wantedVersion(buildDir: string): Wanted | undefined {
  const file = [".python-version", "runtime.txt"].find((name) => readOwnFile(buildDir, name) !== undefined);
  if (!file) return undefined;
  const lines = (readOwnFile(buildDir, file) ?? "").split("\n").map((line) => line.replace(/#.*/, "").trim()).filter(Boolean);
  if (lines.length === 0) throw new BuildFailure(`${file} names no Python version.`, "Write one into it, such as 3.11, or remove it; commit and push again.");
  if (lines.length > 1) throw new BuildFailure(`${file} names more than one Python version: ${lines.join(", ").slice(0, 100)}.`, "Leave one, commit and push again.");
  const found = /^(?:python-|cpython-)?(3(?:\.\d+){0,2})$/.exec(lines[0] ?? "");
  if (!found) throw new BuildFailure(`${file} holds ${JSON.stringify((lines[0] ?? "").slice(0, 60))}, which is no version of Python 3.`, "Write it like this: 3.11. Commit and push again.");
  return { file, version: found[1] ?? "" };
}
