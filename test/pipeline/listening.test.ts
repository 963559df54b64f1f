import { readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { parseListeners } from "../../server/pipeline/listening.ts";

describe("parseListeners", () => {
  it.each(["127.0.0.1", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1"])("reads a socket that listens on %s from this machine's own table", async (host) => {
    const server = createServer().listen(0, host);
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const table = readFileSync("/proc/net/tcp", "latin1") + readFileSync("/proc/net/tcp6", "latin1");
    server.close();
    const address = host.startsWith("::f") ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host;
    expect(parseListeners(table)).toContainEqual({ address, port });
  });

  it("leaves out connections and the engine's own resolver", () => {
    const table = [
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
      "   0: 0B00007F:8C5D 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0",
      "   1: 020BD50A:1388 010BD50A:D2F0 01 00000000:00000000 00:00000000 00000000 10000        0 2 1 0 20 4 30 10 -1",
      "   2: 00000000:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10000        0 3 1 0 100 0 0 10 0",
    ].join("\n");
    expect(parseListeners(table)).toEqual([{ address: "0.0.0.0", port: 5000 }]);
  });
});
