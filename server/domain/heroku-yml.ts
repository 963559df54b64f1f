/** heroku.yml: how an app of the stack `container` is built and run (devcenter: build-docker-images-heroku-yml). */

import { invalidParams } from "../errors.ts";
import type { ProcessTypes } from "./model.ts";
import { parseProcfile } from "./procfile.ts";
import { shown } from "./shown.ts";

export const MAX_HEROKU_YML_BYTES = 64 * 1024;

export type HerokuYml = {
  /** Path in the repository. The build sees the folder that it lies in. */
  dockerfile: string;
  /** The stage to build; undefined: the last. */
  target: string | undefined;
  /** Build arguments. */
  config: Record<string, string>;
  /** Types and their commands, `release` among them. */
  processTypes: ProcessTypes;
};

/** The Dockerfile at the top, where there is no heroku.yml. */
export const NO_HEROKU_YML: HerokuYml = { dockerfile: "Dockerfile", target: undefined, config: {}, processTypes: {} };
type Node = Record<string, unknown>;

/**
 * Reads heroku.yml. `setup` is for whoever creates apps from it and is left alone.
 * @throws AppError invalid_params naming the field
 */
export async function parseHerokuYml(bytes: Uint8Array): Promise<HerokuYml> {
  const document = section(await read(bytes), "the document");
  const build = section(document["build"], "build");
  const docker = Object.entries(section(build["docker"], "build.docker")).map(([type, value]) => image(type, value));
  const images = new Map(docker.map((one) => [JSON.stringify(one), one]));
  if (images.size > 1) throw invalidParams("heroku.yml: build.docker names more than one image. An app has one here: name the same Dockerfile for every process type, and tell them apart by their commands in run.");
  const config = Object.fromEntries(Object.entries(section(build["config"], "build.config")).map(([name, value]) => [name, scalar(value, `build.config.${name}`)]));
  const commands = Object.entries(section(document["run"], "run")).map(([type, value]) => [type, command(value, `run.${type}`)] as const);
  const release = document["release"] === undefined ? [] : [["release", command(document["release"], "release")] as const];
  const lines = [...commands, ...release].map(([type, text]) => `${type}: ${text}`).join("\n");
  return { ...NO_HEROKU_YML, ...[...images.values()][0], config, processTypes: processTypes(lines) };
}

async function read(bytes: Uint8Array): Promise<unknown> {
  // Loaded by those alone who have such a file.
  const { parse } = await import("yaml");
  try {
    return parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes), { maxAliasCount: 10 }) ?? {};
  } catch (error) {
    throw invalidParams(`heroku.yml: is not valid YAML: ${error instanceof Error ? (error.message.split("\n")[0] ?? "").slice(0, 200) : "unreadable"}`);
  }
}

function section(value: unknown, field: string): Node {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw invalidParams(`heroku.yml: ${field} must be a mapping.`);
  return value as Node;
}

function image(type: string, value: unknown): Pick<HerokuYml, "dockerfile" | "target"> {
  const field = `build.docker.${type}`;
  const described: Node = typeof value === "string" ? { dockerfile: value } : section(value, field);
  const dockerfile = scalar(described["dockerfile"] ?? "", `${field}.dockerfile`).replace(/^(\.?\/)+/, "");
  if (dockerfile === "" || dockerfile.split("/").some((part) => part === ".." || part === "")) throw invalidParams(`heroku.yml: ${field} must be the path of a Dockerfile in the repository, such as Dockerfile or web/Dockerfile, not ${shown(dockerfile)}.`);
  return { dockerfile, target: described["target"] === undefined ? undefined : scalar(described["target"], `${field}.target`) };
}

function command(value: unknown, field: string): string {
  const given = typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Node)["command"] : value;
  const text = Array.isArray(given) ? given.map((part) => scalar(part, field)).join(" ") : scalar(given ?? "", field);
  if (text.trim() === "") throw invalidParams(`heroku.yml: ${field} has no command.`);
  return text.trim().replaceAll(/\s*\n\s*/g, " ");
}

function scalar(value: unknown, field: string): string {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return String(value);
  throw invalidParams(`heroku.yml: ${field} must be a text.`);
}

function processTypes(lines: string): ProcessTypes {
  try {
    return parseProcfile(Buffer.from(lines));
  } catch (error) {
    throw invalidParams(`heroku.yml: run: ${(error as Error).message.replace(/^Procfile(, line \d+)?: /, "")}`);
  }
}
