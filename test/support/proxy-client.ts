/** A raw HTTP client for the router's tests: sends octets as they are and collects what comes back. */

import { once } from "node:events";
import net from "node:net";

export type RawClient = {
  socket: net.Socket;
  received(): string;
  /** Forgets what was received. */
  forget(): void;
  /** Writes in latin1. */
  send(text: string): void;
  /** Resolves with everything received once it matches; rejects when the connection closes without. */
  until(pattern: RegExp): Promise<string>;
  /** Resolves with everything received once the connection is closed, and how it closed. */
  closed(): Promise<{ text: string; error: string | null }>;
};

export async function rawClient(port: number, options: { localAddress?: string; allowHalfOpen?: boolean } = {}): Promise<RawClient> {
  const socket = net.connect({ port, host: "127.0.0.1", noDelay: true, ...options });
  let text = "";
  let error: string | null = null;
  let isClosed = false;
  const watchers = new Set<() => void>();
  const look = (): void => watchers.forEach((watcher) => watcher());
  socket.on("data", (bytes) => {
    text += bytes.toString("latin1");
    look();
  });
  socket.on("error", (cause: NodeJS.ErrnoException) => (error = cause.code ?? "unknown"));
  socket.on("close", () => {
    isClosed = true;
    look();
  });
  await once(socket, "connect");
  const when = <T>(done: () => T | undefined): Promise<T> =>
    new Promise((resolve) => {
      const watcher = (): void => {
        const value = done();
        if (value === undefined) return;
        watchers.delete(watcher);
        resolve(value);
      };
      watchers.add(watcher);
      watcher();
    });
  return {
    socket,
    received: () => text,
    forget: () => void (text = ""),
    send: (data) => void socket.write(data, "latin1"),
    until: async (pattern) => {
      await when(() => (pattern.test(text) || isClosed ? true : undefined));
      if (!pattern.test(text)) throw new Error(`closed (${error ?? "FIN"}) before ${String(pattern)}; received: ${JSON.stringify(text.slice(0, 400))}`);
      return text;
    },
    closed: () => when(() => (isClosed ? { text, error } : undefined)),
  };
}

/** Sends `text` on a new connection and returns what came until the router closed it or `pattern` matched. */
export async function talk(port: number, text: string, pattern?: RegExp): Promise<string> {
  const client = await rawClient(port);
  client.send(text);
  const received = pattern === undefined ? (await client.closed()).text : await client.until(pattern);
  client.socket.destroy();
  return received;
}

/** The status codes of the responses in `text`, in order. */
export function statuses(text: string): number[] {
  return [...text.matchAll(/^HTTP\/1\.[01] (\d{3})/gm)].map((match) => Number(match[1]));
}
