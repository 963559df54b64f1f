/** A socket between a control plane and the real engine, so that a test can cut the one off from the other without touching the engine. */

import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ENGINE = "/var/run/docker.sock";

export type EngineForwarder = {
  /** What DOCKER_HOST has to be. */
  dockerHost: string;
  /** The engine is gone: what was open breaks off, new connections are refused. */
  cut(): Promise<void>;
  /** Connections are taken but nothing passes any more, in either direction, on old ones too. */
  hang(): void;
  /** The engine is back, after a cut or a hang. */
  restore(): Promise<void>;
  /** Ends it and removes its folder. */
  close(): Promise<void>;
};

/** @param engine path of the real engine's socket. */
export async function forwardEngine(engine = ENGINE): Promise<EngineForwarder> {
  const folder = await mkdtemp(join(tmpdir(), "paas-engine-"));
  const path = join(folder, "engine.sock");
  const open = new Set<Socket>();
  let hanging = false;
  let server: Server | undefined;

  function take(client: Socket): void {
    open.add(client);
    client.on("error", () => undefined).on("close", () => open.delete(client));
    if (hanging) return void client.pause();
    const upstream = connect(engine);
    open.add(upstream);
    upstream.on("error", () => client.destroy()).on("close", () => open.delete(upstream));
    client.on("close", () => upstream.destroy());
    client.pipe(upstream).pipe(client);
  }

  async function listen(): Promise<void> {
    if (server) return;
    await rm(path, { force: true });
    // The engine ends a stream in one direction only, too (attach).
    server = createServer({ allowHalfOpen: true }, take).listen(path);
    await once(server, "listening");
  }

  function breakOff(): void {
    for (const socket of open) socket.destroy();
  }

  const forwarder: EngineForwarder = {
    dockerHost: `unix://${path}`,
    async cut() {
      const closed = server && once(server, "close");
      server?.close();
      server = undefined;
      breakOff();
      await closed;
    },
    hang() {
      hanging = true;
      for (const socket of open) {
        socket.unpipe();
        socket.pause();
      }
    },
    async restore() {
      if (hanging) breakOff();
      hanging = false;
      await listen();
    },
    async close() {
      await forwarder.cut();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await listen();
  return forwarder;
}
