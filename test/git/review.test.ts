/** Pushes to branches that have apps of their own. */

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { removeWorkspaces, workspace, type Workspace } from "../support/git-client.ts";
import { startGitServer, type GitServer } from "./git-server.ts";

let server: GitServer;
let client: Workspace;
beforeAll(async () => {
  server = await startGitServer();
  client = await workspace();
  await client.commit({ "a": "1" });
});
afterEach(() => {
  server.onDeploy(async () => true);
  server.kept.clear();
  for (const list of [server.deployed, server.reviewed, server.gone]) list.length = 0;
});
afterAll(async () => {
  await server.close();
  await removeWorkspaces();
});

const push = (...refspecs: string[]) => client.start("push", server.url("shop"), ...refspecs).done;

test("a branch below review/ is deployed to its review app and the ref moves only if that serves", async () => {
  server.onDeploy(async (_push, output) => {
    output.write("-----> Built\n");
    return true;
  });
  const commit = await client.commit({ "a": "2" });
  const { code, output } = await push("main:review/login");
  expect([code, output]).toEqual([0, expect.stringContaining("remote: -----> Built")]);
  expect(server.reviewed).toMatchObject([{ branch: "review/login", app: { name: "shop" }, source: { commit } }]);
  expect(server.deployed).toEqual([]);
  expect(await server.ref("shop", "refs/heads/review/login")).toBe(commit);

  server.onDeploy(async () => false);
  await client.commit({ "a": "3" });
  expect((await push("main:review/login")).code).not.toBe(0);
  expect(await server.ref("shop", "refs/heads/review/login")).toBe(commit);
});

test("deleting the branch discards its review app; where that cannot be done the branch stays", async () => {
  await push("main:review/gone", "--force");
  server.kept.add("review/gone");
  expect((await push(":review/gone")).code).not.toBe(0);
  expect(await server.ref("shop", "refs/heads/review/gone")).toBeDefined();
  server.kept.clear();
  expect((await push(":review/gone")).code).toBe(0);
  expect(server.gone).toEqual(["review/gone", "review/gone"]);
  expect(await server.ref("shop", "refs/heads/review/gone")).toBeUndefined();
});

test.each(["review/-x", "review/a/b", "review/x_", "review"])("the bad name %s is refused with the rule", async (name) => {
  const { code, output } = await push(`main:refs/heads/${name}`);
  expect(code).not.toBe(0);
  expect(output.replaceAll(/\s*\nremote:\s*/g, " ")).toContain("is no review branch: a review branch is review/ and up to 60 letters, digits");
  expect(server.reviewed).toEqual([]);
});

test("one push deploys one branch, and does not delete another with it", async () => {
  await push("main:review/old", "--force");
  server.reviewed.length = 0;
  await client.commit({ "a": "4" });
  for (const [refspecs, message] of [[["main", "main:review/b"], "has both"], [["main:review/a", "main:review/b"], "has both"], [["main:review/a", ":review/old"], "deletes review/old"]] as const) {
    const { code, output } = await push(...refspecs);
    expect([code === 0, output]).toEqual([false, expect.stringContaining(message)]);
  }
  expect([server.deployed, server.reviewed, server.gone]).toEqual([[], [], []]);
});

test("a review app's deploy holds up neither the app's own nor another branch's, but a second one of its branch", async () => {
  const hold = Promise.withResolvers<boolean>();
  const begun = Promise.withResolvers<void>();
  server.onDeploy(async ({ branch }) => {
    if (branch !== "review/slow") return true;
    begun.resolve();
    return hold.promise;
  });
  const commit = await client.commit({ "a": "5" });
  const slow = push("main:review/slow");
  await begun.promise;
  expect((await push("main")).code).toBe(0);
  expect((await push("main:review/quick")).code).toBe(0);
  const again = await push("main:review/slow");
  expect([again.code === 0, again.output]).toEqual([false, expect.stringContaining("another push of this app is running")]);
  hold.resolve(true);
  expect((await slow).code).toBe(0);
  expect(await server.ref("shop", "refs/heads/review/slow")).toBe(commit);
});

test("a branch can be read as it was pushed, and taken away; names that are none of a branch find nothing", async () => {
  const commit = await client.commit({ "a": "6", "app.json": "{}" });
  await push("main:feature");
  const found = await server.git.branches.find("id-of-shop", "feature");
  expect(found?.commit).toBe(commit);
  expect((await found?.readFile("app.json", 100))?.toString()).toBe("{}");
  for (const name of ["none", "../../config", "a..b", "", "feature.lock"]) expect(await server.git.branches.find("id-of-shop", name)).toBeUndefined();
  expect(await server.git.branches.find("id-of-nothing", "feature")).toBeUndefined();
  await server.git.branches.remove("id-of-shop", "feature");
  await server.git.branches.remove("id-of-shop", "feature");
  expect(await server.git.branches.find("id-of-shop", "feature")).toBeUndefined();
});
