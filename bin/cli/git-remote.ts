/** git:remote, and the git credential helper that keeps the token out of remotes' URLs. */

import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { aboutApp, appName, git, type AppOption } from "./app-choice.ts";
import { api } from "./api.ts";
import { readCredentials, type Credentials } from "./credentials.ts";
import { Failure } from "./failure.ts";
import { output, print } from "./terminal.ts";

const PROGRAM = fileURLToPath(new URL("../paas", import.meta.url));

type Options = AppOption & { remote: string; json?: boolean };

export function addGitCommands(program: Command): void {
  aboutApp(program.command("git:remote").description("point a git remote of this folder's repository at an app"))
    .option("-r, --remote <name>", "the remote's name", "paas").option("--json", "print JSON")
    .action(async (options: Options) => {
      if (!(await inRepository())) throw new Failure("This folder is in no git repository: run `git init` first.");
      const { ask, credentials } = api();
      const { name } = await ask<{ name: string }>("GET", `/apps/${encodeURIComponent(await appName(options))}`);
      const url = await addRemote(credentials, name, options.remote);
      output(options, { app: name, remote: options.remote, url }, () => print(`The remote ${options.remote} is ${url} now. Deploy: git push ${options.remote} main`));
    });

  program.command("git:credentials", { hidden: true }).description("answers git, as gitcredentials(7) tells").argument("<operation>").action(async (operation: string) => {
    const asked = Object.fromEntries((await text(process.stdin)).split("\n").map((line) => line.split(/=(.*)/s).slice(0, 2)));
    const { url, token } = readCredentials();
    if (operation === "get" && `${asked["protocol"]}://${asked["host"]}` === url) print(`username=paas\npassword=${token}`);
  });
}

/** Points the remote at the app. git asks us for the token when it needs it, and nobody else. @returns the remote's URL */
export async function addRemote({ url, ca }: Credentials, app: string, remote: string): Promise<string> {
  const target = `${url}/${app}.git`;
  await must(...((await hasRemote(remote)) ? ["remote", "set-url", remote, target] : ["remote", "add", remote, target]));
  for (const [key] of credentialSettings(url, ca)) await git("config", "--local", "--unset-all", key);
  for (const [key, value] of credentialSettings(url, ca)) await must("config", "--local", "--add", key, value);
  return target;
}

/** What git must know of the API: the empty helper first forgets those that would keep the token in a file of theirs. */
export function credentialSettings(url: string, ca: string | undefined): [key: string, value: string][] {
  const helper = `!'${PROGRAM.replaceAll("'", "'\\''")}' git:credentials`;
  return [[`credential.${url}.helper`, ""], [`credential.${url}.helper`, helper], ...(ca === undefined ? [] : [[`http.${url}/.sslCAInfo`, ca] as [string, string]])];
}

export const inRepository = async (): Promise<boolean> => (await git("rev-parse", "--git-dir")) !== undefined;
export const hasRemote = async (remote: string): Promise<boolean> => (await git("remote", "get-url", remote)) !== undefined;

async function must(...args: string[]): Promise<void> {
  if ((await git(...args)) === undefined) throw new Failure(`git ${args.join(" ")} failed.`);
}
