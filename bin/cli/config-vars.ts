import type { Command } from "commander";
import { api } from "./api.ts";
import { aboutApp, appPath, type AppOption } from "./app-choice.ts";
import { wrongUsage } from "./failure.ts";
import { latestVersion } from "./releases.ts";
import { output, paint, print, remark, table } from "./terminal.ts";

type Vars = Record<string, string>;
type Options = AppOption & { json?: boolean };

/** config, config:set, config:unset. */
export function addConfigCommands(program: Command): void {
  aboutApp(program.command("config").description("show the config vars")).argument("[name]", "only the value of this one").option("--json", "print JSON")
    .action(async (name: string | undefined, options: Options) => {
      const vars = await api().ask<Vars>("GET", `${await appPath(options)}/config-vars`);
      if (name === undefined) return output(options, vars, () => show(vars));
      const value = vars[name];
      output(options, { [name]: value ?? null }, () => print(value ?? ""));
    });

  aboutApp(program.command("config:set").description("set config vars: a new release, live when this ends")).argument("<name=value...>").option("--json", "print JSON")
    .action((pairs: string[], options: Options) => change(options, Object.fromEntries(pairs.map(parsePair))));

  aboutApp(program.command("config:unset").description("remove config vars: a new release, live when this ends")).argument("<name...>").option("--json", "print JSON")
    .action((names: string[], options: Options) => change(options, Object.fromEntries(names.map((name) => [name, null]))));
}

async function change(options: Options, changes: Record<string, string | null>): Promise<void> {
  const path = await appPath(options);
  const vars = await api().ask<Vars>("PATCH", `${path}/config-vars`, changes);
  const left = Object.fromEntries(Object.entries(vars).filter(([name]) => name in changes));
  output(options, vars, () => show(left));
  if (!options.json) remark(`${Object.keys(changes).join(", ")}: live as v${await latestVersion(path)}.`);
}

/** @throws Failure (wrong usage) */
export function parsePair(pair: string): [name: string, value: string] {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
  if (name === undefined || value === undefined) throw wrongUsage(`"${pair}" is not of the form NAME=value.`);
  return [name, value];
}

function show(vars: Vars): void {
  table(Object.entries(vars).toSorted(([a], [b]) => a.localeCompare(b)).map(([name, value]) => [paint("green", `${name}:`), value]));
}
