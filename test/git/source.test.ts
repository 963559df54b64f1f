import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import type { Readable } from "node:stream";
import { extract } from "tar-stream";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Source } from "../../server/pipeline/source.ts";
import { eventually } from "./eventually.ts";
import { removeWorkspaces, workspace, type Workspace } from "../support/git-client.ts";
import { startGitServer, type GitServer } from "./git-server.ts";
import { commitOf, tree, writeObject } from "./objects.ts";
import { childrenNamed } from "./processes.ts";

const MAX_SOURCE_BYTES = 8 << 20;
const MAX_SOURCE_MS = 4000;

let server: GitServer;
let client: Workspace;
let url: string;
let count = 0;
const never = new AbortController().signal;

beforeAll(async () => {
  server = await startGitServer({ maxSourceBytes: MAX_SOURCE_BYTES });
});
beforeEach(async () => {
  url = server.url(`source-${++count}`);
  client = await workspace();
  server.deployed.length = 0;
});
afterEach(async () => {
  await eventually("no git process is left", () => childrenNamed("git ").length === 0);
  expect(await server.leftovers()).toEqual([]);
});
afterAll(async () => {
  await server.close();
  await removeWorkspaces();
});

/** Pushes, and gives what the pipeline's side made of the source while its objects were in quarantine. */
async function whilePushing<T>(use: (source: Source) => Promise<T>, ref = "main", to = server): Promise<{ value?: T; error?: unknown; output: string }> {
  const found: { value?: T; error?: unknown } = {};
  to.onDeploy(async ({ source }) => {
    try {
      found.value = await use(source);
      return true;
    } catch (error) {
      found.error = error;
      throw error;
    }
  });
  const { output } = await client.push(to.url(`source-${count}`), `${ref}:refs/heads/main`);
  return { ...found, output };
}

type Unpacked = Record<string, { type: string | null | undefined; mode: number | undefined; text: string; link: string | null | undefined }>;

async function unpack(archive: Readable): Promise<Unpacked> {
  const files: Unpacked = {};
  const tar = extract();
  archive.on("error", (error) => tar.destroy(error));
  archive.pipe(tar);
  for await (const entry of tar) {
    const text = (await buffer(entry)).toString();
    files[entry.header.name] = { type: entry.header.type, mode: entry.header.mode, text, link: entry.header.linkname };
  }
  return files;
}

test("the archive is the whole pushed tree: modes, links, deep and odd names, and what .gitattributes would leave out or change", async () => {
  await symlink("a.txt", join(client.dir, "link"));
  await client.commit({
    "a.txt": "$Format:%H$\n",
    "ignored/by-export.txt": "here",
    ".gitattributes": "ignored/** export-ignore\na.txt export-subst\nb.txt filter=evil\nc.txt eol=crlf\nd.txt ident\n",
    "c.txt": "one\ntwo\n",
    "d.txt": "$Id$\n",
    "b.txt": "b",
    "ü ñ.txt": "u",
    "new\nline": "n",
    [`deep/${"d".repeat(120)}/${"e".repeat(120)}/f`]: "f",
    run: "#!/bin/sh\n",
  });
  await client.must("update-index", "--chmod=+x", "run");
  await client.must("commit", "--quiet", "--amend", "--no-edit");
  await client.must("checkout", "--quiet", "--force", "main");
  const { value: files } = await whilePushing((source) => unpack(source.archive(never)));
  expect(files?.["a.txt"]?.text).toBe("$Format:%H$\n");
  expect(files?.["ignored/by-export.txt"]?.text).toBe("here");
  expect(files?.["c.txt"]?.text).toBe("one\ntwo\n");
  expect(files?.["d.txt"]?.text).toBe("$Id$\n");
  expect(files?.["b.txt"]).toMatchObject({ type: "file", text: "b", mode: 0o644 });
  expect(files?.["link"]).toMatchObject({ type: "symlink", link: "a.txt" });
  expect(files?.["run"]?.mode).toBe(0o755);
  expect(files?.["ü ñ.txt"]?.text).toBe("u");
  expect(files?.["new\nline"]?.text).toBe("n");
  expect(files?.[`deep/${"d".repeat(120)}/${"e".repeat(120)}/f`]?.text).toBe("f");
});

test("a file at the top is read byte for byte, and one that is not there is undefined", async () => {
  const bytes = Buffer.from([0, 255, 13, 10, 128]);
  await client.commit({ Procfile: bytes, "deep/app.json": "{}" });
  const { value } = await whilePushing(async (source) => [await source.readFile("Procfile", 5), await source.readFile("app.json", 5), await source.readFile("*", 5)]);
  expect(value).toEqual([bytes, undefined, undefined]);
});

