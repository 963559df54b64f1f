/** Which app a command is about: `-a`, PAAS_APP, or the git remote of the folder that we are in. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Command } from "commander";
import { wrongUsage } from "./failure.ts";

const REMOTES = ["paas", "heroku"];
const HEROKU_ITSELF = /(^|[@/.])heroku\.com([:/]|$)/i;

export type AppOption = { app?: string };

/** Gives a command the option that all commands about an app have. */
export function aboutApp(command: Command): Command {
  return command.option("-a, --app <name>", "the app (else PAAS_APP, or the git remote paas or heroku)");
}

/** The API's path of the app. @throws Failure (wrong usage) when none was named */
export async function appPath(options: AppOption): Promise<string> {
  return `/apps/${encodeURIComponent(await appName(options))}`;
}

/** @throws Failure (wrong usage) when none was named */
export async function appName({ app }: AppOption): Promise<string> {
  const chosen = app ?? (await impliedApp());
  if (!chosen) throw wrongUsage("Which app? Name it with -a, set PAAS_APP, or run this in a folder with a git remote named paas (`paas git:remote -a <app>`).");
  return chosen;
}

/** Without `-a`. */
export async function impliedApp(): Promise<string | undefined> {
  return process.env["PAAS_APP"] || (await appOfRemote());
}

async function appOfRemote(): Promise<string | undefined> {
  for (const remote of REMOTES) {
    const url = await git("remote", "get-url", remote);
    const app = url === undefined || HEROKU_ITSELF.test(url) ? undefined : /([^/:]+?)(\.git)?\/?$/.exec(url)?.[1];
    if (app) return app;
  }
  return undefined;
}

/** What git prints, undefined where it fails. */
export async function git(...args: string[]): Promise<string | undefined> {
  return promisify(execFile)("git", args, { timeout: 10_000 }).then(({ stdout }) => stdout.trim(), () => undefined);
}
