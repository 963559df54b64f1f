/** The first start's example: a real `git push` of examples/hello-node, down the road that every push takes. */

import { spawn } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const EXAMPLE = fileURLToPath(new URL("../examples/hello-node", import.meta.url));

/**
 * Commits a copy of the example and pushes it.
 * @param url of the API, with neither user nor password.
 * @param programPath PATH, to find git.
 * @param write takes what git prints.
 * @returns whether the push succeeded.
 */
export async function deployExample(url: string, token: string, programPath: string, write: (text: string) => void): Promise<boolean> {
  const dir = await mkdtemp(join(tmpdir(), "paas-example-"));
  try {
    await cp(EXAMPLE, dir, { recursive: true, filter: (path) => !path.includes("node_modules") });
    const identity = ["-c", "user.name=paas", "-c", "user.email=paas@localhost"];
    const git = (...args: string[]): Promise<boolean> => run(dir, { token, programPath }, args, write);
    return (await git("init", "--quiet", "--initial-branch=main")) && (await git("add", "--all"))
      && (await git(...identity, "commit", "--quiet", "--message", "Say hello"))
      && (await git("push", `${url}/hello-node.git`, "main"));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** The token travels in the environment: an argument would stand in the process list. */
function run(cwd: string, { token, programPath }: { token: string; programPath: string }, args: string[], write: (text: string) => void): Promise<boolean> {
  const header = `Authorization: Basic ${Buffer.from(`paas:${token}`).toString("base64")}`;
  const env = { PATH: programPath, HOME: cwd, GIT_CONFIG_NOSYSTEM: "1", GIT_TERMINAL_PROMPT: "0", GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "http.extraHeader", GIT_CONFIG_VALUE_0: header };
  return new Promise((resolve) => {
    const child = spawn("git", args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.on("data", (chunk: Buffer) => write(chunk.toString("utf8")));
    child.stderr.on("data", (chunk: Buffer) => write(chunk.toString("utf8")));
    child.on("error", (error) => {
      write(`${error.message}\n`);
      resolve(false);
    });
    child.on("close", (code) => resolve(code === 0));
  });
}
