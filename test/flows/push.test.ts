import { cp } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { removeWorkspaces, workspace } from "../support/git-client.ts";
import { startLoad } from "../support/load.ts";
import { startPaas, type Paas } from "../support/paas.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");
let paas: Paas;
beforeAll(async () => {
  paas = await startPaas();
});
afterAll(async () => {
  await paas.remove();
  await removeWorkspaces();
});

describe("git push", () => {
  it("builds, releases and serves examples/hello-node, and a second push replaces it under load with no failed request", async () => {
    const repository = await workspace();
    await cp(join(EXAMPLES, "hello-node"), repository.dir, { recursive: true });
    await repository.commit({});
    const first = await repository.push(paas.remote("hello"));
    expect(first.code, first.output).toBe(0);
    expect(first.output).toContain("remote: -----> Node.js app detected");
    expect(first.output).toContain("Released v2");
    expect(first.output).toContain(`http://hello.localhost:${paas.routerPort}/ deployed`);
    expect((await paas.get("hello")).body).toBe("Hello from v2\n");
    const [before] = await paas.containers("dyno");

    const load = startLoad(paas.routerPort, "hello");
    await load.more(50);
    await repository.commit({ "version.txt": "2" });
    const second = await repository.push(paas.remote("hello"));
    expect(second.code, second.output).toBe(0);
    expect((await paas.get("hello")).body).toBe("Hello from v3\n");
    await load.more(50);
    await load.stop();
    expect(load.failures()).toEqual([]);
    expect(load.count()).toBeGreaterThan(100);

    await expect.poll(async () => (await paas.containers()).map(({ Id }) => Id), { timeout: 20_000 }).not.toContain(before?.Id);
    expect(await paas.containers()).toHaveLength(1);
  });
});
