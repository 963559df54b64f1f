/** Procfile: process types and their commands (devcenter: procfile#procfile-format). */

import { invalidParams } from "../errors.ts";
import type { ProcessTypes } from "./model.ts";

export const MAX_PROCFILE_BYTES = 64 * 1024;
const MAX_TYPES = 100;
const MAX_COMMAND = 8 * 1024;
const TYPE = /^[a-z][a-z0-9_-]{0,62}$/;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/**
 * Reads a Procfile. A byte-order mark, CRLF, blank lines and `#` comments are accepted.
 * @throws AppError invalid_params naming the line.
 */
export function parseProcfile(bytes: Uint8Array): ProcessTypes {
  if (bytes.length > MAX_PROCFILE_BYTES) throw invalidParams(`Procfile: larger than ${MAX_PROCFILE_BYTES / 1024} KiB.`);
  const types = new Map<string, string>();
  decode(bytes).split(/\r?\n/).forEach((line, index) => {
    if (/^\s*(#.*)?$/.test(line)) return;
    const [type, command] = parseLine(line, index + 1);
    if (types.has(type)) throw invalidParams(`Procfile, line ${index + 1}: the process type "${type}" stands there twice.`);
    types.set(type, command);
  });
  if (types.size > MAX_TYPES) throw invalidParams(`Procfile: more than ${MAX_TYPES} process types.`);
  return Object.fromEntries(types);
}

function decode(bytes: Uint8Array): string {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw invalidParams("Procfile: is not valid UTF-8 text.");
  }
  if (text.includes("\0")) throw invalidParams("Procfile: holds a NUL byte.");
  return text;
}

function parseLine(line: string, number: number): [type: string, command: string] {
  const colon = line.indexOf(":");
  if (colon < 0) throw invalidParams(`Procfile, line ${number}: must read "<process type>: <command>".`);
  const type = line.slice(0, colon).trim();
  const command = line.slice(colon + 1).trim();
  if (!TYPE.test(type))
    throw invalidParams(`Procfile, line ${number}: "${type.slice(0, 70)}" is no process type: use lowercase letters, digits, "-" and "_", a letter first, at most 63.`);
  if (command === "") throw invalidParams(`Procfile, line ${number}: the process type "${type}" has no command.`);
  if (command.length > MAX_COMMAND) throw invalidParams(`Procfile, line ${number}: the command is longer than ${MAX_COMMAND} characters.`);
  return [type, command];
}
