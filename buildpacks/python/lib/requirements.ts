/** requirements.txt and the files that it refers to (pip.pypa.io: requirements-file-format). */

import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { readOwnFile } from "../../lib/own-file.ts";
import type { Build } from "./build.ts";

export type Requirements = {
  /** requirements.txt and what it includes, relative to the app. */
  files: string[];
  /** Whether packages of this very repository are copied in: their source then decides as well. */
  hasLocalCopies: boolean;
  isPinned: boolean;
};

const APP = "requirements.txt";
const FOR_TESTS = "requirements-test.txt";
const INCLUDES = /^(?:-r|--requirement|-c|--constraint)[\s=]*(\S+)/;
const LOCAL = /^(?:\.{0,2}\/|\.$|\.\[|file:|\S+\s*@\s*file:)/;

/** Those that pip is given: requirements.txt where it tells the app's packages, and Heroku's requirements-test.txt beside it for tests. */
export function requirementsFiles({ buildDir, forTests }: Build, file: string): string[] {
  const files = file === APP ? [APP] : [];
  return forTests && existsSync(join(buildDir, FOR_TESTS)) ? [...files, FOR_TESTS] : files;
}

export function readRequirements(buildDir: string, first = APP): Requirements {
  const found: Requirements = { files: [], hasLocalCopies: false, isPinned: true };
  const waiting = [first];
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    if (found.files.includes(file) || file.startsWith("..")) continue;
    found.files.push(file);
    for (const line of linesOf(readOwnFile(buildDir, file) ?? "")) {
      const included = INCLUDES.exec(line)?.[1];
      if (included) waiting.push(normalize(join(dirname(file), included)));
      else if (LOCAL.test(line)) found.hasLocalCopies ||= !line.endsWith(".whl");
      else if (!line.startsWith("-")) found.isPinned &&= /===?|@/.test(line);
    }
  }
  return found;
}

function linesOf(text: string): string[] {
  return text.replaceAll(/\\\r?\n/g, " ").split("\n").map((line) => line.replace(/(^|\s)#.*/, "").trim()).filter(Boolean);
}
