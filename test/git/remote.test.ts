/** Other people's repositories: what is fetched from them, and what git is never led to. */

import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createReadStream } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { extract } from "tar-stream";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createRemoteTrees } from "../../server/git/remote.ts";
import { startForeignServer, type ForeignServer } from "../support/foreign-server.ts";
import { removeWorkspaces, workspace, type Workspace } from "../support/git-client.ts";

const folder = mkdtempSync(join(tmpdir(), "remote-"));
const never = new AbortController().signal;
const remotes = createRemoteTrees({ allow: ["127.0.0.1"], authorities: undefined });
let server: ForeignServer;
let other: ForeignServer;
let theirs: Workspace;
let url: string;
const commits: string[] = [];

beforeAll(async () => {
  theirs = await workspace();
  commits.push(await theirs.commit({ "bin/compile": "one", "docs/readme": "x" }));
  await theirs.must("tag", "light");
  await theirs.must("tag", "-a", "-m", "x", "annotated");
  await theirs.must("branch", "feature/x");
  commits.push(await theirs.commit({ "bin/compile": "two" }));
  server = await startForeignServer(join(theirs.dir, ".."));
  other = await startForeignServer(join(theirs.dir, ".."));
  url = `${server.origin}/${theirs.dir.split("/").at(-1)}/.git`;
});
beforeEach(() => {
  server.asked.length = other.asked.length = 0;
});
afterAll(async () => {
  await server.close();
  await other.close();
  await removeWorkspaces();
  rmSync(folder, { recursive: true });
});

async function treeOf(tree: { url: string; ref: string | undefined; commit: string }, from = remotes): Promise<Record<string, string>> {
  const file = join(folder, randomBytes(4).toString("hex"));
  await from.fetch(tree, file, never);
  const found: Record<string, string> = {};
  const entries = extract();
  createReadStream(file).pipe(entries);
  for await (const entry of entries) {
    let text = "";
    for await (const chunk of entry as AsyncIterable<Buffer>) text += chunk.toString();
    if (entry.header.type === "file") found[entry.header.name] = text;
  }
  return found;
}

describe("a repository", () => {
  test("stands at its branch, its tags of both kinds, at HEAD, and at a commit that is given whole, for which nobody is asked", async () => {
    const at = (ref: string | undefined) => remotes.resolve(url, ref, never);
    expect(await Promise.all([at(undefined), at("main"), at("feature/x"), at("light"), at("annotated")])).toEqual([commits[1], commits[1], commits[0], commits[0], commits[0]]);
    server.asked.length = 0;
    expect(await at(commits[0])).toBe(commits[0]);
    expect(server.asked).toEqual([]);
  });

  test("gives the tree of a commit, also of one that is no end of a branch", async () => {
    expect(await treeOf({ url, ref: "main", commit: commits[1] ?? "" })).toEqual({ "bin/compile": "two", "docs/readme": "x" });
    expect(await treeOf({ url, ref: commits[0], commit: commits[0] ?? "" })).toEqual({ "bin/compile": "one", "docs/readme": "x" });
  });

  test("is opened with the user name and password of its URL", async () => {
    const path = "/locked.git/info/refs";
    server.answer.set(path, (request, response) => void response.writeHead(request.headers.authorization === `Basic ${btoa("ann:p@ss")}` ? 404 : 401, { "www-authenticate": "Basic" }).end());
    await expect(remotes.resolve(`${server.origin}/locked.git`, "main", never)).rejects.toMatchObject({ id: "invalid_params", message: "the repository does not exist or asks for a login: write user:token@ before the host's name." });
    await expect(remotes.resolve(`http://ann:p%40ss@127.0.0.1:${server.port}/locked.git`, "main", never)).rejects.toThrow("there is no git repository at this URL.");
  });

  test.each([
    ["a branch that is not there", () => remotes.resolve(url, "nothing", never), "there is no branch or tag named nothing"],
    ["a commit that is not there", () => treeOf({ url, ref: "f".repeat(40), commit: "f".repeat(40) }), "there is no commit ffff"],
    ["a page that is no repository", () => remotes.resolve(`${server.origin}/nothing.git`, "main", never), "there is no git repository at this URL."],
    ["a server that is not there", () => remotes.resolve("http://127.0.0.1:1/x.git", "main", never), "could not be fetched"],
    ["a name that nobody knows", () => createRemoteTrees({ allow: [], authorities: undefined }).resolve("https://no-such-host.invalid/x.git", "main", never), "the name no-such-host.invalid could not be looked up."],
  ])("is refused for %s, in words", async (_, work, message) => {
    await expect(work()).rejects.toMatchObject({ id: "invalid_params", message: expect.stringContaining(message) });
  });

  test("that is larger than may be is not fetched, and nothing of it stays", async () => {
    const large = await workspace();
    const commit = await large.commit({ "bin/compile": randomBytes(2 << 20) });
    const small = createRemoteTrees({ allow: ["127.0.0.1"], authorities: undefined, maxPackBytes: 1 << 20 });
    const file = join(folder, "large");
    await expect(small.fetch({ url: `${server.origin}/${large.dir.split("/").at(-1)}/.git`, ref: "main", commit }, file, never)).rejects.toThrow("could not be fetched, or is larger than 1 MB");
    expect(() => readFileSync(file)).toThrow("ENOENT");
    expect(() => readFileSync(`${file}.git.new`)).toThrow("ENOENT");
  });

  test("is let go when the build is broken off", async () => {
    const stop = new AbortController();
    server.answer.set("/slow.git/info/refs", () => stop.abort(new Error("broken off")));
    await expect(remotes.resolve(`${server.origin}/slow.git`, "main", stop.signal)).rejects.toThrow("broken off");
  });
});

