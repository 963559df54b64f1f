import { afterAll, beforeAll, expect, test } from "vitest";
import { removeWorkspaces, startGit, workspace, type Workspace } from "../support/git-client.ts";
import { startGitServer, type GitServer } from "./git-server.ts";

const COMMITS = 60;

let server: GitServer;
let origin: Workspace;
let url: string;

beforeAll(async () => {
  server = await startGitServer();
  url = server.url("cloned");
  origin = await workspace();
  for (let n = 1; n <= COMMITS; n++) await origin.must("commit", "--quiet", "--allow-empty", "-m", `commit ${n}`);
  await origin.commit({ "index.html": "hello" });
  await origin.push(url, "main", "main:dev", "main:refs/tags/v1");
});
afterAll(async () => {
  expect(server.errors).toEqual([]);
  expect(await server.leftovers()).toEqual([]);
  await server.close();
  await removeWorkspaces();
});

test.each(["0", "1", "2"])("a clone by a client that speaks protocol v%s is whole", async (version) => {
  const clone = await workspace({ init: false });
  await clone.must("-c", `protocol.version=${version}`, "clone", "--quiet", url, ".");
  expect(await clone.must("rev-parse", "HEAD")).toBe(await origin.must("rev-parse", "HEAD"));
  expect(await clone.must("branch", "-r")).toContain("origin/dev");
  await clone.must("fsck", "--strict");
});

test("a clone works without .git in the URL", async () => {
  const clone = await workspace({ init: false });
  expect((await clone.git("clone", "--quiet", url.replace(/\.git$/, ""), ".")).code).toBe(0);
});

test("a shallow clone can be deepened", async () => {
  const clone = await workspace({ init: false });
  await clone.must("clone", "--quiet", "--depth", "1", url, ".");
  expect(await clone.must("rev-list", "--count", "HEAD")).toBe("1");
  await clone.must("fetch", "--quiet", "--unshallow");
  expect(await clone.must("rev-list", "--count", "HEAD")).toBe(String(COMMITS + 1));
});

test("a long negotiation, which git compresses, is understood", async () => {
  const clone = await workspace({ init: false });
  await clone.must("clone", "--quiet", url, ".");
  // Newer than what the server has by more than a second, or git would offer the common commit first and be done.
  const later = Math.floor(Date.now() / 1000) + 60;
  for (let n = 0; n < COMMITS; n++) await startGit(clone.dir, ["commit", "--quiet", "--allow-empty", "-m", `mine ${n}`], { GIT_COMMITTER_DATE: `@${later + n} +0000` }).done;
  const commit = await origin.commit({ news: "1" });
  await origin.push(url);
  const { output } = await startGit(clone.dir, ["fetch", "--quiet", "origin"], { GIT_CURL_VERBOSE: "1" }).done;
  expect(output).toContain("Content-Encoding: gzip");
  expect(await clone.must("rev-parse", "origin/main")).toBe(commit);
});

test("a push from a checkout of depth 1 deploys, and one from a full clone afterwards too", async () => {
  const shallow = await workspace({ init: false });
  await shallow.must("clone", "--quiet", "--depth", "1", url, ".");
  const target = server.url("from-ci");
  await shallow.commit({ ci: "1" });
  expect((await shallow.push(target)).output).toContain("Deployed");
  await shallow.must("fetch", "--quiet", "--unshallow");
  const commit = await shallow.commit({ ci: "2" });
  expect((await shallow.push(target)).code).toBe(0);
  expect(await server.ref("from-ci", "refs/heads/main")).toBe(commit);
});

test("cloning an app that does not exist says so and creates nothing", async () => {
  const clone = await workspace({ init: false });
  const { code, output } = await clone.git("clone", server.url("ghost"), ".");
  expect(code).not.toBe(0);
  expect(output).toContain("remote: No such app: ghost. Check the name, or push to it to create it.");
  expect(server.apps.has("ghost")).toBe(false);
});

test("an app that exists and was never pushed to is an empty repository", async () => {
  const now = new Date().toISOString();
  server.apps.set("born", { id: "id-of-born", name: "born", ownerId: "id-of-alice", createdAt: now, updatedAt: now });
  const clone = await workspace({ init: false });
  const { code, output } = await clone.git("clone", server.url("born"), ".");
  expect(code).toBe(0);
  expect(output).toContain("appear to have cloned an empty repository");
});

test("someone else's app does not exist for a stranger", async () => {
  const clone = await workspace({ init: false });
  const { code, output } = await clone.git("clone", server.url("cloned", "paas_bob-token-0123456789"), ".");
  expect(code).not.toBe(0);
  expect(output).toContain("No such app: cloned.");
});
