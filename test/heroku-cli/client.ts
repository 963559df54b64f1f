/** The real `heroku` CLI, installed apart from the project (it weighs 395 MB), with an environment of its own. */

import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const VERSION = "11.10.0";
const FOLDER = join(import.meta.dirname, "../../node_modules/.cache/heroku-cli");

export type Said = { code: number | null; output: string };

export type HerokuCli = {
  /** Runs `heroku <args>` in `dir`; ends it after a minute. */
  run(args: string[], options?: { dir?: string; input?: string; env?: Record<string, string> }): Promise<Said>;
  /** The environment that it runs in, for git and others that must agree with it. */
  env: Record<string, string>;
};

/** Installs the CLI where it is missing. Throws what npm said. */
export async function installHerokuCli(write: (line: string) => void): Promise<void> {
  if (existsSync(join(FOLDER, "node_modules/.bin/heroku"))) return;
  write(`installing heroku ${VERSION} (395 MB, about half a minute)…`);
  await mkdir(FOLDER, { recursive: true });
  await writeFile(join(FOLDER, "package.json"), '{ "private": true }\n');
  await promisify(execFile)("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", `heroku@${VERSION}`], { cwd: FOLDER, maxBuffer: 64 * 1024 * 1024 });
}

/**
 * @param api the API's URL over TLS at localhost, as the CLI demands.
 * @param home a folder for whatever it writes.
 * @param authority PEM file that its TLS trusts.
 */
export function herokuCli(api: string, token: string, home: string, authority: string): HerokuCli {
  const { host, hostname } = new URL(api);
  const bin = join(FOLDER, "node_modules/.bin");
  const env: Record<string, string> = {
    PATH: `${bin}:${process.env["PATH"] ?? ""}`, HOME: home, XDG_CONFIG_HOME: join(home, ".config"), XDG_DATA_HOME: join(home, ".local"), XDG_CACHE_HOME: join(home, ".cache"),
    GIT_CONFIG_GLOBAL: join(home, "gitconfig"), GIT_CONFIG_NOSYSTEM: "1", GIT_TERMINAL_PROMPT: "0", GIT_SSL_CAINFO: authority,
    HEROKU_HOST: api, HEROKU_GIT_HOST: host, HEROKU_API_KEY: token, HEROKU_PARTICLEBOARD_URL: api, HEROKU_BUILDPACK_REGISTRY_URL: api, HEROKU_STATUS_HOST: api, HEROKU_LOGIN_HOST: api, HEROKU_DATA_HOST: hostname,
    NODE_EXTRA_CA_CERTS: authority, DISABLE_TELEMETRY: "true", HEROKU_SKIP_NEW_VERSION_CHECK: "true", HEROKU_SKIP_ANALYTICS: "1", HEROKU_NOTIFICATIONS: "0", NO_COLOR: "1", CI: "1",
  };
  return {
    env,
    run: (args, { dir = home, input = "", env: more = {} } = {}) => new Promise((resolve) => {
      const child = spawn(join(bin, "heroku"), args, { cwd: dir, env: { ...env, ...more }, stdio: ["pipe", "pipe", "pipe"], timeout: 60_000 });
      let output = "";
      child.stdout.on("data", (text: Buffer) => (output += text.toString()));
      child.stderr.on("data", (text: Buffer) => (output += text.toString()));
      child.on("error", (error) => resolve({ code: null, output: error.message }));
      child.on("close", (code) => resolve({ code, output }));
      child.stdin.on("error", () => undefined);
      child.stdin.end(input);
    }),
  };
}
