/** A Dockerfile as far as the platform must understand it: which images it stands on, and what the engine must not be asked to do (docs: reference/dockerfile). */

import { invalidParams } from "../errors.ts";
import { assertImageName } from "./image-name.ts";

export const MAX_DOCKERFILE_BYTES = 256 * 1024;

export type Instruction = { line: number; keyword: string; flags: string[]; rest: string };

const KEYWORD = /^([A-Za-z]+)(?:\s+|$)/;
const BUILDKIT_FLAGS: Record<string, RegExp> = { RUN: /^--(mount|network|security|device)\b/, COPY: /^--(link|chmod|parents|exclude)\b/, ADD: /^--(link|chmod|checksum|keep-git-dir|exclude|unpack)\b/ };
const HERE_DOCUMENT = /(^|[^<])<<-?\s*["']?[A-Za-z_]\w*/;
const PLAIN_PATH = /^[A-Za-z0-9._/*?\[\]@%+,=~^-]+$/;
/** What an image's name may be put together from here: the same text for us and for the engine, whatever either thinks of quotes. */
const PLAIN_VALUE = /^[A-Za-z0-9._/:@-]*$/;

/**
 * Reads a Dockerfile's instructions, continuation lines joined.
 * @throws AppError invalid_params when it is no text, empty, or needs what only BuildKit does.
 */
export function parseDockerfile(bytes: Uint8Array): Instruction[] {
  const instructions = read(decode(bytes));
  if (!instructions.some(({ keyword }) => keyword === "FROM")) throw invalidParams("Dockerfile: has no FROM. Its first instruction names the image that it stands on, such as \"FROM debian:12\".");
  for (const one of instructions) assertBuildable(one, "Dockerfile");
  return instructions;
}

/**
 * Checks what an image that the Dockerfile stands on adds to every build on it (ONBUILD).
 * @throws AppError invalid_params
 */
export function assertTriggers(image: string, triggers: string[]): void {
  for (const one of triggers.flatMap((trigger) => read(trigger))) {
    assertBuildable(one, `${image}: ONBUILD`);
    if (one.flags.some((flag) => /^--from=/i.test(flag))) throw invalidParams(`${image}: ONBUILD, line ${one.line}: copies from another image, which is not taken from a base image.`);
  }
}

/** The names that the Dockerfile takes from outside. */
export function declaredArgs(instructions: Instruction[]): string[] {
  return [...new Set(instructions.filter(({ keyword }) => keyword === "ARG").flatMap(({ rest }) => rest.split(/\s+/).map((word) => word.split("=")[0] ?? "")))].filter((name) => /^[A-Za-z_]\w*$/.test(name));
}

/**
 * The images of registries that the Dockerfile names, by FROM and by COPY --from, each checked.
 * @param args the values that it is given. @param registries hosts that images may come from
 * @throws AppError invalid_params naming the line
 */
export function namedImages(instructions: Instruction[], args: Record<string, string>, registries: string[]): string[] {
  const values = new Map<string, string>();
  const stages = new Set<string>();
  const images = new Set<string>();
  const take = (image: string, line: number): void => {
    if (image === "scratch" || stages.has(image.toLowerCase())) return;
    assertImageName(image, `Dockerfile, line ${line}`, registries);
    images.add(image);
  };
  let global = true;
  let count = 0;
  for (const { line, keyword, flags, rest } of instructions) {
    if (keyword === "ARG" && global) for (const word of rest.split(/\s+/)) declare(values, word, args);
    if (keyword === "FROM") {
      global = false;
      const [name = "", as, alias] = rest.split(/\s+/);
      take(substitute(name, values, line), line);
      if (/^as$/i.test(as ?? "") && alias) stages.add(alias.toLowerCase());
      stages.add(String(count++));
    }
    const from = flags.find((flag) => /^--from=/i.test(flag))?.slice("--from=".length);
    if (from !== undefined) take(from, line);
  }
  return [...images];
}

/** As the engine reads it, line by line (buildkit: frontend/dockerfile/parser): what it takes for an instruction must never be hidden from us. */
function read(text: string): Instruction[] {
  const lines = text.split(/\r?\n/);
  const continued = escapeCharacter(lines) === "`" ? /`[ \t]*$/ : /\\[ \t]*$/;
  const instructions: Instruction[] = [];
  let [started, joined] = [0, ""];
  for (const [index, line] of lines.entries()) {
    const part = line.trimStart();
    if (part.startsWith("#") || (part === "" && joined !== "")) continue;
    if (joined === "") started = index + 1;
    joined += part.replace(continued, " ");
    if (continued.test(part)) continue;
    if (joined.trim() !== "") instructions.push(instruction(joined.trim(), started));
    joined = "";
  }
  if (joined.trim() !== "") instructions.push(instruction(joined.trim(), started));
  return instructions;
}

function escapeCharacter(lines: string[]): string {
  const directive = lines.findIndex((line) => /^#\s*escape\s*=\s*`/i.test(line));
  if (directive < 0) return "\\";
  if (directive === 0 || (directive === 1 && /^#\s*syntax\s*=/i.test(lines[0] ?? ""))) return "`";
  throw invalidParams(`Dockerfile, line ${directive + 1}: "# escape" must be the first line.`);
}

function instruction(text: string, line: number): Instruction {
  const keyword = (KEYWORD.exec(text)?.[1] ?? text.split(/\s/, 1)[0] ?? "").toUpperCase();
  let rest = text.slice(keyword.length).trim();
  // What a trigger does is checked like what is done at once.
  if (keyword === "ONBUILD") return instruction(rest, line);
  const flags: string[] = [];
  for (let flag = /^--\S+/.exec(rest); flag; flag = /^--\S+/.exec(rest)) {
    flags.push(flag[0]);
    rest = rest.slice(flag[0].length).trim();
  }
  return { line, keyword, flags, rest };
}

function assertBuildable({ line, keyword, flags, rest }: Instruction, file: string): void {
  const where = `${file}, line ${line}`;
  const flag = flags.find((one) => BUILDKIT_FLAGS[keyword]?.test(one))?.split("=")[0];
  if (flag) throw invalidParams(`${where}: ${keyword} ${flag} needs BuildKit, which cannot hold a build to a limit of memory or to the app's network here. Leave it out${flag === "--mount" ? ": what a step has in common with the build before is kept anyway" : ""}.`);
  if (/RUN|COPY|ADD/.test(keyword) && HERE_DOCUMENT.test(rest)) throw invalidParams(`${where}: a here-document needs BuildKit, which cannot hold a build to a limit of memory or to the app's network here. Put the text into a file and COPY it, or join the commands by &&.`);
  if (flags.some((one) => /^--platform=.*\$/.test(one))) throw invalidParams(`${where}: FROM --platform must name the platform itself: variables such as $BUILDPLATFORM are BuildKit's.`);
  if (flags.some((one) => /^--from=.*[^A-Za-z0-9._/:@=-]/.test(one))) throw invalidParams(`${where}: COPY --from must name a stage or an image, without variables and quotes.`);
  // The engine itself would fetch the address, from the host's own network.
  if (keyword === "ADD" && !sources(rest).every((source) => PLAIN_PATH.test(source))) throw invalidParams(`${where}: ADD takes plain paths of the repository here, no address and no variable. Use COPY for files, RUN curl for an address.`);
}

/** All that may stand for a source: in JSON form the brackets and quotes are not part of it. */
function sources(rest: string): string[] {
  if (!rest.startsWith("[")) return rest.split(/\s+/);
  try {
    return (JSON.parse(rest) as unknown[]).map(String);
  } catch {
    return rest.split(/\s+/);
  }
}

function declare(values: Map<string, string>, word: string, args: Record<string, string>): void {
  const [, name, given] = /^([A-Za-z_]\w*)(?:=(.*))?$/.exec(word) ?? [];
  if (name) values.set(name, args[name] ?? given?.replace(/^"(.*)"$/, "$1") ?? "");
}

function substitute(text: string, values: Map<string, string>, line: number, depth = 0): string {
  const replaced = text.replace(/\$(?:(\w+)|\{(\w+)(?::-([^}]*))?\})/g, (_match, plain: string | undefined, braced: string | undefined, fallback: string | undefined) => values.get(plain ?? braced ?? "") || (fallback ?? ""));
  if (replaced.includes("$") && depth < 5) return substitute(replaced, values, line, depth + 1);
  if (!PLAIN_VALUE.test(replaced) || replaced === "") throw invalidParams(`Dockerfile, line ${line}: FROM must name an image such as debian:12, from ARG values without quotes and blanks; here it is "${replaced.slice(0, 100)}".`);
  return replaced;
}

function decode(bytes: Uint8Array): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalidParams("Dockerfile: is not valid UTF-8 text.");
  }
  if (/[\0\v\f\u0085\u00a0\u1680\u2000-\u200b\u2028-\u202f\u205f\u3000\ufeff]/.test(text) || /\r(?!\n)/.test(text)) throw invalidParams("Dockerfile: holds control characters or blanks that are no blanks of ASCII. Save it as plain text.");
  return text;
}
