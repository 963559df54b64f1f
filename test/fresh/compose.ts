/** `npm run test:compose`: docker-compose.yml, from an image built without a registry, through a push and a restart of the control plane. */

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import Docker from "dockerode";
import { freePort } from "../support/free-port.ts";
import { get, healthy, makeSite, note, printFigures, run, timed } from "./user.ts";

const root = join(import.meta.dirname, "../..");
const project = `paas-compose-${randomBytes(3).toString("hex")}`;
const image = `${project}:test`;
const [apiPort, routerPort] = [await freePort(), await freePort()];
const settings = { PAAS_IMAGE: image, PAAS_API_PORT: String(apiPort), PAAS_HTTP_PORT: String(routerPort) };
const folder = mkdtempSync(join(tmpdir(), "paas-compose-"));
const tool = spawnSync("docker-compose", ["version"]).status === 0 ? ["docker-compose"] : ["docker", "compose"];
const docker = new Docker();

try {
  await timed("npm run image", () => run("npm", ["run", "image"], root, settings));
  await timed("up, until the example is live", async () => {
    await compose("up", "-d");
    await healthy(apiPort);
    while (!composeOutput("logs", "--no-color", "control-plane").includes("git push paas main")) await delay(500);
  });
  assert.equal((await get(routerPort, "/", "hello-node.localhost")).status, 200, "the example serves");
  const token = /Admin token\s+(\S+)/.exec(composeOutput("logs", "--no-color", "control-plane"))?.[1];

  const app = join(folder, "first");
  await makeSite(app);
  await timed("push of an app", () => run("git", ["push", `http://paas:${token}@localhost:${apiPort}/first.git`, "main"], app));

  const failures = await whileAsking(() => timed("restart of the control plane", () => compose("restart", "control-plane")));
  assert.deepEqual(failures, [], "no request fails while the control plane restarts");
  await healthy(apiPort);
} finally {
  printFigures();
  await removeAll();
}

/** Asks for the page without a pause while the task runs; returns what was not a 200. */
async function whileAsking(task: () => Promise<unknown>): Promise<string[]> {
  const failures: string[] = [];
  let asked = 0;
  let over = false;
  const asking = (async () => {
    for (; !over; asked++) {
      const answer = await get(routerPort, "/", "first.localhost").then(({ status }) => String(status), String);
      if (answer !== "200") failures.push(answer);
    }
  })();
  await task();
  over = true;
  await asking;
  note("  requests meanwhile, failed", `${asked}, ${failures.length}`);
  return failures;
}

function compose(...args: string[]): Promise<void> {
  const [file = "", ...first] = tool;
  return run(file, [...first, "-p", project, ...args], root, settings);
}

function composeOutput(...args: string[]): string {
  const [file = "", ...first] = tool;
  return execFileSync(file, [...first, "-p", project, ...args], { cwd: root, encoding: "utf8", env: { ...process.env, ...settings }, stdio: ["ignore", "pipe", "ignore"] });
}

async function removeAll(): Promise<void> {
  const [file = "", ...first] = tool;
  const asked = spawnSync(file, [...first, "-p", project, "exec", "-T", "control-plane", "cat", "/var/lib/paas/instance-id"], { cwd: root, encoding: "utf8", env: { ...process.env, ...settings } });
  const instance = asked.status === 0 ? asked.stdout.trim() : "";
  await compose("down", "-v");
  const filters = { label: [`paas.instance=${instance}`] };
  if (instance) {
    for (const { Id } of await docker.listContainers({ all: true, filters })) await docker.getContainer(Id).remove({ force: true, v: true });
    for (const { Id } of await docker.listNetworks({ filters })) await docker.getNetwork(Id).remove();
    for (const { Name } of (await docker.listVolumes({ filters })).Volumes) await docker.getVolume(Name).remove();
    for (const { Id, RepoTags } of await docker.listImages({ filters })) for (const name of RepoTags ?? [Id]) await docker.getImage(name).remove({ force: true });
  }
  if (await docker.getImage(image).inspect().catch(() => undefined)) await docker.getImage(image).remove({ force: true });
  rmSync(folder, { recursive: true, force: true });
}
