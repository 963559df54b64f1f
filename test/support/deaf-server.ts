/** A port whose every SYN vanishes: what a dyno is whose network is gone, for no RST comes back. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";

const SCRIPT = "require('net').createServer().listen({port:0,host:'127.0.0.1',backlog:1},function(){console.log(this.address().port)})";

export type DeafServer = { port: number; close(): void };

export async function deafServer(): Promise<DeafServer> {
  // A stopped process with a full backlog drops every SYN.
  const child = spawn(process.execPath, ["-e", SCRIPT], { stdio: ["ignore", "pipe", "inherit"] });
  const port = Number(String((await once(child.stdout, "data"))[0]));
  child.kill("SIGSTOP");
  const filling = Array.from({ length: 4 }, () => net.connect(port, "127.0.0.1").on("error", () => {}));
  await Promise.all(filling.slice(0, 2).map((socket) => once(socket, "connect")));
  return {
    port,
    close: () => {
      for (const socket of filling) socket.destroy();
      child.kill("SIGKILL");
    },
  };
}
