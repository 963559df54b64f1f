/** Gems for apps that bring theirs along, made of Debian's packages: they are real, and no gem server is asked. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { madeFiles, type Files } from "./made-files.ts";

const SCRIPT = readFileSync(join(import.meta.dirname, "debian-gems.rb"), "utf8");

/**
 * @param packages Debian packages of the gems that the Gemfile names; what they need comes with them
 * @returns Gemfile, Gemfile.lock and vendor/cache, by path
 */
export function debianGems(gemfile: string, packages: string[]): Promise<Files> {
  return madeFiles({ packages: ["ruby", "bundler", "patchelf", ...packages], command: ["ruby", "-e", SCRIPT], files: { Gemfile: gemfile }, network: "none" });
}
