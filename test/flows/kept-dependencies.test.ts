import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { repositoryOf } from "../support/app-folder.ts";
import { removeWorkspaces, type Workspace } from "../support/git-client.ts";
import { overload } from "../support/overload.ts";
import { docker, startPaas, type Paas } from "../support/paas.ts";

// Several deploys each.
vi.setConfig({ testTimeout: 150_000 * overload(), hookTimeout: 150_000 * overload() });

let paas: Paas;
beforeAll(async () => {
  // Few, so that the first slugs are pruned.
  paas = await startPaas({ PAAS_SLUGS_KEPT: "1" });
});
afterAll(async () => {
  await paas.remove();
  await removeWorkspaces();
});

type Slug = { checksum: string; size: number };

/** Pushes; resolves with what the pusher read, the slug and its image. */
async function push(app: string, repository: Workspace): Promise<{ output: string; slug: Slug; image: { Id: string; Parent: string; layers: number } }> {
  const { code, output } = await repository.push(paas.remote(app));
  expect(code, output).toBe(0);
  const releases = (await paas.api<{ slug: { id: string } | null }[]>("GET", `/apps/${app}/releases`)).body;
  const slug = (await paas.api<Slug>("GET", `/apps/${app}/slugs/${releases.at(-1)?.slug?.id}`)).body;
  const [dyno] = (await paas.containers("dyno")).sort((a, b) => b.Created - a.Created);
  const { Id, Parent, RootFS } = await docker.getImage(dyno?.ImageID ?? "").inspect();
  return { output, slug, image: { Id, Parent, layers: RootFS.Layers?.length ?? 0 } };
}

it("a push that leaves dependencies alone makes a small layer on those of the last build, which outlive the slug that they came with", async () => {
  const repository = await repositoryOf("examples/hello-node");
  const first = await push("hello", repository);
  const images = [];
  for (const text of ["2", "3", "4"]) {
    await repository.commit({ "version.txt": text });
    images.push((await push("hello", repository)).image);
  }
  expect(images.map(({ Parent }) => Parent)).toEqual([first.image.Id, first.image.Id, first.image.Id]);
  expect(images.map(({ layers }) => layers)).toEqual(Array(3).fill(first.image.layers + 1));
  // The slug of v2 is not kept any more, only what stands on it.
  await expect.poll(async () => (await docker.getImage(first.image.Id).inspect()).RepoTags, { timeout: 30_000 }).toEqual([]);
  expect((await paas.get("hello")).body).toBe("Hello from v5\n");

  // Another dependency: all is installed on the clean image again, and nothing is said twice.
  const manifest = { name: "hello-node", version: "1.0.0", type: "module", scripts: { start: "node index.js" }, dependencies: {} };
  await repository.commit({ "package.json": JSON.stringify(manifest), "package-lock.json": JSON.stringify({ name: "hello-node", version: "1.0.0", lockfileVersion: 3, packages: { "": { name: "hello-node", version: "1.0.0" } } }), "index.js": 'import { createServer } from "node:http"; createServer((_, response) => response.end("bare")).listen(process.env.PORT);' });
  const bare = await push("hello", repository);
  expect(bare.image.Parent).toBe(first.image.Parent);
  expect(bare.output.match(/-----> Node.js app detected/g)).toHaveLength(1);
  expect((await paas.get("hello")).body).toBe("bare");
});

it.each(["examples/hello-node", "examples/typescript"])("one commit of %s makes slugs of one checksum in two apps, whether or not its dependencies were there before", async (folder) => {
  const name = folder.split("/").at(-1) ?? "";
  const repository = await repositoryOf(folder);
  const before = await push(`${name}-one`, repository);
  await repository.commit({ "more.txt": "more" });
  const [one, two] = [await push(`${name}-one`, repository), await push(`${name}-two`, repository)];
  expect(one.slug.checksum).toMatch(/^SHA256:[0-9a-f]{64}$/);
  expect(two.slug).toMatchObject({ checksum: one.slug.checksum, size: one.slug.size });
  expect(before.slug.checksum).not.toBe(one.slug.checksum);
});
