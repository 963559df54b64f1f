/** What the go command sees: config vars, caches in CACHE_DIR, and one toolchain. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { withConfigVars } from "../../lib/config-vars.ts";

const GIT_CREDENTIALS = /^GO_GIT_CRED__([A-Z]+)__(\w+)$/;

export function goEnvironment(envDir: string, inherited: NodeJS.ProcessEnv, cacheDir: string): NodeJS.ProcessEnv {
  const env = withConfigVars(envDir, inherited);
  env["GOMODCACHE"] = join(cacheDir, "modules");
  env["GOCACHE"] = join(cacheDir, "compiled");
  env["GOPATH"] = join(cacheDir, "path");
  // Or nobody but the go command could clear the cache.
  env["GOFLAGS"] = `${env["GOFLAGS"] ?? ""} -modcacherw`.trim();
  env["GOTOOLCHAIN"] ??= "local";
  // Its settings and counters would otherwise lie in the app's folder.
  env["XDG_CONFIG_HOME"] = "/tmp/go-config";
  Object.assign(env, gitCredentials(env));
  for (const name of ["GOMODCACHE", "GOCACHE", "GOPATH"]) mkdirSync(env[name] ?? "", { recursive: true });
  return env;
}

export function useToolchain(env: NodeJS.ProcessEnv, buildDir: string, goRoot: string): void {
  env["GOROOT"] = goRoot;
  env["GOBIN"] = join(buildDir, "bin");
  env["PATH"] = `${goRoot}/bin:${env["PATH"]}`;
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
