import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { permits, SCOPES } from "../../server/domain/scope.ts";
import { eventually } from "./eventually.ts";
import { removeWorkspaces, startGit, workspace } from "../support/git-client.ts";
import { scopedToken, startGitServer, TOKENS, type GitServer } from "./git-server.ts";
import { childrenNamed } from "./processes.ts";
import { ALICE, packet, raw } from "./raw-request.ts";

let server: GitServer;
let before: string[];

beforeAll(async () => {
  server = await startGitServer();
  const client = await workspace();
  await client.commit({ a: "1" });
  await client.push(server.url("mine"));
  await eventually("the push has ended", () => childrenNamed("git").length === 0);
  before = await readdir(join(server.dataDir, "repositories"));
  server.deployed.length = 0;
});
afterAll(async () => {
  expect(server.errors).toEqual([]);
  await server.close();
  await removeWorkspaces();
});

const CREDENTIALS: Record<string, Record<string, string>> = {
  "no token": {},
  "a wrong token": { authorization: "Bearer paas_wrong-token-000000000000" },
  "another user's token": { authorization: `Bearer ${TOKENS.bob}` },
  "a revoked token": { authorization: `Bearer ${TOKENS.revoked}` },
  "Basic without a value": { authorization: "Basic" },
  "Basic with a blank": { authorization: "Basic " },
  "Basic that is not base64": { authorization: "Basic ****" },
  "Basic without a colon": { authorization: `Basic ${Buffer.from("x").toString("base64")}` },
  "the token as the user name": { authorization: `Basic ${Buffer.from(`${TOKENS.alice}:`).toString("base64")}` },
  "Digest": { authorization: "Digest username=x" },
};
const ROUTES: [string, string][] = [
  ["GET", "/mine.git/info/refs?service=git-receive-pack"],
  ["GET", "/mine.git/info/refs?service=git-upload-pack"],
  ["GET", "/mine/info/refs?service=git-upload-pack"],
  ["GET", "/mine.git/info/refs"],
  ["GET", "/mine.git/HEAD"],
  ["GET", "/mine.git/config"],
  ["GET", "/mine.git/objects/info/packs"],
  ["GET", "/mine.git"],
  ["POST", "/mine.git/git-receive-pack"],
  ["POST", "/mine.git/git-upload-pack"],
  ["POST", "/mine/git-receive-pack"],
  ["PUT", "/mine.git/git-receive-pack"],
  ["GET", "/ghost.git/HEAD"],
  ["DELETE", "/mine.git/HEAD"],
];

describe.each(Object.keys(CREDENTIALS))("with %s", (kind) => {
  test("no route of git gives anything, starts a process or moves a ref", async () => {
    const tip = await server.ref("mine", "refs/heads/main");
    const command = packet(`${tip} ${"0".repeat(40)} refs/heads/main\0 report-status`) + "0000";
    for (const [method, path] of ROUTES) {
      const { status, head } = await raw(server.port, { method, path, headers: CREDENTIALS[kind] ?? {}, body: method === "POST" ? command : "" });
      if (kind === "another user's token") expect([404, 405, 403, 422], `${method} ${path}`).toContain(status);
      else {
        expect(status, `${method} ${path}`).toBe(401);
        expect(head).toContain('www-authenticate: basic realm="paas"');
      }
    }
    expect(childrenNamed("git")).toEqual([]);
    expect(await server.ref("mine", "refs/heads/main")).toBe(tip);
    expect(await readdir(join(server.dataDir, "repositories"))).toEqual(before);
    expect(server.deployed).toEqual([]);
  });
});

test.each(SCOPES)("a token of the scope %s fetches and pushes as far as the scope goes, by Bearer and by Basic alike", async (scope) => {
  const tip = await server.ref("mine", "refs/heads/main");
  const basic = `Basic ${Buffer.from(`heroku:${scopedToken(scope)}`).toString("base64")}`;
  for (const authorization of [`Bearer ${scopedToken(scope)}`, basic])
    for (const [service, needed] of [["upload-pack", "read"], ["receive-pack", "write-protected"]] as const) {
      const headers = { authorization };
      const info = await raw(server.port, { path: `/mine.git/info/refs?service=git-${service}`, headers });
      expect(info.status).toBe(permits([scope], needed) ? 200 : 403);
      const command = service === "receive-pack" ? packet(`${tip} ${"0".repeat(40)} refs/heads/main\0 report-status`) + "0000" : "0000";
      if (permits([scope], needed)) continue;
      expect(await raw(server.port, { method: "POST", path: `/mine.git/git-${service}`, headers, body: command })).toMatchObject({ status: 403 });
      expect(info.body.toString()).toContain(`it takes ${needed}`);
    }
  expect(await server.ref("mine", "refs/heads/main")).toBe(tip);
});

