/** The real git client with a configuration of its own, in folders that go away. */

import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export type Result = { code: number | null; output: string; ms: number };
export type Running = { child: ChildProcess; done: Promise<Result>; /** Resolves when the output so far contains the text. */ says(text: string): Promise<void>; output(): string };

export type Workspace = {
  dir: string;
  start(...args: string[]): Running;
  git(...args: string[]): Promise<Result>;
  /** Runs git and fails the test when it fails. @returns trimmed output */
  must(...args: string[]): Promise<string>;
  /** Writes files and commits all of them. @returns the commit's id */
  commit(files: Record<string, string | Buffer>): Promise<string>;
  push(url: string, ...refs: string[]): Promise<Result>;
};

const folders: string[] = [];

export async function workspace(options: { init?: boolean } = {}): Promise<Workspace> {
  const dir = await mkdtemp(join(tmpdir(), "paas-client-"));
  folders.push(dir);
  const start = (...args: string[]): Running => startGit(dir, args);
  const git = (...args: string[]): Promise<Result> => start(...args).done;
  const must = async (...args: string[]): Promise<string> => {
    const { code, output } = await git(...args);
    if (code !== 0) throw new Error(`git ${args.join(" ")} failed:\n${output}`);
    return output.trim();
  };
  let commits = 0;
  const commit = async (files: Record<string, string | Buffer>): Promise<string> => {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(dir, name)), { recursive: true });
      await writeFile(join(dir, name), content);
    }
    await must("add", "--all", "--force");
    await must("commit", "--quiet", "--allow-empty", "-m", `change ${++commits}`);
    return must("rev-parse", "HEAD");
  };
  if (options.init !== false) await must("init", "--quiet", "-b", "main");
  return { dir, start, git, must, commit, push: (url, ...refs) => git("push", url, ...(refs.length > 0 ? refs : ["main"])) };
}

export async function removeWorkspaces(): Promise<void> {
  for (const dir of folders.splice(0)) await rm(dir, { recursive: true, force: true });
}

export const CLIENT_ENVIRONMENT: Record<string, string> = {
  PATH: process.env.PATH ?? "",
  HOME: "/nonexistent",
  LC_ALL: "C.UTF-8",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
  // Compressing random megabytes would be most of the time that these tests take.
  GIT_CONFIG_COUNT: "1",
  GIT_CONFIG_KEY_0: "core.compression",
  GIT_CONFIG_VALUE_0: "0",
  GIT_AUTHOR_NAME: "A U Thor",
  GIT_AUTHOR_EMAIL: "author@example.com",
  GIT_COMMITTER_NAME: "A U Thor",
  GIT_COMMITTER_EMAIL: "author@example.com",
};

export function startGit(cwd: string, args: string[], env: Record<string, string> = {}): Running {
  const began = Date.now();
  // A group of its own: a signal to it reaches git-remote-http too, as Ctrl-C in a terminal does.
  const child = spawn("git", args, { cwd, env: { ...CLIENT_ENVIRONMENT, ...env }, stdio: ["ignore", "pipe", "pipe"], detached: true });
  let output = "";
  const waiting = new Set<() => void>();
  const done = new Promise<Result>((resolve) => child.on("close", (code) => resolve({ code, output, ms: Date.now() - began })));
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      waiting.forEach((check) => check());
    });
  const says = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        if (!output.includes(text)) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      void done.then(() => (output.includes(text) ? resolve() : reject(new Error(`git ended without saying "${text}":\n${output}`))));
      check();
    });
  return { child, done, says, output: () => output };
}

/** Sends a signal to the client and its transport helper. */
export function signalGroup({ child }: Running, signal: NodeJS.Signals): void {
  if (child.pid) process.kill(-child.pid, signal);
}
