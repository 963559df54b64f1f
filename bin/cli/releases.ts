import type { Command } from "commander";
import { api } from "./api.ts";
import { aboutApp, appPath, type AppOption } from "./app-choice.ts";
import { Failure, wrongUsage } from "./failure.ts";
import { ago, output, paint, print, table } from "./terminal.ts";

type Release = { version: number; description: string; status: string; current: boolean; created_at: string; eligible_for_rollback: boolean; user: { email: string } };
type Options = AppOption & { json?: boolean; num: string };

const PAGE = 1000;

/** releases, rollback. */
export function addReleaseCommands(program: Command): void {
  aboutApp(program.command("releases").description("list the releases, newest first")).option("-n, --num <number>", "how many", "15").option("--json", "print JSON").action(async (options: Options) => {
    const number = Number(options.num);
    if (!/^\d+$/.test(options.num) || number < 1 || number > PAGE) throw wrongUsage(`-n must be a number from 1 to ${PAGE}, not "${options.num}".`);
    const releases = await newest(await appPath(options), number);
    output(options, releases, () => table(releases.map(row)));
  });

  aboutApp(program.command("rollback").description("go back to an earlier release: a new one with its slug and config vars, live when this ends"))
    .argument("[version]", "such as v12; the one before the present one when you give none").option("--json", "print JSON")
    .action(async (version: string | undefined, options: Options) => {
      if (version !== undefined && !/^v?\d+$/.test(version)) throw wrongUsage(`"${version}" is no release: it looks like v12.`);
      const path = await appPath(options);
      const target = version ?? `v${await before(path)}`;
      const release = await api().ask<Release>("POST", `${path}/releases`, { release: target });
      output(options, release, () => print(`Rolled back to v${target.replace(/^v/, "")}: live as v${release.version}.`));
    });
}

export async function latestVersion(path: string): Promise<number | undefined> {
  return (await newest(path, 1))[0]?.version;
}

function newest(path: string, number: number): Promise<Release[]> {
  return api().ask<Release[]>("GET", `${path}/releases`, undefined, { range: `version ..; max=${number}, order=desc` });
}

/** The newest release that can be gone back to and does not serve now. */
async function before(path: string): Promise<number> {
  const releases = await newest(path, PAGE);
  const current = releases.find((release) => release.current)?.version ?? Infinity;
  const found = releases.find((release) => release.version < current && release.eligible_for_rollback);
  if (!found) throw new Failure("There is no earlier release to go back to.");
  return found.version;
}

function row({ version, status, current, description, user, created_at: at }: Release): string[] {
  const state = current ? paint("green", "current") : status === "succeeded" ? "" : paint(status === "failed" ? "red" : "yellow", status);
  return [`v${version}`, state, description, user.email, ago(at)];
}
