/** Pushes that must be refused, and all that a refusal must leave as it was. */

import { expect } from "vitest";
import { commitOnly, remoteText } from "./app-folder.ts";
import type { DeployedApp } from "./deployed-app.ts";
import type { Result } from "./git-client.ts";
import { docker, type Paas } from "./paas.ts";

/** What serves, and all that the platform keeps in the engine for the app, but for the last build for its tests. */
export type Standing = { answer: string; ref: string | undefined; containers: string[]; images: string[]; networks: string[]; volumes: string[] };

export async function standing(paas: Paas, app: DeployedApp): Promise<Standing> {
  const filters = { label: [`paas.instance=${paas.instance()}`, `paas.app=${app.id}`] };
  const [answer, { body: runs }, containers, images, networks, { Volumes }] = await Promise.all([
    app.text("/version"), paas.api<{ id: string }[]>("GET", `/apps/${app.id}/test-runs`), docker.listContainers({ all: true, filters }), docker.listImages({ filters }), docker.listNetworks({ filters }), docker.listVolumes({ filters }),
  ]);
  return {
    answer,
    ref: app.ref(),
    containers: containers.map(({ Id, State }) => `${Id} ${State}`).sort(),
    images: images.flatMap(({ Id, RepoTags }) => RepoTags ?? [Id]).filter((name) => !runs.some(({ id }) => name.endsWith(id))).sort(),
    networks: networks.map(({ Name }) => Name).sort(),
    volumes: Volumes.map(({ Name }) => Name).sort(),
  };
}

/** Resolves when the dynos of earlier releases are gone. */
export async function settled(paas: Paas, app: DeployedApp): Promise<void> {
  const filters = { label: [`paas.instance=${paas.instance()}`, `paas.app=${app.id}`] };
  await expect.poll(() => docker.listContainers({ all: true, filters }), { timeout: 30_000 }).toHaveLength(1);
}

/**
 * Pushes a tree of these files and checks that it is refused and that nothing else came of it.
 * @returns what the platform told the pusher
 */
export async function refused(paas: Paas, app: DeployedApp, files: Record<string, string>): Promise<string> {
  await settled(paas, app);
  const before = await standing(paas, app);
  await commitOnly(app.repository, files);
  const result = await app.start().done;
  expect(await standing(paas, app)).toEqual(before);
  return refusalIn(result);
}

/** @returns what the platform told the pusher of a push that git says was declined. */
export function refusalIn(result: Result): string {
  expect(result.code, result.output).toBe(1);
  expect(result.output).toContain("! [remote rejected] main -> main (pre-receive hook declined)");
  const told = remoteText(result.output);
  expect(told, "no mark stands on a line of its own").not.toMatch(/^ !\s*$/m);
  return told;
}

/** A check of its own, with time enough on a busy machine: how long a platform waits for others' first answer does not matter then. */
const PATIENT = JSON.stringify({ healthchecks: { web: [{ type: "startup", path: "/version", attempts: 10, wait: 3, timeout: 3 }] } });

/** Pushes a tree that works, on top of whatever was pushed before, and checks that it serves. */
export async function accepted(app: DeployedApp, text: string): Promise<void> {
  await commitOnly(app.repository, { "app.json": PATIENT });
  await app.push({ text });
  expect(await app.text()).toBe(text);
}
