import { spawn } from "node:child_process";
import type { Command } from "commander";
import { api } from "./api.ts";
import { aboutApp, appPath, type AppOption } from "./app-choice.ts";
import { addRemote, inRepository, hasRemote } from "./git-remote.ts";
import { ago, output, print, remark, table } from "./terminal.ts";

type App = { name: string; web_url: string; owner: { email: string }; created_at: string; released_at: string | null; maintenance: boolean; stack: { name: string } };
type Formation = { type: string; quantity: number };
type Domain = { hostname: string; kind: string };
type Json = { json?: boolean };

/** create, apps, info, open. */
export function addAppCommands(program: Command): void {
  program.command("create")
    .description("create an app, and the git remote paas in this folder's repository")
    .argument("[name]", "its name; one is made up when you give none")
    .option("--no-remote", "leave the repository as it is").option("--json", "print JSON")
    .action(create);

  program.command("apps").description("list the apps that you may see").option("--json", "print JSON").action(async (options: Json) => {
    const apps = await all<App>("/apps");
    output(options, apps, () => table(apps.map(({ name, owner, web_url: url }) => [name, owner.email, url])));
  });

  aboutApp(program.command("info").description("show an app")).option("--json", "print JSON").action(info);

  aboutApp(program.command("open").description("open the app in the browser")).argument("[path]", "where in the app", "/").option("--json", "print the URL as JSON, and open nothing")
    .action(async (path: string, options: AppOption & Json) => {
      const { web_url: url } = await api().ask<App>("GET", await appPath(options));
      const target = new URL(path, url).href;
      output(options, { url: target }, () => {
        print(target);
        browse(target);
      });
    });
}

async function create(name: string | undefined, options: Json & { remote: boolean }): Promise<void> {
  const asking = api();
  const app = await asking.ask<App>("POST", "/apps", name === undefined ? {} : { name });
  output(options, app, () => print(`${app.name} is created: ${app.web_url}`));
  if (!options.remote || !(await inRepository())) return;
  if (await hasRemote("paas")) return remark(`The repository has a remote paas already; \`paas git:remote -a ${app.name}\` points it here.`);
  await addRemote(asking.credentials, app.name, "paas");
  remark("Deploy it: git push paas main");
}

async function info(options: AppOption & Json): Promise<void> {
  const path = await appPath(options);
  const { ask } = api();
  const [app, formation, domains] = await Promise.all([ask<App>("GET", path), ask<Formation[]>("GET", `${path}/formation`), ask<Domain[]>("GET", `${path}/domains`)]);
  output(options, { ...app, formation, domains }, () => {
    const custom = domains.filter(({ kind }) => kind === "custom").map(({ hostname }) => hostname);
    table([
      ["Name", app.name], ["URL", app.web_url], ["Owner", app.owner.email], ["Stack", app.stack.name],
      ["Dynos", formation.filter(({ quantity }) => quantity > 0).map(({ type, quantity }) => `${type} ${quantity}`).join(", ") || "none"],
      ["Domains", custom.join(", ") || "none of its own"], ["Created", ago(app.created_at)], ["Released", app.released_at === null ? "never" : ago(app.released_at)],
      ...(app.maintenance ? [["Maintenance", "on: every request is answered with H80"]] : []),
    ]);
  });
}

/** A whole list, which the API gives in pages. */
export async function all<T>(path: string): Promise<T[]> {
  const { open } = api();
  const items: T[] = [];
  for (let range: string | null = ""; range !== null; ) {
    const response: Response = await open("GET", path, range === "" ? {} : { headers: { range } });
    items.push(...((await response.json()) as T[]));
    range = response.status === 206 ? response.headers.get("next-range") : null;
  }
  return items;
}

/** BROWSER, as other programs know it, or what the system opens URLs with. The URL is printed anyhow. */
function browse(url: string): void {
  const program = process.env["BROWSER"] || (process.platform === "darwin" ? "open" : "xdg-open");
  spawn(program, [url], { stdio: "ignore", detached: true }).on("error", () => remark(`${program} cannot be started: open the URL yourself.`)).unref();
}
