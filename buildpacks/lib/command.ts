/** Runs a program: its output goes to the pusher, indented, as it comes. */

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { info } from "./output.ts";

const KEPT_LINES = 500;
/** What a program left running may still say once it has ended itself. */
const LAST_WORDS_MS = 300;

export type Ended = { code: number; output: string };
type Options = {
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** False for lines that the pusher need not read. */
  shows?: (line: string) => boolean;
};

/** @returns the exit code (128 + n for a signal would be bash's way; here 1) and the last 500 lines of stdout and stderr. */
export async function run(program: string, args: string[], { cwd, env, shows = () => true }: Options): Promise<Ended> {
  const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  const lines: string[] = [];
  const streams = [child.stdout, child.stderr].map(async (stream) => {
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
      if (shows(line)) info(line);
      lines.push(line);
      if (lines.length > KEPT_LINES) lines.shift();
    }
  });
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (status) => resolve(status ?? 1));
  });
  const timer = setTimeout(() => [child.stdout, child.stderr].forEach((stream) => stream.destroy()), LAST_WORDS_MS);
  await Promise.allSettled(streams);
  clearTimeout(timer);
  return { code, output: lines.join("\n") };
}

/** For what the pusher need not see. `input`: what it reads, nothing where there is none. */
export async function capture(program: string, args: string[], { cwd, env, input = "" }: Options & { input?: string | undefined }): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(program, args, { cwd, env, stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.on("error", () => undefined).end(input);
  const ended = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve(status ?? 1));
  });
  const [code, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code, stdout, stderr };
}

/** Copies, removes, lists. @returns stdout. @throws Error with its stderr. */
export async function mustRun(program: string, args: string[], cwd = "/", input?: string): Promise<string> {
  const { code, stdout, stderr } = await capture(program, args, { cwd, env: process.env, input });
  if (code !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr.trim()}`);
  return stdout;
}
