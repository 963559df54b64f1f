import { existsSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import { removeWorkspaces, workspace, type Workspace } from "../support/git-client.ts";
import { startGitServer, type GitServer } from "./git-server.ts";
import { commitOf, pack, tree, writeObject, type PackEntry } from "./objects.ts";
import { childrenNamed } from "./processes.ts";
import { ALICE, packet, raw } from "./raw-request.ts";

const ZERO = "0".repeat(40);

let server: GitServer;
let client: Workspace;
let count = 0;
let app: string;

beforeAll(async () => {
  server = await startGitServer();
});
beforeEach(async () => {
  app = `content-${++count}`;
  client = await workspace();
  server.deployed.length = 0;
});
afterEach(async () => {
  await eventually("no git process is left", () => childrenNamed("git-").length === 0);
  expect(await server.leftovers()).toEqual([]);
});
afterAll(async () => {
  expect(server.errors).toEqual([]);
  await server.close();
  await removeWorkspaces();
});

test.each([".git", ".GIT", "git~1", "..", ".", "a/b"])("a tree with an entry named %j is refused before anything is built", async (name) => {
  const blob = await writeObject(client, "blob", "#!/bin/sh\nid\n");
  const hooks = await writeObject(client, "tree", tree([{ mode: "100755", name: "post-checkout", sha: blob }]));
  const commit = await commitOf(client, [{ mode: "40000", name, sha: hooks }]);
  const { code, output } = await client.push(server.url(app), `${commit}:refs/heads/main`);
  expect(code).not.toBe(0);
  expect(output).toMatch(/fsck error|unpacker error|index-pack/);
  expect(server.deployed).toEqual([]);
});

const MODULES: Record<string, string> = {
  "an option as its URL": '[submodule "x"]\n\tpath = x\n\turl = -u./x\n',
  "an option as its path": '[submodule "x"]\n\tpath = -x\n\turl = https://example.com/x\n',
  "a name that climbs": '[submodule "../../x"]\n\tpath = x\n\turl = https://example.com/x\n',
  "a command as its update": '[submodule "x"]\n\tpath = x\n\turl = https://example.com/x\n\tupdate = !touch pwned\n',
};
test.each(Object.keys(MODULES))("a submodule with %s is refused", async (kind) => {
  await client.commit({ ".gitmodules": MODULES[kind] ?? "" });
  const { code } = await client.push(server.url(app));
  expect(code).not.toBe(0);
  expect(server.deployed).toEqual([]);
});

test("submodules and their URLs are never fetched", async () => {
  const gitmodules = await writeObject(client, "blob", '[submodule "x"]\n\tpath = x\n\turl = ext::sh -c "touch /tmp/pwned"\n');
  const commit = await commitOf(client, [{ mode: "100644", name: ".gitmodules", sha: gitmodules }, { mode: "160000", name: "x", sha: "1".repeat(40) }]);
  const { code } = await client.push(server.url(app), `${commit}:refs/heads/main`);
  expect(code).toBe(0);
  expect(existsSync("/tmp/pwned")).toBe(false);
  expect(server.deployed).toHaveLength(1);
});

test("a .gitattributes with a line of 2 MB is refused", async () => {
  await client.commit({ ".gitattributes": `* ${"a".repeat(2 << 20)}\n` });
  const { code, output } = await client.push(server.url(app));
  expect(code).not.toBe(0);
  expect(output).toContain("gitattributes");
});

const commitContent = (treeId: string): Buffer => Buffer.from(`tree ${treeId}\nauthor A <a@example.com> 1 +0000\ncommitter A <a@example.com> 1 +0000\n\nx\n`);
const EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

function withDamage(entries: PackEntry[], at: number): Buffer {
  const whole = pack(entries);
  whole.writeUInt8(whole.readUInt8(at) ^ 0xff, at);
  return whole;
}

const PACKS: Record<string, () => Buffer> = {
  "that is empty": () => Buffer.alloc(0),
  "with no signature": () => Buffer.from("no pack at all, really"),
  "of a version to come": () => withDamage([{ type: 1, content: commitContent(EMPTY_TREE) }], 7),
  "with a wrong checksum": () => withDamage([{ type: 1, content: commitContent(EMPTY_TREE) }], pack([{ type: 1, content: commitContent(EMPTY_TREE) }]).length - 1),
  "with damaged data": () => withDamage([{ type: 1, content: commitContent(EMPTY_TREE) }], 20),
  "that says it has more than it has": () => withDamage([{ type: 1, content: commitContent(EMPTY_TREE) }], 8),
  "that breaks off": () => pack([{ type: 1, content: commitContent(EMPTY_TREE) }]).subarray(0, 40),
  "without the commit that it is for": () => pack([{ type: 3, content: Buffer.from("x") }]),
  "with a commit whose tree is missing": () => pack([{ type: 1, content: commitContent("2".repeat(40)) }]),
  "with a tree whose file is missing": () => pack([{ type: 2, content: tree([{ mode: "100644", name: "a", sha: "3".repeat(40) }]) }]),
  "with a delta that has no base": () => pack([{ base: "4".repeat(40), content: Buffer.from([1, 1, 0x90, 1]) }]),
};

test.each(Object.keys(PACKS))("a pack %s moves nothing and deploys nothing", async (kind) => {
  const commit = await writeObject(client, "commit", commitContent(kind.includes("tree is missing") ? "2".repeat(40) : EMPTY_TREE));
  const commands = `${packet(`${ZERO} ${commit} refs/heads/main\0 report-status`)}0000`;
  const body = Buffer.concat([Buffer.from(commands), PACKS[kind]?.() ?? Buffer.alloc(0)]);
  const answer = await raw(server.port, { method: "POST", path: `/${app}.git/git-receive-pack`, headers: ALICE, body });
  expect([0, 200, 400]).toContain(answer.status);
  expect(answer.body.toString()).not.toContain("ok refs/heads/main");
  expect(await server.ref(app, "refs/heads/main")).toBeUndefined();
  expect(server.deployed).toEqual([]);
});

test("the same pack, whole, is deployed", async () => {
  const commit = await writeObject(client, "commit", commitContent(EMPTY_TREE));
  const body = Buffer.concat([Buffer.from(`${packet(`${ZERO} ${commit} refs/heads/main\0 report-status`)}0000`), pack([{ type: 1, content: commitContent(EMPTY_TREE) }, { type: 2, content: Buffer.alloc(0) }])]);
  const answer = await raw(server.port, { method: "POST", path: `/${app}.git/git-receive-pack`, headers: ALICE, body });
  expect(answer.body.toString()).toContain("ok refs/heads/main");
  expect(server.deployed).toHaveLength(1);
});

test.each(["HEAD", "refs", "main", "../x", "refs/heads/../../HEAD", "refs/heads/main.lock", "refs/heads/a..b", "refs/heads/a b", "config"])("the ref name %j is refused by git itself", async (ref) => {
  const commit = await writeObject(client, "commit", commitContent(EMPTY_TREE));
  const body = Buffer.concat([Buffer.from(`${packet(`${ZERO} ${commit} ${ref}\0 report-status`)}0000`), pack([{ type: 1, content: commitContent(EMPTY_TREE) }, { type: 2, content: Buffer.alloc(0) }])]);
  const answer = await raw(server.port, { method: "POST", path: `/${app}.git/git-receive-pack`, headers: ALICE, body });
  expect(answer.body.toString()).not.toMatch(/^.{0,8}ok refs/m);
  expect(server.deployed).toEqual([]);
});

test("the same branch twice in one push is refused", async () => {
  const commit = await writeObject(client, "commit", commitContent(EMPTY_TREE));
  const line = `${ZERO} ${commit} refs/heads/main`;
  const body = Buffer.concat([Buffer.from(`${packet(`${line}\0 report-status`)}${packet(line)}0000`), pack([{ type: 1, content: commitContent(EMPTY_TREE) }, { type: 2, content: Buffer.alloc(0) }])]);
  const answer = await raw(server.port, { method: "POST", path: `/${app}.git/git-receive-pack`, headers: ALICE, body });
  expect(answer.body.toString()).not.toContain("ok refs/heads/main");
  expect(server.deployed).toEqual([]);
});
