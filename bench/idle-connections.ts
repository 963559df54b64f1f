/** The process that holds idle connections: `node idle-connections.ts PORT COUNT`. Each has carried one request, as a browser's has. */

import { once } from "node:events";
import net from "node:net";

/** Below what the router lets one address hold. */
const PER_ADDRESS = 1_000;
const AT_A_TIME = 100;
const REQUEST = "GET / HTTP/1.1\r\nHost: bench.test\r\n\r\n";

const [port, count] = process.argv.slice(2).map(Number) as [number, number];
const held: net.Socket[] = [];
for (let from = 0; from < count; from += AT_A_TIME) held.push(...(await Promise.all(Array.from({ length: Math.min(AT_A_TIME, count - from) }, (_, i) => hold(from + i)))));
process.send?.("held");
process.on("disconnect", () => process.exit());
process.on("message", () => process.send?.(held.filter((socket) => !socket.destroyed && socket.readyState === "open").length));

async function hold(number: number): Promise<net.Socket> {
  const socket = net.connect({ port, host: "127.0.0.1", localAddress: `127.0.0.${2 + Math.floor(number / PER_ADDRESS)}` });
  socket.write(REQUEST);
  const [answer] = (await once(socket, "data")) as [Buffer];
  if (!answer.toString("latin1").startsWith("HTTP/1.1 200 ")) throw new Error(`connection ${number} was answered: ${answer.toString("latin1", 0, 200)}`);
  return socket;
}
