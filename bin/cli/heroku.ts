/**
 * `paas heroku`: the user's own `heroku`, and our token far from it. The CLI takes a server only at a loopback address, talks to Heroku
 * itself when it dislikes the address it was given, and sends its token along in its telemetry. So it gets a token that is good for
 * nothing but our forwarder on loopback, which puts the real one in its place, and every switch besides.
 */

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { api } from "./api.ts";
import { impliedApp } from "./app-choice.ts";
import type { Credentials } from "./credentials.ts";
import { Failure } from "./failure.ts";
import { openForwarder } from "./forwarder.ts";
import { credentialSettings } from "./git-remote.ts";

/** Of the user's own HEROKU_* variables these alone are passed on: others name hosts, tokens and headers. */
const PASSED = new Set(["HEROKU_APP", "HEROKU_DEBUG", "HEROKU_DEBUG_HEADERS", "HEROKU_COLOR", "HEROKU_ORGANIZATION"]);
const HOST_SETTING = /^(PGDIAGNOSE_URL|NO_PROXY|GIT_CONFIG_COUNT|GIT_CONFIG_(KEY|VALUE)_\d+)$/i;

export async function runHeroku(args: string[]): Promise<void> {
  const { credentials } = api();
  const app = process.env["HEROKU_APP"] || (await impliedApp());
  const forwarder = await openForwarder(credentials);
  try {
    process.exitCode = await run(args, { ...herokuEnvironment(process.env, credentials, forwarder), ...(app ? { HEROKU_APP: app } : {}) });
  } finally {
    forwarder.close();
  }
}

/** The environment that the CLI runs in: whatever host it knows is the forwarder's, git's alone is the platform. */
export function herokuEnvironment(env: NodeJS.ProcessEnv, { url, ca }: Credentials, forwarder: { url: string; token: string }): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !HOST_SETTING.test(name) && !name.startsWith("PAAS_") && (!name.startsWith("HEROKU_") || PASSED.has(name)));
  const { hostname } = new URL(forwarder.url);
  const { host } = new URL(url);
  const hosts = ["HEROKU_HOST", "HEROKU_PARTICLEBOARD_URL", "HEROKU_BUILDPACK_REGISTRY_URL", "HEROKU_STATUS_HOST", "HEROKU_LOGIN_HOST", "HEROKU_EXEC_URL", "HEROKU_CI_WEBSOCKET_URL", "HEROKU_ANALYTICS_URL", "PGDIAGNOSE_URL"];
  return {
    ...Object.fromEntries(kept),
    ...Object.fromEntries(hosts.map((name) => [name, forwarder.url])),
    HEROKU_DATA_HOST: hostname, HEROKU_POSTGRESQL_HOST: hostname, HEROKU_REDIS_HOST: hostname,
    HEROKU_GIT_HOST: host, HEROKU_API_KEY: forwarder.token,
    DISABLE_TELEMETRY: "true", HEROKU_SKIP_NEW_VERSION_CHECK: "true", HEROKU_SKIP_ANALYTICS: "1", HEROKU_NOTIFICATIONS: "0",
    NO_PROXY: noProxy(env, hostname), no_proxy: noProxy(env, hostname),
    ...(ca === undefined ? {} : { NODE_EXTRA_CA_CERTS: ca }),
    ...gitSettings(env, url, ca),
  };
}

/** The forwarder is never reached by way of a proxy. */
function noProxy(env: NodeJS.ProcessEnv, hostname: string): string {
  return [env["NO_PROXY"] ?? env["no_proxy"], hostname, "localhost"].filter(Boolean).join(",");
}

/** git, when the CLI starts it, asks us and not the CLI for the token; the user's own settings of this kind stay. */
function gitSettings(env: NodeJS.ProcessEnv, url: string, ca: string | undefined): Record<string, string> {
  const count = Number(env["GIT_CONFIG_COUNT"] ?? 0) || 0;
  const own = Array.from({ length: count }, (_, index): [string, string] => [env[`GIT_CONFIG_KEY_${index}`] ?? "", env[`GIT_CONFIG_VALUE_${index}`] ?? ""]);
  const all = [...own, ...credentialSettings(url, ca)];
  return { GIT_CONFIG_COUNT: String(all.length), ...Object.fromEntries(all.flatMap(([key, value], index) => [[`GIT_CONFIG_KEY_${index}`, key], [`GIT_CONFIG_VALUE_${index}`, value]])) };
}

function run(args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  // A terminal sends Ctrl-C to both of us: it is the CLI's to end.
  process.on("SIGINT", () => undefined);
  // Before it is there: a signal that came just after its start would end us alone.
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
  const child = spawn("heroku", args, { stdio: "inherit", env });
  return new Promise((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) =>
      reject(new Failure(error.code === "ENOENT" ? "Heroku's CLI is not installed, or not on your PATH: `npm install --global heroku` brings it, and everything else works without it." : `heroku cannot be started: ${error.message}`)));
    child.once("exit", (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? "SIGTERM"]));
  });
}
