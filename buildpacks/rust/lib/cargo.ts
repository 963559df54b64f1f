/** Runs Cargo where its messages for programs are wanted (https://doc.rust-lang.org/cargo/reference/external-tools.html#json-messages). */

import { failing } from "../../lib/causes.ts";
import { run } from "../../lib/command.ts";
import { CAUSES } from "./causes.ts";

export type Build = { buildDir: string; env: NodeJS.ProcessEnv };

/** It prints them between its words for people. */
const MESSAGE = /^\{"reason":/;

/** @returns its messages, all of them: there may be thousands. @throws BuildFailure with cause and fix where Cargo's words are known. */
export async function runCargo({ buildDir, env }: Build, args: string[]): Promise<string[]> {
  const messages: string[] = [];
  const shows = (line: string): boolean => {
    const isMessage = MESSAGE.test(line);
    if (isMessage) messages.push(line);
    return !isMessage;
  };
  const ended = await run("cargo", [...args, "--message-format=json-render-diagnostics"], { cwd: buildDir, env, shows });
  failing(args[0] === "test" ? "cargo test --no-run" : `cargo ${args[0]}`, ended, CAUSES);
  return messages;
}
