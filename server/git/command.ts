/** Runs git for the server itself and collects what it prints. */

import { execFile } from "node:child_process";
import { gitEnvironment } from "./gitconfig.ts";

export type GitCall = {
  /** Variables besides the server's own environment. */
  env?: Record<string, string>;
  /** Standard input; none when absent. */
  input?: string;
  /** More output than this fails the call. */
  maxBytes?: number;
  timeoutMs?: number;
  /** No file that git writes may become larger. */
  maxFileBytes?: number;
  signal?: AbortSignal;
};

/** git ended with an error, ran too long, was aborted (`cause` tells), or said too much (`overflow`). */
export class GitFailed extends Error {
  readonly overflow: boolean;
  constructor(command: string, stderr: string, cause: unknown, overflow: boolean) {
    super(`git ${command} failed: ${stderr.trim().slice(-500)}`, { cause });
    this.name = "GitFailed";
    this.overflow = overflow;
  }
}

/**
 * Runs `git <args>`.
 * @returns its standard output.
 * @throws GitFailed
 */
export function runGit(args: readonly string[], call: GitCall = {}): Promise<Buffer> {
  const { input = "", maxBytes = 1 << 20, timeoutMs = 60_000, maxFileBytes, signal } = call;
  return new Promise((resolve, reject) => {
    const options = { encoding: "buffer" as const, env: gitEnvironment(call.env), maxBuffer: maxBytes, timeout: timeoutMs, ...(signal && { signal }) };
    const [program, ...words] = maxFileBytes === undefined ? ["git", ...args] : ["prlimit", `--fsize=${maxFileBytes}`, "git", ...args];
    const child = execFile(program as string, words, options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      reject(new GitFailed(args[0] ?? "", stderr.toString(), error, error.code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER"));
    });
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}
