import type { FastifyInstance } from "fastify";
import type { Socket } from "node:net";

/**
 * Closing the server ends every connection that no request is on, and the others after their answer. Node counts a
 * connection that never carried a request as busy, so a browser's spare one would hold a stop up for over a minute.
 */
export function closeIdleConnections(fastify: FastifyInstance): void {
  const idle = new Set<Socket>();
  let closing = false;
  const rest = (socket: Socket): void => {
    if (closing) socket.destroy();
    else if (!socket.destroyed) idle.add(socket);
  };
  fastify.server.on("connection", (socket: Socket) => {
    socket.once("close", () => idle.delete(socket));
    rest(socket);
  });
  fastify.server.on("request", ({ socket }, response) => {
    idle.delete(socket);
    response.once("close", () => rest(socket));
  });
  fastify.addHook("preClose", async () => {
    closing = true;
    for (const socket of idle) socket.destroy();
  });
}
