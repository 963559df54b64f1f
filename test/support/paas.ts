/** A whole platform of its own for a test: control plane and router as real processes, a data folder, a real engine; all gone at the end. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Docker from "dockerode";
import { createRouterClient, type Router } from "../../proxy/client.ts";
import { removeNetwork } from "../../server/engine/networks.ts";

const ROOT = join(import.meta.dirname, "../..");
const START_MS = 60_000;
export const ADMIN_TOKEN = "test-token-of-the-administrator";

export type Answer = { status: number; body: string; headers: Record<string, string | string[] | undefined> };

export type Paas = {
  dataDir: string;
  instance(): string;
  apiPort: number;
  routerPort: number;
  router: Router;
  /** What the control plane printed so far. */
  output(): string;
  /** Where an app is pushed to, the token in it. */
  remote(app: string): string;
  /** A request to the API with the administrator's token; the body is JSON both ways. */
  api<T = unknown>(method: string, path: string, body?: unknown): Promise<{ status: number; body: T }>;
  /** A request to an app through the router. */
  get(app: string, path?: string, headers?: Record<string, string>): Promise<Answer>;
  /** Containers of this platform, of one kind or of all. */
  containers(kind?: string): Promise<Docker.ContainerInfo[]>;
  /** The control plane's process. */
  process(): ChildProcess;
  /** SIGKILL, as a crash. Router and dynos go on. */
  kill(): Promise<void>;
  /** Starts the control plane again on the same data. @returns milliseconds until it was ready */
  start(env?: Record<string, string>): Promise<number>;
  /** SIGTERM: the control plane alone. */
  stop(): Promise<void>;
  /** Ends everything and removes all of it from the engine. */
  remove(): Promise<void>;
};

export const docker = new Docker();

/** @param env settings beyond the defaults: free ports, a data folder of its own, quick graces. */
export async function startPaas(env: Record<string, string> = {}): Promise<Paas> {
  const dataDir = await mkdtemp(join(tmpdir(), "paas-test-"));
  let child: ChildProcess;
  let output = "";
  const settings: Record<string, string> = {
    NODE_COMPILE_CACHE: join(ROOT, "node_modules/.cache/node"),
    PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "/", PAAS_DATA_DIR: dataDir, PAAS_API_PORT: "0", PAAS_HTTP_PORT: "0", PAAS_ADMIN_TOKEN: ADMIN_TOKEN, PAAS_API_TLS_PORT: "off",
    PAAS_STACK_IMAGE: process.env["PAAS_STACK_IMAGE"] ?? "", PAAS_MIN_FREE_DISK_MB: "100", PAAS_STOP_SECONDS: "5", PAAS_DRAIN_SECONDS: "10", PAAS_BUILDS_AHEAD: "0", PAAS_REQUESTS_PER_HOUR: "1000000",
    ...(process.env["DOCKER_HOST"] === undefined ? {} : { DOCKER_HOST: process.env["DOCKER_HOST"] }), ...env,
  };

  const paas: Paas = {
    dataDir, apiPort: 0, routerPort: 0,
    router: createRouterClient(join(dataDir, "run", "router.sock")),
    instance: () => readFileSync(join(dataDir, "instance-id"), "utf8").trim(),
    output: () => output,
    process: () => child,
    remote: (app) => `http://paas:${ADMIN_TOKEN}@127.0.0.1:${paas.apiPort}/${app}.git`,
    async api<T>(method: string, path: string, body?: unknown) {
      const response = await fetch(`http://127.0.0.1:${paas.apiPort}${path}`, {
        method, headers: { authorization: `Bearer ${ADMIN_TOKEN}`, accept: "application/vnd.heroku+json; version=3", ...(body === undefined ? {} : { "content-type": "application/json" }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: (text === "" ? undefined : JSON.parse(text)) as T };
    },
    get: (app, path = "/", headers = {}) => get(paas.routerPort, app, path, headers),
    containers: (kind) => docker.listContainers({ all: true, filters: { label: [`paas.instance=${paas.instance()}`, ...(kind ? [`paas.kind=${kind}`] : [])] } }),
    async kill() {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
    async start(more = {}) {
      const began = performance.now();
      output = "";
      child = spawn(process.execPath, [join(ROOT, "server/main.ts"), "--no-example"], { cwd: ROOT, env: { ...settings, ...more }, stdio: ["ignore", "pipe", "pipe"] });
      const ready = new Promise<number>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`the control plane was not ready in time; it printed:\n${output}`)), START_MS);
        const look = (chunk: Buffer): void => {
          output += chunk.toString();
          const port = /Git and API\s+http:\/\/[^\s:]+:(\d+)/.exec(output)?.[1];
          if (!port) return;
          clearTimeout(timer);
          paas.apiPort = Number(port);
          resolve(performance.now() - began);
        };
        child.stdout?.on("data", look);
        child.stderr?.on("data", look);
        child.once("exit", (code) => {
          clearTimeout(timer);
          reject(new Error(`the control plane ended with ${code}; it printed:\n${output}`));
        });
      });
      const ms = await ready;
      paas.routerPort = (await paas.router.health()).port;
      return ms;
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    },
    async remove() {
      await paas.stop();
      const router = await paas.router.health().catch(() => undefined);
      for (const pid of router ? [...router.workers, router.pid] : []) process.kill(pid, "SIGKILL");
      await removeFromEngine(paas.instance());
      await rm(dataDir, { recursive: true, force: true });
    },
  };
  await paas.start().catch(async (error: unknown) => {
    await paas.remove().catch(() => undefined);
    throw error;
  });
  return paas;
}

function get(port: number, app: string, path: string, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request({ host: "127.0.0.1", port, path, agent: false, headers: { host: `${app}.localhost`, ...headers } }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }));
      response.on("error", reject);
    });
    asking.on("error", reject).end();
  });
}

function unlessGoing(error: { statusCode?: number }): void {
  if (![403, 404, 409].includes(error.statusCode ?? 0)) throw error;
}

async function removeFromEngine(instance: string): Promise<void> {
  const filters = { label: [`paas.instance=${instance}`] };
  // One that the platform was just removing (409) is listed until it is gone.
  for (let left = await docker.listContainers({ all: true, filters }); left.length > 0; left = await docker.listContainers({ all: true, filters })) {
    await Promise.all(left.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true }).catch(unlessGoing)));
  }
  await Promise.all((await docker.listNetworks({ filters })).map(({ Id }) => removeNetwork(docker, Id)));
  await Promise.all((await docker.listVolumes({ filters })).Volumes.map(({ Name }) => docker.getVolume(Name).remove()));
  // By name: one that others stand on goes with the last of them.
  const names = (await docker.listImages({ filters })).flatMap(({ Id, RepoTags }) => RepoTags?.filter((tag) => tag !== "<none>:<none>") ?? [Id]);
  for (const name of names) await docker.getImage(name).remove({ force: true });
  // What builds from Dockerfiles kept for the next one; nothing but a name says whose it is.
  const stages = await docker.listImages({ filters: { reference: [`paas-stage:${instance.replaceAll("-", "").slice(0, 12)}-*`] } });
  for (const name of stages.flatMap(({ RepoTags }) => RepoTags ?? [])) await docker.getImage(name).remove({ force: true });
}
