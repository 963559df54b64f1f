import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { removeWorkspaces, workspace } from "./git-client.ts";
import { startGitServer, type GitServer } from "./git-server.ts";

describe("a push", () => {
  let server: GitServer;
  beforeAll(async () => {
    server = await startGitServer();
  });
  afterAll(async () => {
    expect(await server.leftovers()).toEqual([]);
    await server.close();
    await removeWorkspaces();
  });

  test("creates the app, deploys the pushed commit and moves the branch", async () => {
    const client = await workspace();
    const commit = await client.commit({ "index.html": "hello" });
    const result = await client.push(server.url("first"));
    expect(result.output).toContain("remote: -----> Created app first");
    expect(result.output).toContain("remote: -----> Deployed");
    expect(result.code).toBe(0);
    expect(await server.ref("first", "refs/heads/main")).toBe(commit);
    expect(server.deployed.map(({ branch, source }) => [branch, source.commit])).toEqual([["main", commit]]);
  });
});
