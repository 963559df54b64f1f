/** Commands of the host, run by argument list, with what they said last kept for the error message. */

import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { SetupError } from "./setup-error.ts";

const KEPT_OUTPUT = 64 * 1024;
const SHOWN_LINES = 15;

/** The full path of a command, or undefined where the machine has none. */
export function findCommand(name: string, env: NodeJS.ProcessEnv): string | undefined {
  return (env["PATH"] ?? "")
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/**
 * Runs a command to its end and returns what it printed (its last 64 KiB).
 * @throws SetupError with the last lines it printed when it cannot be started, fails, or takes longer than `timeoutMs`.
 */
export async function runCommand(name: string, args: string[], options: { env: NodeJS.ProcessEnv; timeoutMs: number }): Promise<string> {
  const said = [name, ...args].join(" ");
  const child = spawn(name, args, {
    env: options.env,
    stdio: ["ignore", "pipe", "pipe"],
    signal: AbortSignal.timeout(options.timeoutMs),
  });
  let output = "";
  const keep = (chunk: string): void => {
    output = (output + chunk).slice(-KEPT_OUTPUT);
  };
  child.stdout.setEncoding("utf8").on("data", keep);
  child.stderr.setEncoding("utf8").on("data", keep);
  const outcome = await new Promise<string | undefined>((resolve) => {
    child.once("error", (error) => resolve(error.name === "AbortError" ? `took longer than ${options.timeoutMs / 1000} s` : error.message));
    child.once("close", (code, signal) => resolve(code === 0 ? undefined : `ended with ${code ?? signal}`));
  });
  if (outcome !== undefined) throw new SetupError(`${said} ${outcome}:\n${lastLines(output)}`);
  return output;
}

/** What to show of a long text: its last lines. */
export function lastLines(text: string): string {
  return text.trimEnd().split("\n").slice(-SHOWN_LINES).join("\n");
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