test("whoever made too many wrong tries reads how long to wait", async () => {
  const { status, head, body } = await raw(server.port, { path: "/mine.git/info/refs?service=git-upload-pack", headers: { authorization: `Bearer ${TOKENS.blocked}` } });
  expect([status, body.toString()]).toEqual([429, "Too many wrong tries from your address. Try again in 42 s.\n"]);
  expect(head).toContain("retry-after: 42");
});

test("a client of Git LFS is told before its push what this server does not keep, and what to do", async () => {
  const { status, head, body } = await raw(server.port, { method: "POST", path: "/mine.git/info/lfs/objects/batch", headers: { ...ALICE, "content-type": "application/vnd.git-lfs+json" }, body: '{"operation":"upload"}' });
  expect([status, JSON.parse(body.toString())]).toEqual([422, { message: expect.stringContaining("git lfs migrate export") }]);
  expect(head).toContain("content-type: application/vnd.git-lfs+json");
});

test.each([
  "/mine.git/HEAD", "/mine.git/config", "/mine.git/objects/info/packs", "/mine.git/refs/heads/main", "/mine.git", "/mine.git/", "/mine.git/info/refs/x",
  "/../mine.git/HEAD", "/x/../mine.git/HEAD", "//mine.git/HEAD", "/a/mine.git/info/refs?service=git-upload-pack", "/mine.git%00/info/refs?service=git-upload-pack",
  "/mine.git/../../x/info/refs?service=git-upload-pack", "/..%2f..%2fetc.git/info/refs?service=git-upload-pack", "/%2e%2e/info/refs?service=git-upload-pack",
  "/..git/info/refs?service=git-upload-pack", "//tmp/x.git/info/refs?service=git-upload-pack", "/.empty.git/info/refs?service=git-upload-pack",
  "/%zz.git/info/refs?service=git-upload-pack", "/__proto__/info/refs?service=git-upload-pack", "/constructor.git/info/refs?service=git-upload-pack",
])("%s is nothing, also for someone who may log in", async (path) => {
  expect([400, 404]).toContain((await raw(server.port, { path, headers: ALICE })).status);
  expect(await readdir(join(server.dataDir, "repositories"))).toEqual(before);
});

test.each([
  "/mine.git/info/refs", "/mine.git/info/refs?service=", "/mine.git/info/refs?service=git-archive", "/mine.git/info/refs?service=upload-pack",
  "/mine.git/info/refs?service=git-upload-pack&service=git-receive-pack", "/mine.git/info/refs?service=git-upload-pack%20--x",
])("%s asks for no service of ours", async (path) => {
  expect((await raw(server.port, { path, headers: ALICE })).status).toBe(403);
});

test("a name that cannot be an app's is refused on a push's POST too, and creates nothing", async () => {
  for (const path of ["/Evil/git-receive-pack", "/..git/git-receive-pack", "/%2e%2e/git-receive-pack", "/-x.git/git-receive-pack", "/a%2fb/git-receive-pack"])
    expect([404, 422], path).toContain((await raw(server.port, { method: "POST", path, headers: ALICE, body: "0000" })).status);
  expect(await readdir(join(server.dataDir, "repositories"))).toEqual(before);
  expect([...server.apps.keys()]).toEqual(["mine"]);
});

test("asking for the refs of an app to come creates nothing", async () => {
  const { status, body } = await raw(server.port, { path: "/tocome.git/info/refs?service=git-receive-pack", headers: ALICE });
  expect(status).toBe(200);
  expect(body.toString()).toContain("capabilities^{}");
  expect(await readdir(join(server.dataDir, "repositories"))).toEqual(before);
  expect(server.apps.has("tocome")).toBe(false);
});

test("the client's user reads what is wrong with the token", async () => {
  const client = await workspace();
  const { code, output } = await startGit(client.dir, ["ls-remote", server.url("mine", "paas_wrong-token-000000000000")]).done;
  expect(code).not.toBe(0);
  expect(output).toContain("remote: This token is not valid (any more).");
});

test("the JSON API on the same port keeps its parsers", async () => {
  const headers = { "content-type": "application/json" };
  const good = await raw(server.port, { method: "POST", path: "/echo", headers, body: '{"a":1}' });
  expect(good.body.toString()).toBe('{"got":{"a":1}}');
  expect((await raw(server.port, { method: "POST", path: "/echo", headers, body: "{" })).status).toBe(400);
  expect((await raw(server.port, { method: "POST", path: "/echo", headers: { "content-type": "application/x-git-receive-pack-request" }, body: "0000" })).status).toBe(415);
  expect((await raw(server.port, { path: "/nothing" })).status).toBe(404);
});

test("repositories and the hook's socket are closed to other local users", async () => {
  expect((await stat(join(server.dataDir, "repositories"))).mode & 0o077).toBe(0);
  expect((await stat(join(server.dataDir, "hook.sock"))).mode & 0o077).toBe(0);
  expect(existsSync(join(server.dataDir, "git-hooks/pre-receive"))).toBe(true);
});
