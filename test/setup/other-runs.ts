/** Whether other runs of the tests use the same engine meanwhile (several people on one machine): one run listens, the others knock and stay until it ends. */

import { connect, createServer, type Socket } from "node:net";

const ADDRESS = "\0paas-test-run";

export type OtherRuns = { seen: () => boolean; end: () => void };

/** Resolves once this run listens or has knocked. */
export async function watchForOtherRuns(): Promise<OtherRuns> {
  const connections = new Set<Socket>();
  let seen = false;
  let over = false;
  const keep = (socket: Socket): void => {
    seen = true;
    connections.add(socket.on("error", () => {}).on("close", () => connections.delete(socket)).resume().unref());
  };
  const server = createServer(keep).unref();
  const listenOrKnock = (): Promise<void> =>
    new Promise((resolve) => {
      server.once("listening", resolve).once("error", () => {
        const knocking = connect(ADDRESS, resolve).on("close", () => {
          resolve();
          // The one that listened has ended: whoever comes next must find us.
          if (!over) void listenOrKnock();
        });
        keep(knocking);
      });
      server.listen(ADDRESS);
    });
  await listenOrKnock();
  return {
    seen: () => seen,
    end() {
      over = true;
      server.close();
      for (const socket of connections) socket.destroy();
    },
  };
}
