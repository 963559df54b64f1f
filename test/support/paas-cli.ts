/** The client, bin/paas, as a program of its own with a home of its own. */

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CLIENT_ENVIRONMENT } from "./git-client.ts";

const PROGRAM = join(import.meta.dirname, "../../bin/paas");
const TIMEOUT_MS = 60_000;

export type Said = { code: number | null; stdout: string; stderr: string };
export type RunOptions = { dir?: string; input?: string; env?: Record<string, string> };

export type PaasCli = {
  home: string;
  credentialsFile: string;
  run(args: string[], options?: RunOptions): Promise<Said>;
  /** Runs it and fails the test when it fails. @returns what it printed for scripts, as JSON where `--json` is among the arguments */
  must<T = string>(args: string[], options?: RunOptions): Promise<T>;
  /** Puts a program in front of all others on its path. */
  install(name: string, text: string): void;
  remove(): void;
};

export function paasCli(): PaasCli {
  const home = mkdtempSync(join(tmpdir(), "paas-cli-"));
  const bin = join(home, "bin");
  mkdirSync(bin);
  const base = { ...CLIENT_ENVIRONMENT, PATH: `${bin}:${process.env["PATH"] ?? ""}`, HOME: home };

  const run: PaasCli["run"] = (args, { dir = home, input = "", env = {} } = {}) => new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [PROGRAM, ...args], { cwd: dir, env: { ...base, ...env }, stdio: ["pipe", "pipe", "pipe"], timeout: TIMEOUT_MS });
    const said = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) child[name].setEncoding("utf8").on("data", (text: string) => (said[name] += text));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...said }));
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
  return {
    home, run,
    credentialsFile: join(home, ".config/paas/credentials.json"),
    async must<T>(args: string[], options: RunOptions = {}) {
      const { code, stdout, stderr } = await run(args, options);
      if (code !== 0) throw new Error(`paas ${args.join(" ")} ended with ${code}:\n${stdout}${stderr}`);
      return (args.includes("--json") ? JSON.parse(stdout) : stdout) as T;
    },
    install: (name, text) => writeFileSync(join(bin, name), text, { mode: 0o755 }),
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}
