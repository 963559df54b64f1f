/** What the go command sees: config vars, caches in CACHE_DIR, and one toolchain. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { withConfigVars } from "../../lib/config-vars.ts";
import { putTool } from "../../lib/tool-folder.ts";
import type { Build } from "./build.ts";
import { linkPart, TOOLCHAIN } from "./go-home.ts";

const GIT_CREDENTIALS = /^GO_GIT_CRED__([A-Z]+)__(\w+)$/;

export function goEnvironment(envDir: string, inherited: NodeJS.ProcessEnv, buildDir: string, cacheDir: string): NodeJS.ProcessEnv {
  const env = withConfigVars(envDir, inherited);
  env["GOMODCACHE"] = linkPart(buildDir, "modules", join(cacheDir, "modules"));
  env["GOCACHE"] = linkPart(buildDir, "compiled", join(cacheDir, "compiled"));
  env["GOPATH"] = join(cacheDir, "path");
  // Or nobody but the go command could clear the cache.
  env["GOFLAGS"] = `${env["GOFLAGS"] ?? ""} -modcacherw`.trim();
  env["GOTOOLCHAIN"] ??= "local";
  // Its settings and counters would otherwise lie in the app's folder.
  env["XDG_CONFIG_HOME"] = "/tmp/go-config";
  Object.assign(env, gitCredentials(env));
  mkdirSync(env["GOPATH"], { recursive: true });
  return env;
}

/** @param kept where it lies in the cache @param forTests they find it in the app, as it is on a developer's machine */
export async function useToolchain(build: Build, version: string, kept: string, forTests: boolean): Promise<void> {
  const { buildDir, env } = build;
  env["GOROOT"] = forTests ? await putTool(build, TOOLCHAIN, `go-${version}`, kept) : linkPart(buildDir, "toolchain", kept);
  env["GOBIN"] = join(buildDir, "bin");
  env["PATH"] = `${env["GOROOT"]}/bin:${env["PATH"]}`;
}

/** Heroku's GO_GIT_CRED__HTTPS__GITHUB__COM=user:token, for private modules; told to git by its environment alone, so that no file holds them. */
function gitCredentials(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const settings: NodeJS.ProcessEnv = { GIT_TERMINAL_PROMPT: "0" };
  let count = Number(env["GIT_CONFIG_COUNT"] ?? 0);
  for (const [name, credentials] of Object.entries(env)) {
    const [, protocol, host] = GIT_CREDENTIALS.exec(name) ?? [];
    if (!protocol || !host) continue;
    const scheme = protocol.toLowerCase();
    const address = host.toLowerCase().replaceAll("__", ".");
    settings[`GIT_CONFIG_KEY_${count}`] = `url.${scheme}://${credentials}@${address}/.insteadOf`;
    settings[`GIT_CONFIG_VALUE_${count}`] = `${scheme}://${address}/`;
    count += 1;
  }
  if (count > 0) settings["GIT_CONFIG_COUNT"] = String(count);
  return settings;
}
