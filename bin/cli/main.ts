/** `paas`: the client. Parses, runs, and ends with a code that scripts can use: 0 well, 1 failed, 2 wrong usage; `run` and `heroku` pass on what they ran ended with. */

import { CommanderError } from "commander";
import { Failure, FAILED, WRONG_USAGE } from "./failure.ts";
import { createProgram } from "./program.ts";

// Whoever reads us may stop reading: `paas logs | head`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : FAILED));

try {
  await createProgram().parseAsync(process.argv.slice(2), { from: "user" });
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : WRONG_USAGE;
  else if (error instanceof Failure) {
    process.stderr.write(`paas: ${error.message}\n`);
    process.exitCode = error.exitCode;
  } else throw error;
}