test("a file is read deep in the tree too, and at a top with more names than one listing takes", async () => {
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`${"n".repeat(220)}${i}`, ""]));
  await client.commit({ ...many, Procfile: "web: one", "deep/down/Dockerfile": "FROM x" });
  const { value } = await whilePushing(async (source) => (await Promise.all([source.readFile("Procfile", 100), source.readFile("deep/down/Dockerfile", 100), source.readFile("deep/Dockerfile", 100)])).map(String));
  expect(value).toEqual(["web: one", "FROM x", "undefined"]);
});

test("the source has the time of its commit, which all of its files have", async () => {
  await client.commit({ Procfile: "web: one" });
  await client.must("commit", "--quiet", "--amend", "--no-edit", "--date", "2001-02-03T04:05:06Z");
  const { value } = await whilePushing((source) => source.epoch());
  expect(value).toBe(Number(await client.must("show", "--no-patch", "--format=%ct")));
});

test("the objects of earlier pushes are there too", async () => {
  await client.commit({ Procfile: "web: one" });
  await whilePushing(async () => {});
  await client.commit({ other: "1" });
  const { value } = await whilePushing(async (source) => (await source.readFile("Procfile", 100))?.toString());
  expect(value).toBe("web: one");
});

test.each([
  ["a symbolic link", "120000"],
  ["a folder", "40000"],
  ["a submodule", "160000"],
])("%s in the place of a file is refused", async (what, mode) => {
  const blob = await writeObject(client, "blob", "/etc/passwd");
  const inner = await writeObject(client, "tree", tree([{ mode: "100644", name: "x", sha: blob }]));
  const commit = await commitOf(client, [{ mode, name: "Procfile", sha: mode === "40000" ? inner : blob }]);
  const { error, output } = await whilePushing((source) => source.readFile("Procfile", 1000), commit);
  expect(error).toMatchObject({ id: "invalid_params", message: `Procfile: must be a regular file, not ${what}.` });
  expect(output).toContain(`Push rejected, Procfile: must be a regular file, not ${what}.`);
  expect(output).not.toContain("root:");
});

test("a file that is larger than allowed is refused", async () => {
  await client.commit({ Procfile: Buffer.alloc(5 << 20) });
  const { error } = await whilePushing((source) => source.readFile("Procfile", 1000));
  expect(error).toMatchObject({ id: "invalid_params", message: "Procfile: must not be larger than 1000 bytes." });
});

test("an empty tree is an empty archive", async () => {
  const commit = await commitOf(client, []);
  const { value, output } = await whilePushing((source) => unpack(source.archive(never)), commit);
  expect([value, output]).toEqual([{}, expect.stringContaining("new branch")]);
});

/** A tree of ten folders, each of ten folders …, ten levels deep: 10^10 leaves from eleven objects. */
async function bomb(leaf: { mode: string; sha: string }): Promise<string> {
  let entry = leaf;
  for (let depth = 0; depth < 10; depth++)
    entry = { mode: "40000", sha: await writeObject(client, "tree", tree(Array.from({ length: 10 }, (_, n) => ({ ...entry, name: `f${n}` })))) };
  return commitOf(client, [{ ...entry, name: "bomb" }]);
}

test("a tree that unpacks without end is refused at the limit", async () => {
  const commit = await bomb({ mode: "100644", sha: await writeObject(client, "blob", "x".repeat(1000)) });
  const { error, output } = await whilePushing((source) => unpack(source.archive(never)), commit);
  expect(error).toMatchObject({ id: "invalid_params" });
  expect(output).toContain("Push rejected, The source is larger than 8 MB when unpacked.");
});

test("a tree of folders without end, which never gives a byte, is refused after its time", async () => {
  const commit = await bomb({ mode: "40000", sha: await writeObject(client, "tree", "") });
  const hasty = await startGitServer({ maxSourceBytes: MAX_SOURCE_BYTES, maxSourceMs: MAX_SOURCE_MS });
  const { error, output } = await whilePushing((source) => unpack(source.archive(never)), commit, hasty);
  expect(error).toMatchObject({ id: "invalid_params" });
  expect(output).toContain("Push rejected, The source could not be unpacked within 4 seconds.");
  await eventually("its git has ended", () => childrenNamed("git ").length === 0);
  await hasty.close();
});

test("an archive that is aborted ends its git", async () => {
  await client.commit({ large: Buffer.alloc(6 << 20) });
  const { error } = await whilePushing(async (source) => {
    const stop = new AbortController();
    const archive = source.archive(stop.signal);
    archive.once("data", () => stop.abort());
    await unpack(archive);
  });
  expect(error).toMatchObject({ name: "AbortError" });
});

test("a source that is gone is an error of the stream, not an empty archive", async () => {
  await client.commit({ a: "1" });
  let late: Source | undefined;
  server.onDeploy(async ({ source }) => {
    late = source;
    return false;
  });
  await client.push(url);
  await expect(unpack((late as Source).archive(never))).rejects.toThrow("The pushed source could not be read.");
});
