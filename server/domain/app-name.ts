/** App names: they become host names, folder-safe words and git URLs. */

import { invalidParams } from "../errors.ts";

const NAME = /^[a-z][a-z0-9-]{0,28}[a-z0-9]$/;
const RESERVED = new Set(["api", "git", "www", "admin", "dashboard", "localhost", "paas", "health", "apps", "account"]);
const ADJECTIVES = ["ancient", "blooming", "calm", "dry", "evening", "floating", "gentle", "hidden", "infinite", "lively", "misty", "quiet", "rapid", "silent", "vast"];
const NOUNS = ["brook", "cliffs", "dawn", "earth", "forest", "garden", "harbor", "island", "lake", "meadow", "oasis", "peak", "ridge", "savannah", "tundra"];

/**
 * Checks a name that a person gave.
 * @throws AppError invalid_params with Heroku's rule in words.
 */
export function assertAppName(name: unknown): asserts name is string {
  if (typeof name !== "string" || !NAME.test(name))
    throw invalidParams("name: must start with a letter, end with a letter or digit and can only contain lowercase letters, digits, and dashes (2 to 30 characters).");
  if (RESERVED.has(name) || name.startsWith("xn--")) throw invalidParams(`name: "${name}" is reserved; choose another.`);
}

/** A name in Heroku's manner for an app created without one, such as `misty-harbor-40213`. */
export function randomAppName(random: () => number = Math.random): string {
  const pick = (words: string[]): string => words[Math.floor(random() * words.length)] ?? "app";
  return `${pick(ADJECTIVES)}-${pick(NOUNS)}-${10_000 + Math.floor(random() * 90_000)}`;
}
