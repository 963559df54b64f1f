/** What a dyno of a Ruby app starts with: .profile.d/ruby.sh. */

import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeProfileScripts } from "../../lib/profile-scripts.ts";
import { LEFT_OUT, type Build } from "./build.ts";
import { hasGem } from "./gemfile-lock.ts";

const BUILDPACK = join(import.meta.dirname, "..");

/** Writes .profile.d scripts into the slug. */
export function writeProfile(build: Build): void {
  writeProfileScripts(build.buildDir, BUILDPACK);
  const script = readFileSync(join(BUILDPACK, "profile/ruby.sh"), "utf8").replace("@BUNDLER@", build.bundlerVersion).replaceAll("@MODE@", build.mode).replace("@LEFT_OUT@", LEFT_OUT[build.mode]);
  writeFileSync(join(build.buildDir, ".profile.d/ruby.sh"), script + (build.mode === "production" && hasGem(build.lock, "railties") ? secretLine(build) : ""));
}

/** Rails answers nothing without a secret: an app that sets none gets one, as on Heroku. It stays with the cache, and sessions so outlive releases. */
function secretLine({ cacheDir }: Build): string {
  const file = join(cacheDir, "secret-key-base");
  if (!existsSync(file)) writeFileSync(file, randomBytes(64).toString("hex"), { mode: 0o600 });
  return `export SECRET_KEY_BASE=\${SECRET_KEY_BASE:-${readFileSync(file, "utf8")}}\n`;
}
