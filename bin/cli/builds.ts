import type { Command } from "commander";
import { api } from "./api.ts";
import { aboutApp, appName, type AppOption } from "./app-choice.ts";
import { output, print } from "./terminal.ts";

/** builds:cache:purge, which Heroku's own CLI leaves to a plugin. */
export function addBuildCommands(program: Command): void {
  aboutApp(program.command("builds:cache:purge").description("have the next build make everything anew: nothing is taken from earlier ones")).option("--json", "print JSON")
    .action(async (options: AppOption & { json?: boolean }) => {
      const app = await appName(options);
      await api().ask("DELETE", `/apps/${encodeURIComponent(app)}/build-cache`);
      output(options, { purged: app }, () => print(`The next build of ${app} makes everything anew.`));
    });
}