describe("git is not led", () => {
  const strict = createRemoteTrees({ allow: [], authorities: undefined });

  // RELIABILITY a22 and (c) J18, S1 to S10.
  test.each(["http://127.0.0.1", "https://127.0.0.1", "http://127.1", "http://2130706433", "http://0x7f000001", "http://0.0.0.0", "http://[::1]", "http://[::ffff:127.0.0.1]", "http://localhost", "https://localhost"])("to %s, where nothing is allowed", async (origin) => {
    await expect(strict.resolve(`${origin}:${server.port}/x.git`, "main", never)).rejects.toMatchObject({ id: "invalid_params", message: expect.stringContaining("PAAS_FETCH_ALLOW") });
    expect(server.asked).toEqual([]);
  });

  test("by a redirect", async () => {
    server.answer.set("/moved.git/info/refs", (_request, response) => void response.writeHead(301, { location: `${other.origin}${new URL(url).pathname}/info/refs?service=git-upload-pack` }).end());
    await expect(remotes.resolve(`${server.origin}/moved.git`, "main", never)).rejects.toThrow("the repository has moved: give the URL that this one redirects to.");
    expect(other.asked).toEqual([]);
  });

  test("by the alternates of a server that only has files", async () => {
    const refs = `${commits[1]}\trefs/heads/main\n`;
    server.answer.set("/dumb.git/info/refs", (_request, response) => void response.writeHead(200, { "content-type": "text/plain" }).end(refs));
    server.answer.set("/dumb.git/HEAD", (_request, response) => void response.end("ref: refs/heads/main\n"));
    for (const path of ["http-alternates", "alternates"]) server.answer.set(`/dumb.git/objects/info/${path}`, (_request, response) => void response.end(`${other.origin}${new URL(url).pathname}/objects\n`));
    expect(await remotes.resolve(`${server.origin}/dumb.git`, "main", never)).toBe(commits[1]);
    await expect(treeOf({ url: `${server.origin}/dumb.git`, ref: "main", commit: commits[1] ?? "" })).rejects.toMatchObject({ id: "invalid_params" });
    expect(other.asked).toEqual([]);
  });
});
