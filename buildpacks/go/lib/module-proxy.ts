/** The Go module proxy (https://go.dev/ref/mod#goproxy-protocol), by curl: it knows about file:// proxies, passwords, netrc and proxies on the way. */

import { capture } from "../../lib/command.ts";

/** The go command's own default. */
const DEFAULT_PROXY = "https://proxy.golang.org";
/** Where the go command gets toolchains when it is told to do without a proxy. */
const DIRECT = "https://go.dev/dl/mod";
/** What proxies answer for what they do not have. */
const NOT_THERE = new Set(["403", "404", "410"]);
const CURL_FILE_NOT_FOUND = 37;
const PATIENCE = ["--retry", "2", "--connect-timeout", "10", "--max-time", "300"];

export type Fetched = "fetched" | "not there" | "out of reach";

/** The addresses that GOPROXY names, in its order, as far as it says `off`. */
export function proxiesOf(env: NodeJS.ProcessEnv): string[] {
  const named = (env["GOPROXY"] || `${DEFAULT_PROXY},direct`).split(/[,|]/).map((part) => part.trim()).filter(Boolean);
  const off = named.indexOf("off");
  return named.slice(0, off === -1 ? undefined : off).map((part) => (part === "direct" ? DIRECT : part.replace(/\/$/, "")));
}

/** Downloads `path` into `file` from the first proxy that has it. */
export async function fetchFromProxy(env: NodeJS.ProcessEnv, path: string, file: string): Promise<Fetched> {
  let answer: Fetched = "out of reach";
  for (const proxy of proxiesOf(env)) {
    const found = await fetchFile(env, `${proxy}/${path}`, file);
    if (found === "fetched") return found;
    if (found === "not there") answer = found;
  }
  return answer;
}

export async function fetchFile(env: NodeJS.ProcessEnv, url: string, file: string): Promise<Fetched> {
  const { code, stdout } = await capture("curl", ["-fsSL", "--netrc-optional", ...PATIENCE, "-w", "%{http_code}", "-o", file, url], { cwd: "/", env });
  if (code === 0) return "fetched";
  return NOT_THERE.has(stdout) || code === CURL_FILE_NOT_FOUND ? "not there" : "out of reach";
}
