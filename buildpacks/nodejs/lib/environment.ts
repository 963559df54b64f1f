/** The environment that package managers and build scripts see: config vars over Heroku's defaults. */

import { readFileSync } from "node:fs";
import { withConfigVars } from "../../lib/config-vars.ts";
import { info } from "../../lib/output.ts";

const SHOWN = [/^NPM_CONFIG_/, /^YARN_/, /^PNPM_/, /^NODE_/];
const SECRET = /auth|token|pass|secret|key/i;
const HEAP_SHARE = 0.75;
const MEMORY_LIMITS = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
const NO_LIMIT_BYTES = 2 ** 40;

export function buildEnvironment(envDir: string, inherited: NodeJS.ProcessEnv, nodeEnv: string): NodeJS.ProcessEnv {
  const env = withConfigVars(envDir, inherited);
  env["NPM_CONFIG_LOGLEVEL"] ??= "error";
  env["NODE_MODULES_CACHE"] ??= "true";
  env["NODE_ENV"] ??= nodeEnv;
  env["NODE_OPTIONS"] ??= heapOption();
  if (env["NODE_OPTIONS"] === undefined) delete env["NODE_OPTIONS"];
  return env;
}

export function showEnvironment(env: NodeJS.ProcessEnv): void {
  for (const pattern of SHOWN) {
    for (const name of Object.keys(env).filter((name) => pattern.test(name)).sort()) {
      if (name !== "NODE_EXTRA_CA_CERTS") info(`${name}=${SECRET.test(name) ? "(set)" : env[name]}`);
    }
  }
}

/** Node takes half of a container's memory for its heap, which bundlers outgrow. */
function heapOption(): string | undefined {
  for (const file of MEMORY_LIMITS) {
    try {
      const bytes = Number(readFileSync(file, "utf8"));
      if (bytes < NO_LIMIT_BYTES) return `--max-old-space-size=${Math.floor((bytes * HEAP_SHARE) / 2 ** 20)}`;
    } catch {
      // The other version of cgroups.
    }
  }
  return undefined;
}
