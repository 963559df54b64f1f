/** Every command in one list: what `paas help` shows, and what completion completes. */

import { readFileSync } from "node:fs";
import { Command } from "commander";
import { addAccountCommands } from "./account.ts";
import { addAppCommands } from "./apps.ts";
import { addBuildCommands } from "./builds.ts";
import { addCompletionCommand } from "./completion.ts";
import { addConfigCommands } from "./config-vars.ts";
import { addDynoCommands } from "./dynos.ts";
import { addGitCommands } from "./git-remote.ts";
import { addLogsCommand } from "./logs.ts";
import { addReleaseCommands } from "./releases.ts";
import { addRunCommand } from "./run.ts";

const EXIT_CODES = "Exit codes: 0 well, 1 failed, 2 wrong usage; `run` and `heroku` end as what they ran.";

export function createProgram(): Command {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string };
  const program = new Command("paas")
    .description("A client of the platform.\n\nTo deploy: paas login, paas create <app>, then git push paas main.")
    .version(version)
    .enablePositionalOptions()
    .showHelpAfterError("(paas help <command> tells how it is used)")
    .addHelpText("after", `\n${EXIT_CODES}`);
  program.exitOverride();
  addAccountCommands(program);
  addAppCommands(program);
  addGitCommands(program);
  addLogsCommand(program);
  addDynoCommands(program);
  addConfigCommands(program);
  addReleaseCommands(program);
  addBuildCommands(program);
  addRunCommand(program);
  addHeavyCommands(program);
  addCompletionCommand(program);
  return program;
}

/** Commands whose code is loaded only when they are asked for. */
function addHeavyCommands(program: Command): void {
  program.command("heroku")
    .description("run Heroku's own CLI against the platform, with nothing of it reaching Heroku")
    .argument("[arguments...]", "what follows `heroku`, as in `paas heroku ps:scale web=2`")
    .helpOption(false).allowUnknownOption().passThroughOptions()
    .action(async (args: string[]) => (await import("./heroku.ts")).runHeroku(args));
  program.command("doctor")
    .description("look whether this machine is fit to run the platform, and say what to do (on the server)")
    .option("--json", "print JSON")
    .action(async (options: { json?: boolean }) => (await import("./doctor.ts")).runDoctor(options));
}
