/** requirements.txt and the files that it refers to (pip.pypa.io: requirements-file-format). */

import { dirname, join, normalize } from "node:path";
import { readOwnFile } from "../../lib/own-file.ts";

export type Requirements = {
  /** requirements.txt and what it includes, relative to the app. */
  files: string[];
  /** Whether packages of this very repository are copied in: their source then decides as well. */
  hasLocalCopies: boolean;
  isPinned: boolean;
};

const INCLUDES = /^(?:-r|--requirement|-c|--constraint)[\s=]*(\S+)/;
const LOCAL = /^(?:\.{0,2}\/|\.$|\.\[|file:|\S+\s*@\s*file:)/;

export function readRequirements(buildDir: string, first = "requirements.txt"): Requirements {
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
