import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createGatherer, type RemoteTrees } from "../../server/buildpacks/gather.ts";
import { createKeptTrees } from "../../server/buildpacks/kept-trees.ts";
import type { Buildpack } from "../../server/domain/buildpack.ts";
import { invalidParams } from "../../server/errors.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const never = new AbortController().signal;
let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "gather-"))));
afterEach(() => rmSync(folder, { recursive: true }));

/** Remote repositories whose branch may move; what was fetched is remembered. */
function house(maxBytes = 1 << 20) {
  const fetched: string[] = [];
  const branches: Record<string, string> = {};
  let said = "";
  const remotes: RemoteTrees = {
    resolve: async (url) => branches[url] ?? COMMIT,
    async fetch({ url, commit }, file) {
      fetched.push(`${url} ${commit}`);
      await writeFile(file, `tree of ${commit}`);
    },
  };
  const fetcher = {
    get: async (url: string) => {
      if (url.includes("gone")) throw invalidParams("example.com answered 404.");
      return Readable.from([`archive of ${url}`]);
    },
  };
  const gather = createGatherer({ remotes, fetcher, readArchive: async (file) => Readable.from([`read ${existsSync(file)}`]), kept: createKeptTrees(folder, maxBytes) });
  const names = async (...buildpacks: Buildpack[]): Promise<string[]> => {
    const gathered = await gather(buildpacks, { write: (line) => void (said += line) }, never);
    try {
      return await Promise.all(gathered.inputs.map(async ({ name, archive }) => (archive ? `${name}: ${await text(archive.open())}` : name)));
    } finally {
      await gathered.close();
    }
  };
  return { fetched, branches, names, gather, said: () => said };
}

const git = (url: string, ref?: string): Buildpack => ({ kind: "git", url, ref });

describe("the buildpacks of a build", () => {
  test("are ours and the app's by name, others' with their archive, and what is fetched is told", async () => {
    const { names, said } = house();
    expect(await names({ kind: "own", folder: "nodejs" }, { kind: "folder", path: "./b" }, git("https://ann:secret@example.com/b.git", "v1"), { kind: "archive", url: "https://example.com/c.tgz?token=1" })).toEqual([
      "nodejs", "./b", `https://example.com/b.git#v1: tree of ${COMMIT}`, "https://example.com/c.tgz: read true",
    ]);
    expect(said()).toBe("-----> Fetching buildpack https://example.com/b.git#v1 (01234567)\n-----> Fetching buildpack https://example.com/c.tgz\n");
    expect(readdirSync(folder).filter((name) => !name.endsWith(".tar"))).toEqual([]);
  });

  test("of one commit are fetched once, and anew when the branch has moved", async () => {
    const { names, fetched, branches } = house();
    await names(git("https://example.com/b.git"));
    await names(git("https://example.com/b.git", "main"));
    branches["https://example.com/b.git"] = "f".repeat(40);
    await names(git("https://example.com/b.git"));
    expect(fetched).toEqual([`https://example.com/b.git ${COMMIT}`, `https://example.com/b.git ${"f".repeat(40)}`]);
  });

  test("can be read more than once, also when somebody removes them meanwhile", async () => {
    const { gather } = house();
    const { inputs, close } = await gather([git("https://example.com/b.git")], { write: () => undefined }, never);
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
    for (const _ of [1, 2]) expect(await text(inputs[0]?.archive?.open() ?? expect.unreachable())).toBe(`tree of ${COMMIT}`);
    await close();
  });

  test("that cannot be had are named with the reason, and nothing of the try stays", async () => {
    const { names } = house();
    await expect(names(git("https://example.com/b.git"), { kind: "archive", url: "https://ann:secret@example.com/gone.tgz" })).rejects.toMatchObject({ id: "invalid_params", message: "Buildpack https://example.com/gone.tgz: example.com answered 404." });
    expect(readdirSync(folder).filter((name) => !name.endsWith(".tar"))).toEqual([]);
  });
});

test("trees that were not used for the longest time are let go when there is no room for all", async () => {
  const size = `tree of ${COMMIT}`.length;
  const { names, fetched } = house(2 * size);
  const used = (name: string) => names(git(`https://example.com/${name}`));
  await used("a");
  for (const name of readdirSync(folder)) utimesSync(join(folder, name), 1, 1);
  await used("b");
  for (const name of readdirSync(folder)) if (!name.includes("x")) utimesSync(join(folder, name), 2, 2);
  await used("a");
  await used("c");
  fetched.length = 0;
  await used("a");
  await used("c");
  expect(fetched).toEqual([]);
  await used("b");
  expect(fetched).toEqual([`https://example.com/b ${COMMIT}`]);
});

test("what a crash left unfinished goes at the next start", async () => {
  writeFileSync(join(folder, "half.new"), "x");
  await house().names(git("https://example.com/b.git"));
  expect(readdirSync(folder)).toHaveLength(1);
});
