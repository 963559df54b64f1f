/** Where git's pre-receive hook asks whether a push may be taken: HTTP on a unix socket that only this user can open. */

import { chmod, mkdir, rename, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { dirname, join } from "node:path";
import type { Logger } from "pino";
import { createServer } from "../node-http.ts";
import { problem, type Output } from "../pipeline/output.ts";
import { boundedOutput } from "./client-output.ts";

/** One line of what git tells a pre-receive hook (githooks(5)). */
export type RefUpdate = { before: string; after: string; ref: string };

export type HookCall = {
  /** Of the receive-pack that runs the hook. */
  pid: number;
  quarantine: string | undefined;
  updates: RefUpdate[];
};

export type HookServerOptions = {
  socketPath: string;
  hooksDir: string;
  log: Logger;
  /** The verdict. What is written reaches the pusher at once; `signal` fires when nobody waits for the verdict any more. */
  decide(call: HookCall, output: Output, signal: AbortSignal): Promise<boolean>;
  /** Output that waits for the pusher is dropped beyond this. */
  maxPendingBytes: number;
  /** A client that does not read the rest of the output within this time after the verdict is let go. */
  flushMs: number;
  letGo(pid: number): void;
};

const MAX_BODY_BYTES = 16 << 20;
const MAX_SOCKET_PATH = 107; // sun_path of Linux

export function createHookServer(options: HookServerOptions) {
  const { socketPath, hooksDir, log } = options;
  const server: Server = createServer({ requestTimeout: 0, keepAliveTimeout: 1000 }, (request, response) => {
    answer(request, response, options).catch((error: unknown) => {
      log.error({ err: error }, "pre-receive hook could not be answered");
      response.destroy();
    });
  });

  return {
    /** @throws Error when the socket's path is too long for the kernel. */
    async start(): Promise<void> {
      if (Buffer.byteLength(socketPath) > MAX_SOCKET_PATH)
        throw new Error(`The data folder's path is too long: ${socketPath} must have at most ${MAX_SOCKET_PATH} bytes (a unix socket's limit). Set PAAS_DATA_DIR to a shorter one.`);
      await rm(socketPath, { force: true });
      await mkdir(dirname(socketPath), { recursive: true });
      await listen(server, socketPath);
      await writeHook(hooksDir, socketPath);
    },

    /** Declines whatever still waits. */
    async stop(): Promise<void> {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await rm(socketPath, { force: true });
    },
  };
}

// The socket is born closed to others: a chmod afterwards would leave a moment. Node binds it before listen() returns.
function listen(server: Server, socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const before = process.umask(0o177);
    server.once("error", reject).listen(socketPath, resolve);
    process.umask(before);
  });
}

// The verdict is how the answer ends: whole means accept, broken off (curl exits 18) means decline. So everything that
// can go wrong, from a missing curl to a killed server, declines; --fail does the same for an HTTP error.
// exec: killing the hook must close the connection. $PPID is the receive-pack that this server started.
async function writeHook(hooksDir: string, socketPath: string): Promise<void> {
  const path = join(hooksDir, "pre-receive");
  await mkdir(hooksDir, { recursive: true, mode: 0o755 });
  const script = `#!/bin/sh
# Written by the server at every start.
exec curl -q --silent --fail --no-buffer --noproxy '*' --unix-socket ${shellQuote(socketPath)} \\
  -X POST -H 'Expect:' -H 'Content-Type: text/plain' -H "X-Receive-Pack: $PPID" -H "X-Quarantine: $GIT_QUARANTINE_PATH" \\
  --data-binary @- http://hook/pre-receive 2>&1
`;
  await writeFile(`${path}.new`, script, { mode: 0o755 });
  await chmod(`${path}.new`, 0o755);
  await rename(`${path}.new`, path);
}

async function answer(request: IncomingMessage, response: ServerResponse, options: HookServerOptions): Promise<void> {
  const hookGone = new AbortController();
  response.on("close", () => hookGone.abort(new Error("The hook was broken off.")));
  response.on("error", () => {});
  response.writeHead(200, { "content-type": "text/plain; charset=utf-8", "transfer-encoding": "chunked" });
  response.flushHeaders();

  const pid = Number(request.headers["x-receive-pack"]);
  const output = boundedOutput(response, options.maxPendingBytes);
  const accepted = await verdict().catch((error: unknown) => {
    options.log.error({ err: error }, "pre-receive hook failed");
    problem(output, "Push rejected, the server failed; its log says why.");
    return false;
  });
  output.finish();

  // A client that stopped reading must not hold a finished deploy's ref: whoever waits behind it would build in vain.
  const timer = setTimeout(() => options.letGo(pid), options.flushMs);
  response.on("close", () => clearTimeout(timer));
  if (accepted) response.end();
  else response.socket?.end();

  async function verdict(): Promise<boolean> {
    const updates = parseUpdates(await readBody(request));
    return options.decide({ pid, quarantine: header(request, "x-quarantine"), updates }, output, hookGone.signal);
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new Error("Too many refs in one push.");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseUpdates(text: string): RefUpdate[] {
  return text.split("\n").filter(Boolean).map((line) => {
    const [before = "", after = "", ...ref] = line.split(" ");
    return { before, after, ref: ref.join(" ") };
  });
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  // Node reads header bytes as Latin-1; the path is UTF-8.
  return typeof value === "string" && value !== "" ? Buffer.from(value, "latin1").toString("utf8") : undefined;
}

function shellQuote(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}
