import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DynoSpec } from "../../server/engine/engine.ts";
import { cacheName, labels, slugTag } from "../../server/engine/naming.ts";
import { docker, install, type Installation } from "./workshop.ts";

let ours: Installation;
let theirs: Installation;
let foreign: string;

beforeAll(async () => {
  [ours, theirs] = await Promise.all([install(), install()]);
});
afterAll(async () => {
  if (foreign) await docker.getContainer(foreign).remove({ force: true });
  await Promise.all([ours?.clear(), theirs?.clear()]);
});

/** A container that a crash left behind, such as a build's. */
async function leftover({ instance, image }: Installation, kind: "build" | "one-off", appId: string): Promise<string> {
  return (await docker.createContainer({ Image: image, Cmd: ["true"], Labels: labels(instance, kind, appId) })).id;
}

/** A slug's image as a build makes it. */
async function slug({ instance, image }: Installation, appId: string): Promise<{ image: string; buildId: string }> {
  const container = await docker.createContainer({ Image: image, Cmd: ["true"], Labels: labels(instance, "build", appId) });
  try {
    const buildId = container.id.slice(0, 12);
    const { repo, tag } = slugTag(buildId);
    const { Id } = (await container.commit({ _query: { container: container.id, repo, tag }, _body: { Labels: labels(instance, "slug", appId) } })) as { Id: string };
    return { image: Id, buildId };
  } finally {
    await container.remove();
  }
}

async function exists(inspect: Promise<unknown>): Promise<boolean> {
  return inspect.then(() => true, (error: { statusCode?: number }) => {
    if (error.statusCode !== 404) throw error;
    return false;
  });
}

test("an app's network goes, although something still hangs on it", async () => {
  const spec = ours.spec("exec sleep 100", { appId: randomUUID() });
  await ours.engine.startDyno(spec);
  const [network] = await docker.listNetworks({ filters: { label: [`paas.app=${spec.appId}`] } });
  const guest = await docker.createContainer({ Image: ours.image, Cmd: ["sleep", "100"], HostConfig: { NetworkMode: network?.Id ?? "" } });
  await guest.start();
  await ours.engine.removeApp(spec.appId);
  expect(await exists(docker.getNetwork(network?.Id ?? "").inspect())).toBe(false);
  await ours.engine.removeApp(spec.appId);
  await guest.remove({ force: true });
});

test("a sweep removes what no app of this installation accounts for, and nothing else", async () => {
  const [kept, orphan, stranger] = [ours, ours, theirs].map(({ spec }) => spec("exec sleep 100", { appId: randomUUID() })) as [DynoSpec, DynoSpec, DynoSpec];
  const [keptDyno, orphanDyno, strangerDyno] = await Promise.all([ours.engine.startDyno(kept), ours.engine.startDyno(orphan), theirs.engine.startDyno(stranger)]);
  foreign = (await docker.createContainer({ Image: ours.image, Cmd: ["true"] })).id;
  const volumes = [[ours, kept], [ours, orphan], [theirs, stranger]] as const;
  for (const [{ instance }, { appId }] of volumes) await docker.createVolume({ Name: cacheName(instance, appId), Labels: labels(instance, "cache", appId) });
  const leftovers = await Promise.all([leftover(ours, "build", kept.appId), leftover(ours, "one-off", kept.appId), leftover(theirs, "build", stranger.appId)]);
  const known = new Set([kept.appId]);

  await ours.engine.sweep(known);

  const container = (id: string | undefined): Promise<boolean> => exists(docker.getContainer(id ?? "").inspect());
  expect(await Promise.all([keptDyno.id, orphanDyno.id, strangerDyno.id, foreign].map(container))).toEqual([true, false, true, true]);
  expect(await Promise.all(leftovers.map(container))).toEqual([false, false, true]);
  expect(await Promise.all(volumes.map(([{ instance }, { appId }]) => exists(docker.getVolume(cacheName(instance, appId)).inspect())))).toEqual([true, false, true]);
  const networks = await docker.listNetworks({ filters: { label: ["paas.kind=network"] } });
  expect([kept, orphan, stranger].map(({ appId }) => networks.some(({ Labels }) => Labels?.["paas.app"] === appId))).toEqual([true, false, true]);

  // Again: the same result.
  await ours.engine.sweep(known);
  expect(await Promise.all([keptDyno.id, strangerDyno.id].map(container))).toEqual([true, true]);
});

test("slugs' images go when nobody knows them, by themselves or by their build; those of others stay", async () => {
  const [byImage, byBuild, unknown, stranger] = await Promise.all([slug(ours, "a1"), slug(ours, "a1"), slug(ours, "a1"), slug(theirs, "a1")]);
  await ours.engine.sweepImages((image, buildIds) => image === byImage.image || buildIds.includes(byBuild.buildId));
  expect(await Promise.all([byImage, byBuild, unknown, stranger].map(({ image }) => ours.engine.imageExists(image)))).toEqual([true, true, false, true]);
});

test("an image that a dyno still runs in is left, and goes when it is free", async () => {
  const { image } = await slug(ours, "a1");
  const dyno = await ours.engine.startDyno(ours.spec("exec sleep 100", { image }));
  await ours.engine.removeImage(image);
  expect(await ours.engine.imageExists(image)).toBe(true);
  await ours.engine.discardDyno(dyno.id, 0);
  await ours.engine.removeImage(image);
  expect(await ours.engine.imageExists(image)).toBe(false);
  await ours.engine.removeImage(image);
});

test("the free space of the engine's disk is known here", async () => {
  expect(await ours.engine.freeDiskBytes()).toBeGreaterThan(0);
});
