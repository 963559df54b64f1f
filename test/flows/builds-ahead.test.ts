import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { eventually } from "../git/eventually.ts";
import { deploy, type DeployedApp } from "../support/deployed-app.ts";
import { removeWorkspaces } from "../support/git-client.ts";
import { HELD, letGo } from "../support/held.ts";
import { overload } from "../support/overload.ts";
import { docker, startPaas, type Paas } from "../support/paas.ts";

vi.setConfig({ testTimeout: 150_000 * overload(), hookTimeout: 150_000 * overload() });
const PATIENCE = { timeout: 60_000 * overload() };

let paas: Paas;
let apps: DeployedApp[];
beforeAll(async () => {
  paas = await startPaas({ PAAS_BUILDS_AHEAD: "1", PAAS_BUILDS: "1" });
  apps = [await deploy(paas, "one", { text: "one" }), await deploy(paas, "two", { text: "two" })];
});
afterAll(async () => {
  await paas.remove();
  await removeWorkspaces();
});

/** What waits for builds: container and app, once there is one. */
async function waiting(): Promise<{ id: string; app: string | undefined }> {
  const found = async () => (await paas.containers("sandbox")).filter(({ State }) => State === "running");
  await expect.poll(found, PATIENCE).toHaveLength(1);
  const [{ Id, Labels }] = (await found()) as [Awaited<ReturnType<typeof found>>[number]];
  return { id: Id, app: Labels["paas.app"] };
}

it("a sandbox waits for the next push of the app that was pushed last, knows nothing of it, and builds once", async () => {
  const [one, two] = apps as [DeployedApp, DeployedApp];
  await paas.api("PATCH", "/apps/two/config-vars", { SECRET: "of-two" });
  await expect.poll(async () => (await waiting()).app, PATIENCE).toBe(two.id);
  const before = await waiting();
  expect(JSON.stringify(await docker.getContainer(before.id).inspect())).not.toContain("of-two");

  await two.push({ text: "again" });
  expect(await two.text()).toContain("again");
  // The one that was used goes after the push.
  await expect.poll(waiting, PATIENCE).not.toMatchObject({ id: before.id });
  expect((await waiting()).app).toBe(two.id);
  await expect.poll(() => docker.getContainer(before.id).inspect().catch(({ statusCode }: { statusCode: number }) => statusCode), PATIENCE).toBe(404);

  // Another app's push makes it give way: no more than one may wait here.
  await one.push({ text: "one again" });
  await expect.poll(async () => (await waiting()).app, PATIENCE).toBe(one.id);

  // It has the app's cache: a purge takes it away.
  expect((await paas.api("DELETE", "/apps/one/build-cache")).status).toBe(202);
  expect(await paas.containers("sandbox")).toEqual([]);
});

it("a push beyond as many builds as may work waits, reads its place in line, and shows as a pending build", async () => {
  const [one, two] = apps as [DeployedApp, DeployedApp];
  await one.repository.commit({ "package.json": JSON.stringify({ scripts: { build: `echo at work; ${HELD}` } }) });
  const first = one.start();
  await first.says("at work");
  await two.change({ text: "in line" });
  const second = two.start();
  await second.says("-----> Waiting for other builds: number 1 in line...");
  const builds = (await paas.api<{ status: string }[]>("GET", "/apps/two/builds")).body;
  expect(builds.at(-1)?.status).toBe("pending");
  await letGo(paas, one.name);
  for (const { code, output } of await Promise.all([first.done, second.done])) expect(code, output).toBe(0);
  expect(await two.text()).toContain("in line");
  await one.repository.commit({ "package.json": "{}" });
});

it("one that was killed is not waited for, and none outlives the control plane", async () => {
  const [one] = apps as [DeployedApp];
  // One that is just giving way to another cannot be killed any more.
  await eventually("a sandbox was killed", async () => docker.getContainer((await waiting()).id).kill().then(() => true, () => false), PATIENCE.timeout);
  await one.push({ text: "without" });
  expect(await one.text()).toContain("without");
  await waiting();
  await paas.stop();
  expect(await paas.containers("sandbox")).toEqual([]);
  await paas.start();
});

it("one waits for the tests of an app that has some, too, and they are built in it", async () => {
  await paas.stop();
  await paas.start({ PAAS_BUILDS_AHEAD: "2" });
  const [one] = apps as [DeployedApp];
  const tested = { "app.json": JSON.stringify({ environments: { test: { scripts: { test: "true" } } } }), "package.json": JSON.stringify({ scripts: { build: "echo built in $(cat /etc/hostname)" } }) };
  await one.repository.commit(tested);
  expect((await one.start().done).code).toBe(0);
  const sandboxes = async () => (await paas.containers("sandbox")).filter(({ State }) => State === "running");
  await expect.poll(async () => (await sandboxes()).length, PATIENCE).toBe(2);
  const [ofTests, ofRelease] = (await sandboxes()).map(({ Id, HostConfig }) => ({ name: Id.slice(0, 12), isForTests: HostConfig.NetworkMode.endsWith("-test") })).sort((a, b) => Number(b.isForTests) - Number(a.isForTests));
  expect([ofTests?.isForTests, ofRelease?.isForTests]).toEqual([true, false]);

  await one.repository.commit({ "note.txt": "again" });
  const { output } = await one.start().done;
  expect([...output.matchAll(/built in (\w+)/g)].map(([, name]) => name)).toEqual([ofTests?.name, ofRelease?.name]);
});
