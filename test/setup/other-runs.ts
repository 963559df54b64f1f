/** Whether other runs of the tests use the same engine meanwhile (several people on one machine): each run knocks at the one that came first. */

import { connect, createServer } from "node:net";

const ADDRESS = "\0paas-test-run";

export type OtherRuns = { seen: () => boolean; end: () => void };

export function watchForOtherRuns(): Promise<OtherRuns> {
  let seen = false;
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      seen = true;
      socket.on("error", () => {}).end();
    });
    const handle: OtherRuns = { seen: () => seen, end: () => void server.close() };
    server.once("listening", () => resolve(handle)).once("error", () => {
      seen = true;
      connect(ADDRESS).on("error", () => {}).end();
      resolve(handle);
    });
    server.listen(ADDRESS).unref();
  });
}
