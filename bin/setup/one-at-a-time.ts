/** A lock between processes that the kernel gives back when its holder ends, however it ends: a listening socket without a file. */

import { createConnection, createServer, type Server } from "node:net";

/**
 * Runs `task` while no other process of this machine runs one under the same name; waits for its turn as long as that takes.
 * Elsewhere than on Linux there are no such sockets, and the task runs at once.
 */
export async function oneAtATime<T>(name: string, task: () => Promise<T>): Promise<T> {
  if (process.platform !== "linux") return await task();
  const address = `\0${name}`;
  let held: Server | undefined;
  while (!(held = await tryToHold(address))) await holderIsDone(address);
  try {
    return await task();
  } finally {
    held.close();
    for (const waiter of waiters.get(held) ?? []) waiter.destroy();
  }
}

const waiters = new WeakMap<Server, Set<{ destroy: () => void }>>();

function tryToHold(address: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const waiting = new Set<{ destroy: () => void }>();
    const server = createServer((socket) => {
      waiting.add(socket);
      socket.on("error", () => {}).on("close", () => waiting.delete(socket));
    });
    waiters.set(server, waiting);
    server.once("error", (error: NodeJS.ErrnoException) => (error.code === "EADDRINUSE" ? resolve(undefined) : reject(error)));
    server.listen(address, () => resolve(server));
  });
}

/** The holder never says a word: the connection ends when it does. */
function holderIsDone(address: string): Promise<void> {
  return new Promise((resolve) => {
    createConnection(address)
      .on("error", () => {})
      .on("close", () => resolve())
      .resume();
  });
}
