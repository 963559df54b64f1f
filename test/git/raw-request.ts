/** Requests that no git client would send: written to the socket byte by byte. */

import { connect, type Socket } from "node:net";
import { TOKENS } from "./git-server.ts";

export type Answer = { status: number; head: string; body: Buffer };

export type RawRequest = {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: Buffer | string;
};

export const ALICE = { authorization: `Bearer ${TOKENS.alice}` };

/** Sends one request and reads until the server closes. @throws Error when no answer came within 20 s. */
export async function raw(port: number, request: RawRequest): Promise<Answer> {
  const body = Buffer.from(request.body ?? "");
  const socket = open(port);
  socket.write(head(request, body.length));
  socket.write(body);
  return answerOf(socket);
}

export function head({ method = "GET", path, headers = {} }: RawRequest, length: number): string {
  const all: Record<string, string> = { host: "git", connection: "close", ...(method === "GET" ? {} : { "content-length": String(length) }), ...headers };
  return `${method} ${path} HTTP/1.1\r\n${Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
}

export function open(port: number): Socket {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  return socket;
}

export function answerOf(socket: Socket): Promise<Answer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    socket.setTimeout(20_000, () => socket.destroy(new Error("No answer within 20 s.")));
    socket.once("error", reject);
    socket.once("close", () => {
      const all = Buffer.concat(chunks);
      const end = all.indexOf("\r\n\r\n");
      const text = all.subarray(0, Math.max(end, 0)).toString("latin1");
      resolve({ status: Number(text.split(" ")[1] ?? 0), head: text.toLowerCase(), body: all.subarray(end + 4) });
    });
  });
}

/** gitprotocol-common(5): four hexadecimal digits of length, then the payload. */
export function packet(payload: string): string {
  return (Buffer.byteLength(payload) + 4).toString(16).padStart(4, "0") + payload;
}
