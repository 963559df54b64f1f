import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repositoryOf } from "../support/app-folder.ts";
import { removeWorkspaces } from "../support/git-client.ts";
import { startLoad } from "../support/load.ts";
import { startPaas, type Paas } from "../support/paas.ts";

// PAAS_STOP_SECONDS and PAAS_DRAIN_SECONDS of startPaas(), and as much again for a busy machine.
const GRACE_MS = 2 * (5 + 10) * 1000;

type App = {
  /** What it is, for the test's title. */
  kind: string;
  folder: string;
  detected: string;
  path: string;
  /** What the release of that number answers. */
  answer(version: number): string;
  /** What the second push changes. */
  change: Record<string, string>;
};

const APPS: App[] = [
  { kind: "an Express app", folder: "examples/hello-node", detected: "Node.js", path: "/", answer: (version) => `Hello from v${version}\n`, change: { "version.txt": "2" } },
  { kind: "a static site", folder: "examples/static-site", detected: "Static HTML", path: "/news.html", answer: (version) => (version === 2 ? "old" : "new"), change: { "news.html": "new" } },
  { kind: "a program that needs no build", folder: "examples/procfile-only", detected: "Procfile", path: "/", answer: () => "Hello from a program that needs no build\n", change: { "version.txt": "2" } },
  {
    kind: "a published application taken as a dependency", folder: "test/fixtures/apps/json-server", detected: "Node.js", path: "/people/1",
    answer: (version) => JSON.stringify({ id: "1", name: version === 2 ? "Ada" : "Grace" }, null, 2), change: { "db.json": '{ "people": [{ "id": "1", "name": "Grace" }] }' },
  },
  { kind: "a TypeScript app with a build step", folder: "examples/typescript", detected: "Node.js", path: "/", answer: (version) => `Hello from TypeScript, v${version}\n`, change: { "version.txt": "2" } },
];

let paas: Paas;
beforeAll(async () => {
  paas = await startPaas();
});
afterAll(async () => {
  await paas.remove();
  await removeWorkspaces();
});

describe("git push", () => {
  it.each(APPS)("builds, releases and serves $kind, and a second push replaces it under load with no failed request", { timeout: 180_000 }, async ({ folder, detected, path, answer, change }) => {
    const name = folder.split("/").at(-1) ?? "";
    const repository = await repositoryOf(folder, folder.endsWith("static-site") ? { "news.html": "old" } : {});
    const first = await repository.push(paas.remote(name));
    expect(first.code, first.output).toBe(0);
    expect(first.output).toContain(`remote: -----> ${detected} app detected`);
    expect(first.output).toContain("Released v2");
    expect(first.output).toContain(`http://${name}.localhost:${paas.routerPort}/ deployed`);
    expect((await paas.get(name, path)).body).toBe(answer(2));
    const [before] = await dynosOf(name);

    const load = startLoad(paas.routerPort, name, 50, path);
    await load.more(50);
    await repository.commit(change);
    const second = await repository.push(paas.remote(name));
    const seen = load.bodies().length;
    expect(second.code, second.output).toBe(0);
    expect((await paas.get(name, path)).body).toBe(answer(3));
    await load.more(50);
    await load.stop();
    expect(load.failures()).toEqual([]);
    expect(load.count()).toBeGreaterThan(100);
    expect(seen).toBeGreaterThan(50);

    await expect.poll(() => dynosOf(name), { timeout: GRACE_MS }).toHaveLength(1);
    expect(await dynosOf(name)).not.toContain(before);
  });
});

/** Ids of the containers of that app. */
async function dynosOf(name: string): Promise<string[]> {
  const { body } = await paas.api<{ id: string }>("GET", `/apps/${name}`);
  return (await paas.containers("dyno")).filter(({ Labels }) => Labels["paas.app"] === body.id).map(({ Id }) => Id);
}
