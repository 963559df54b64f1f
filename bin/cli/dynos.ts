import type { Command } from "commander";
import { api } from "./api.ts";
import { aboutApp, appPath, type AppOption } from "./app-choice.ts";
import { wrongUsage } from "./failure.ts";
import { ago, output, paint, print, table } from "./terminal.ts";

type Dyno = { name: string; type: string; command: string; state: string; size: string; updated_at: string; release: { version: number } };
type Formation = { type: string; quantity: number; size: string };
type Options = AppOption & { json?: boolean };

const COLOURS: Record<string, "green" | "red" | "yellow"> = { up: "green", crashed: "red" };

/** ps, ps:scale, restart. */
export function addDynoCommands(program: Command): void {
  aboutApp(program.command("ps").description("list the dynos")).option("--json", "print JSON").action(async (options: Options) => {
    const dynos = await api().ask<Dyno[]>("GET", `${await appPath(options)}/dynos`);
    output(options, dynos, () => show(dynos));
  });

  aboutApp(program.command("ps:scale").description("set how many dynos of a process type run; without a type: show it"))
    .argument("[type=quantity...]", "such as web=2, worker=0 or web+1").option("--json", "print JSON")
    .action(async (changes: string[], options: Options) => {
      const path = `${await appPath(options)}/formation`;
      const updates = changes.map(parseChange);
      const formation = updates.length === 0 ? await api().ask<Formation[]>("GET", path) : await api().ask<Formation[]>("PATCH", path, { updates });
      output(options, formation, () => table(formation.map(({ type, quantity, size }) => [`${type}=${quantity}`, size])));
    });

  aboutApp(program.command("restart").description("replace the dynos by fresh ones")).argument("[dyno]", "only this one (web.1) or those of this type (web)").option("--json", "print JSON")
    .action(async (dyno: string | undefined, options: Options) => {
      const target = dyno === undefined ? "/dynos" : dyno.includes(".") ? `/dynos/${encodeURIComponent(dyno)}` : `/formations/${encodeURIComponent(dyno)}`;
      await api().ask("DELETE", (await appPath(options)) + target);
      output(options, { restarted: dyno ?? "all" }, () => print(`Restarted ${dyno ?? "all dynos"}.`));
    });
}

function show(dynos: Dyno[]): void {
  if (dynos.length === 0) return print("No dyno runs.");
  table(dynos.map(({ name, state, command, release, updated_at: at }) => [name, paint(COLOURS[state] ?? "yellow", state), `v${release.version}`, ago(at), command]));
}

function parseChange(text: string): { type: string; quantity: string } {
  const [, type, sign, number] = /^([A-Za-z0-9_-]+?)([=+-])(\d+)$/.exec(text) ?? [];
  if (type === undefined || sign === undefined || number === undefined) throw wrongUsage(`"${text}" is no change of a process type: it looks like web=2, web+1 or web-1.`);
  return { type, quantity: sign === "=" ? number : `${sign}${number}` };
}
