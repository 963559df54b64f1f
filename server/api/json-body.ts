/** JSON bodies, read as Heroku's clients write them and no more leniently. */

import type { FastifyInstance } from "fastify";
import { AppError } from "../errors.ts";

/** Media types whose bodies are JSON. */
const JSON_TYPES = ["application/json", "application/vnd.heroku+json"];
const [QUOTE, COLON, BACKSLASH] = [34, 58, 92];

/** Installs the JSON parser; every other media type is refused unless a plugin adds its own. */
export function acceptJson(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(JSON_TYPES, { parseAs: "string" }, async (_request: unknown, body: string | Buffer) => parseJson(body.toString()));
}

/**
 * The value of a JSON text; undefined for an empty one, which Heroku's clients send with DELETE and POST (RFC 8259).
 * @throws AppError bad_request for malformed JSON, a key that stands twice in one object, or `__proto__`.
 */
export function parseJson(text: string): unknown {
  if (text.trim() === "") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new AppError("bad_request", `The body is not valid JSON: ${error instanceof Error ? error.message : "unreadable"}.`);
  }
  // JSON.parse keeps the last of two equal keys; another program that reads the same request may keep the first (RFC 8259 section 4).
  if (countKeys(value) !== countColons(text))
    throw new AppError("bad_request", "The body is not valid JSON: an object has the same key twice.");
  return value;
}

/** Counts the keys of all objects within, without recursion: a body may be nested 100,000 deep. */
function countKeys(value: unknown): number {
  let keys = 0;
  const open: unknown[] = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next !== "object" || next === null) continue;
    const children = Array.isArray(next) ? next : Object.values(next);
    if (!Array.isArray(next)) {
      if (Object.hasOwn(next, "__proto__")) throw new AppError("bad_request", 'The body has the key "__proto__", which is not allowed.');
      keys += children.length;
    }
    for (const child of children) if (typeof child === "object" && child !== null) open.push(child);
  }
  return keys;
}

/** Counts the colons outside of strings: as many as keys were written. The text is known to be JSON. */
function countColons(text: string): number {
  let colons = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character === COLON) colons += 1;
    if (character !== QUOTE) continue;
    for (at += 1; text.charCodeAt(at) !== QUOTE; at += 1) if (text.charCodeAt(at) === BACKSLASH) at += 1;
  }
  return colons;
}
