/** `npm start` as a user has it in a terminal: what it says, and how it ends. */

import { spawn } from "node:child_process";
import { once } from "node:events";

export type NpmStart = {
  pid: number;
  output: () => string;
  /** Resolves when the text was said. @throws Error when npm ends, or ten minutes pass, before. */
  says: (text: string) => Promise<void>;
  /** Sends the signal to npm and resolves with its exit code. */
  stop: (signal: NodeJS.Signals) => Promise<number | null>;
};

const PATIENCE_MS = 10 * 60_000;

export function npmStart(folder: string, env: Record<string, string> = {}): NpmStart {
  const child = spawn("npm", ["start"], { cwd: folder, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
  const waiters = new Set<() => void>();
  let output = "";
  let over = false;
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      process.stdout.write(chunk.replaceAll(/^(?=.)/gm, "  | "));
      output += chunk;
      for (const look of waiters) look();
    });
  const closed = once(child, "close").then(([code]) => {
    over = true;
    for (const look of waiters) look();
    return code as number | null;
  });
  return {
    pid: child.pid ?? 0,
    output: () => output,
    says: (text) =>
      new Promise((resolve, reject) => {
        const settle = (problem?: string): void => {
          clearTimeout(patience);
          waiters.delete(look);
          if (problem) reject(new Error(`npm start ${problem} "${text}"`));
          else resolve();
        };
        const look = (): void => {
          if (output.includes(text)) settle();
          else if (over) settle(`ended with ${child.exitCode ?? child.signalCode} before it said`);
        };
        const patience = setTimeout(() => settle(`did not say in ${PATIENCE_MS / 60_000} minutes`), PATIENCE_MS);
        waiters.add(look);
        look();
      }),
    stop(signal) {
      child.kill(signal);
      return closed;
    },
  };
}
