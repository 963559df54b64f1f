/** Somebody else's server on loopback: git repositories over smart HTTP, and files. It remembers what it was asked. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { CLIENT_ENVIRONMENT } from "./git-client.ts";

export type ForeignServer = {
  origin: string;
  port: number;
  /** Method and path of every request, in order. */
  asked: string[];
  /** Answers a path otherwise than from the repositories. */
  answer: Map<string, (request: IncomingMessage, response: ServerResponse) => void>;
  close(): Promise<void>;
};

/** @param root the folder of the repositories: `/x.git` and `/x/.git` below it are served */
export async function startForeignServer(root: string): Promise<ForeignServer> {
  const asked: string[] = [];
  const answer: ForeignServer["answer"] = new Map();
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://x");
    asked.push(`${request.method} ${request.url}`);
    const own = answer.get(pathname);
    if (own) own(request, response);
    else serveGit(root, request, response);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`, port, asked, answer,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** git-http-backend(1) as a CGI program (RFC 3875). */
function serveGit(root: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? "/", "http://x");
  const backend = spawn("git", ["http-backend"], {
    env: {
      ...CLIENT_ENVIRONMENT, GIT_PROJECT_ROOT: root, GIT_HTTP_EXPORT_ALL: "1", PATH_INFO: pathname, QUERY_STRING: search.slice(1), REQUEST_METHOD: request.method ?? "GET",
      CONTENT_TYPE: request.headers["content-type"] ?? "", HTTP_CONTENT_ENCODING: String(request.headers["content-encoding"] ?? ""), GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  backend.stdin.on("error", () => undefined);
  request.pipe(backend.stdin);
  const chunks: Buffer[] = [];
  backend.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  backend.on("close", () => {
    const said = Buffer.concat(chunks);
    const end = said.indexOf("\r\n\r\n");
    const fields = said.subarray(0, end).toString().split("\r\n").map((line) => line.split(/:\s*/, 2) as [string, string]);
    const status = fields.find(([name]) => name.toLowerCase() === "status")?.[1] ?? "200";
    response.writeHead(Number.parseInt(status, 10), Object.fromEntries(fields.filter(([name]) => name.toLowerCase() !== "status"))).end(said.subarray(end + 4));
  });
}
