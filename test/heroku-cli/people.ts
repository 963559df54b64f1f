/** What people type about each other: tokens, keys, collaborators, transfers, pipelines, webhooks, and logging in. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sshKey } from "../support/api-world.ts";
import type { Said } from "./client.ts";
import type { Scene, Step } from "./transcript.ts";

const BOB = { email: "bob@example.com", password: "a password of bob" };

/** Commands one after the other; what the last one printed is there for the next. */
export function scene(name: string, run: (scene: Scene, heroku: (line: string[], expected: RegExp, options?: { code?: number; input?: string; env?: Record<string, string> }) => Promise<string>) => Promise<void>): Step {
  return {
    name,
    run: (of) => run(of, async (line, expected, { code = 0, ...options } = {}) => {
      const said: Said = await of.cli.run(line, { dir: of.dir, ...options });
      if (said.code !== code || !expected.test(said.output)) throw new Error(`heroku ${line.join(" ")}: exit code ${said.code}, expected ${code} and ${expected} in:\n${said.output.trim().slice(0, 1500)}`);
      return said.output;
    }),
  };
}

/** The first line that the pattern is on, and its first group. */
function found(output: string, pattern: RegExp): string {
  return pattern.exec(output)?.[1] ?? "";
}

export const people: Step[] = [
  scene("people: a token is made, shown, described, rotated and revoked", async (_scene, heroku) => {
    const id = found(await heroku(["authorizations:create", "-d", "ci", "-s", "read,write", "-e", "3600"], /Token:\s+paas_/), /ID:\s+(\S+)/);
    await heroku(["authorizations:info", id], /Scope:\s+read, ?write/);
    await heroku(["authorizations:update", id, "-d", "the other ci"], /the other ci/);
    await heroku(["authorizations:rotate", id], /Token:\s+paas_/);
    await heroku(["authorizations:revoke", id], /Revoking/);
    await heroku(["authorizations:info", id], /Couldn't find that authorization/, { code: 2 });
    await heroku(["clients"], /No OAuth clients/i);
    await heroku(["sessions"], /No OAuth sessions|./);
  }),
  scene("people: an SSH key is added, listed and removed", async ({ dir }, heroku) => {
    const file = join(dir, "..", "key.pub");
    await writeFile(file, `${sshKey()}\n`);
    await heroku(["keys:add", file, "--yes"], /Uploading|done/);
    await heroku(["keys"], /ann@laptop|ssh-ed25519/);
    await heroku(["keys:remove", "ann@laptop"], /Removing/);
  }),
  scene("people: a collaborator is added, seen and sent away; an app is offered", async ({ paas }, heroku) => {
    await paas.api("POST", "/admin/users", BOB);
    await heroku(["access:add", BOB.email, "-a", "cliapp"], /Adding/);
    await heroku(["access", "-a", "cliapp"], /bob@example\.com\s+collaborator/);
    await heroku(["access:remove", BOB.email, "-a", "cliapp"], /Removing/);
    await heroku(["access:add", "nobody@example.com", "-a", "cliapp"], /Couldn't find that user/, { code: 2 });
    await heroku(["apps:transfer", BOB.email, "-a", "cliapp"], /Initiating transfer|email sent|done/i);
  }),
  scene("people: a slug is promoted through a pipeline", async ({ paas }, heroku) => {
    await heroku(["apps:create", "cliprod", "--no-remote"], /cliprod/);
    await heroku(["pipelines:create", "cliway", "-a", "cliapp", "-s", "staging"], /cliway/);
    await heroku(["pipelines:add", "cliway", "-a", "cliprod", "-s", "production"], /Adding/);
    await heroku(["pipelines:info", "cliway"], /cliprod/);
    await heroku(["pipelines:promote", "-a", "cliapp"], /succeeded/i);
    if (!(await paas.get("cliprod")).body.includes("from the CLI")) throw new Error("cliprod does not serve what was promoted");
    await heroku(["pipelines:rename", "cliway", "cliroad"], /cliroad/);
    await heroku(["pipelines:update", "-a", "cliprod", "-s", "staging"], /Changing/);
    await heroku(["pipelines:remove", "-a", "cliapp"], /Removing/);
    await heroku(["pipelines:destroy", "cliroad"], /Destroying/);
    await heroku(["apps:destroy", "-a", "cliprod", "-c", "cliprod"], /Destroying/);
  }),
  scene("people: a webhook is added, seen, changed and removed", async (_scene, heroku) => {
    await heroku(["webhooks:add", "-a", "cliapp", "-i", "api:app", "-l", "notify", "-u", "https://hooks.example.com/people"], /./);
    const id = found(await heroku(["webhooks", "-a", "cliapp"], /hooks\.example\.com\/people/), /([0-9a-f-]{36})[^\n]*people/);
    await heroku(["webhooks:info", id, "-a", "cliapp"], /hooks\.example\.com/);
    await heroku(["webhooks:update", id, "-a", "cliapp", "-i", "api:app", "-l", "sync", "-u", "https://hooks.example.com/changed"], /./);
    await heroku(["webhooks:deliveries", "-a", "cliapp"], /./);
    await heroku(["webhooks:remove", id, "-a", "cliapp"], /Removing/);
  }),
  scene("people: an add-on is not to be had", async (_scene, heroku) => {
    await heroku(["addons:create", "heroku-postgresql:mini", "-a", "cliapp"], /Couldn't find either the add-on service/, { code: 2 });
    await heroku(["addons:info", "DATABASE", "-a", "cliapp"], /Couldn't find that add-on/, { code: 2 });
    await heroku(["addons", "--all"], /No add-ons/);
  }),
  scene("people: a person logs in at the terminal, is somebody, and logs out", async ({ paas, cli, dir }, heroku) => {
    await paas.api("POST", "/admin/users", BOB);
    const env = { HEROKU_API_KEY: "", HEROKU_NETRC_WRITE: "true" };
    const output = await atTerminal("heroku login -i", { ...cli.env, ...env }, dir, [[/Email/, `${BOB.email}\r`], [/Password/, `${BOB.password}\r`]]);
    if (!/Logged in as bob@example\.com/.test(output)) throw new Error(output.slice(0, 1500));
    await heroku(["auth:whoami"], /bob@example\.com/, { env });
    await heroku(["logout"], /Logging out/, { env });
    await heroku(["auth:whoami"], /not logged in/i, { env, code: 100 });
  }),
  scene("people: a person logs in through a browser", async ({ paas, cli, dir }, heroku) => {
    await paas.api("POST", "/admin/users", BOB);
    const env = { HEROKU_API_KEY: "", HEROKU_NETRC_WRITE: "true" };
    const output = await logInByBrowser({ ...cli.env, ...env }, dir, paas.apiPort);
    if (!/Logged in as bob@example\.com/.test(output)) throw new Error(output.slice(0, 1500));
    await heroku(["auth:whoami"], /bob@example\.com/, { env });
    await heroku(["logout"], /Logging out/, { env });
    await heroku(["auth:whoami"], /not logged in/i, { env, code: 100 });
  }),
];

/** The person at the page whose URL the CLI prints. */
async function logInByBrowser(env: Record<string, string>, dir: string, apiPort: number): Promise<string> {
  let opened: Promise<void> | undefined;
  const output = await atTerminal("heroku login", env, dir, [[/Press any key/, " "]], (sofar) => {
    const path = /Opening browser to https?:\/\/[^/\s]+(\/auth\/browser\/[\w-]{43})/.exec(sofar)?.[1];
    if (path !== undefined) opened ??= fillIn(`http://127.0.0.1:${apiPort}${path}`);
  });
  await opened;
  return output;
}

/** A command at a terminal of its own, which logging in insists on; each answer is typed once its question is there. */
async function atTerminal(command: string, env: Record<string, string>, dir: string, answers: [question: RegExp, answer: string][], onOutput: (sofar: string) => void = () => undefined): Promise<string> {
  const child = spawn("script", ["-qec", command, "/dev/null"], { cwd: dir, env, stdio: ["pipe", "pipe", "pipe"], timeout: 60_000 });
  let output = "";
  child.stdout.on("data", (text: Buffer) => {
    output += text.toString();
    if (answers[0]?.[0].test(output)) child.stdin.write(answers.shift()?.[1] ?? "");
    onOutput(output);
  });
  await once(child, "close");
  return output;
}

async function fillIn(url: string): Promise<void> {
  const page = await fetch(url);
  const cookie = page.headers.get("set-cookie")?.split(";")[0] ?? "";
  const formToken = /name="form_token" value="([\w-]+)"/.exec(await page.text())?.[1] ?? "";
  const sent = await fetch(url, { method: "POST", headers: { cookie }, body: new URLSearchParams({ form_token: formToken, ...BOB }) });
  if (sent.status !== 200) throw new Error(`the page answered ${sent.status}: ${await sent.text()}`);
}
