import { chmod } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { AppError } from "../../server/errors.ts";
import { removeWorkspaces, startGit, workspace, type Workspace } from "../support/git-client.ts";
import { startGitServer, type Deploy, type GitServer } from "./git-server.ts";

const succeed: Deploy = async (_push, output) => {
  output.write("-----> Deployed\n");
  return true;
};
const fail: Deploy = async (_push, output) => {
  output.write(" !     Push rejected, failed to compile\n");
  return false;
};

let server: GitServer;
let client: Workspace;
let app: string;
let url: string;
let count = 0;

beforeAll(async () => {
  server = await startGitServer();
});
beforeEach(async () => {
  app = `push-${++count}`;
  url = server.url(app);
  client = await workspace();
  server.deployed.length = 0;
  server.onDeploy(succeed);
});
afterEach(() => {
  expect(server.errors.splice(0)).toEqual([]);
});
afterAll(async () => {
  expect(await server.leftovers()).toEqual([]);
  await server.close();
  await removeWorkspaces();
});

const branch = (name = "main"): Promise<string | undefined> => server.ref(app, `refs/heads/${name}`);
const deploys = (): string[][] => server.deployed.map((push) => [push.branch, push.source.commit]);

test("the first push creates the app, deploys the commit and moves the branch", async () => {
  const commit = await client.commit({ "index.html": "hello" });
  const result = await client.push(url);
  expect(result.output).toContain(`remote: -----> Created app ${app}`);
  expect(result.output).toContain("remote: -----> Deployed");
  expect(result.code).toBe(0);
  expect(await branch()).toBe(commit);
  expect(deploys()).toEqual([["main", commit]]);
  expect(server.deployed[0]?.user.email).toBe("alice@example.com");
  await client.commit({ "index.html": "again" });
  expect((await client.push(url)).output).not.toContain("Created app");
});

test("build output arrives live, line by line, with colour and accents intact", async () => {
  const { promise: seen, resolve: see } = Promise.withResolvers<void>();
  server.onDeploy(async (_push, output) => {
    output.write("first é ✓ \u001b[32mgreen\u001b[0m\nhalf a ");
    await seen;
    output.write("line\n");
    return true;
  });
  await client.commit({ a: "1" });
  const running = client.start("push", url, "main");
  await running.says("first é ✓ \u001b[32mgreen\u001b[0m");
  expect(running.output()).not.toContain("line");
  see();
  const { code, output } = await running.done;
  expect(output).toContain("half a line");
  expect(code).toBe(0);
});

test("100,000 lines of output arrive whole", async () => {
  server.onDeploy(async (_push, output) => {
    for (let line = 1; line <= 100_000; line++) {
      output.write(`line ${line}\n`);
      if (line % 1000 === 0) await sleep(1);
    }
    return true;
  });
  await client.commit({ a: "1" });
  const { code, output } = await client.push(url);
  expect(code).toBe(0);
  expect(output.match(/remote: line \d+/g)).toHaveLength(100_000);
});

test("a failed deploy rejects the push, leaves the branch and can be retried", async () => {
  const first = await client.commit({ a: "1" });
  await client.push(url);
  const second = await client.commit({ a: "2" });
  server.onDeploy(fail);
  const result = await client.push(url);
  expect(result.code).not.toBe(0);
  expect(result.output).toContain("remote:  !     Push rejected, failed to compile");
  expect(result.output).toContain("[remote rejected] main -> main (pre-receive hook declined)");
  expect(await branch()).toBe(first);
  expect(await server.leftovers()).toEqual([]);
  server.onDeploy(succeed);
  expect((await client.push(url)).code).toBe(0);
  expect(await branch()).toBe(second);
});

test("an error of the pipeline is shown when it may be, and hidden when it may not", async () => {
  await client.commit({ a: "1" });
  server.onDeploy(async () => {
    throw new AppError("no_buildpack", "No buildpack fits this source.");
  });
  expect((await client.push(url)).output).toContain("remote:  !     Push rejected, No buildpack fits this source.");
  server.onDeploy(async () => {
    throw new Error("secret inside");
  });
  const { code, output } = await client.push(url);
  expect(code).not.toBe(0);
  expect(output).toContain("Internal server error.");
  expect(output).not.toContain("secret");
  expect(server.errors.splice(0)).toMatchObject([{ msg: "deploy of a push failed" }]);
});

test("a push without anything new starts no build", async () => {
  await client.commit({ a: "1" });
  await client.push(url);
  const { code, output } = await client.push(url);
  expect([code, output.trim()]).toEqual([0, "Everything up-to-date"]);
  expect(server.deployed).toHaveLength(1);
});

test("another branch is stored without a build, and Heroku's words say so", async () => {
  const commit = await client.commit({ a: "1" });
  const result = await client.push(url, "main:feature/x");
  expect(result.code).toBe(0);
  expect(result.output).toContain("remote: -----> Pushed to branch other than [main, master], skipping build.");
  expect(await branch("feature/x")).toBe(commit);
  expect(server.deployed).toEqual([]);
});

test.each(["release-2001", "main00x", "00main", "refs/heads/main"])("the branch %s does not pass for main", async (name) => {
  await client.commit({ a: "1" });
  expect((await client.push(url, `main:refs/heads/${name}`)).code).toBe(0);
  expect(await branch(name)).toBeDefined();
  expect(server.deployed).toEqual([]);
});

test.each(["refs/tags/v1", "refs/notes/x", "refs/changes/1", "refs/head/main", "refs/for/main"])("a push to %s is stored at once without a build", async (ref) => {
  const commit = await client.commit({ a: "1" });
  const result = await client.push(url, `main:${ref}`);
  expect(result.code).toBe(0);
  expect(await server.ref(app, ref)).toBe(commit);
  expect(server.deployed).toEqual([]);
});

test("a branch can be deleted, main and master cannot", async () => {
  await client.commit({ a: "1" });
  await client.push(url, "main", "main:dev", "main:refs/tags/v1");
  expect((await client.push(url, ":dev", ":refs/tags/v1")).code).toBe(0);
  expect(await branch("dev")).toBeUndefined();
  const result = await client.push(url, ":main");
  expect(result.code).not.toBe(0);
  expect(result.output).toContain("remote:  !     Push rejected, cannot delete main branch.");
  expect(await branch()).toBeDefined();
});

test("a push that is no fast-forward needs --force, as everywhere, and is deployed then", async () => {
  await client.commit({ a: "1" });
  await client.push(url);
  await client.must("commit", "--quiet", "--amend", "--allow-empty", "-m", "other");
  const rejected = await client.push(url);
  expect(rejected.output).toContain("[rejected]");
  expect((await client.push(url, "--force", "main")).code).toBe(0);
  expect(await branch()).toBe(await client.must("rev-parse", "HEAD"));
  expect(server.deployed).toHaveLength(2);
});

test("master deploys too, and the branch that was deployed last is what a clone checks out", async () => {
  const onMain = await client.commit({ a: "1" });
  await client.push(url, "main");
  const onMaster = await client.commit({ a: "2" });
  expect((await client.push(url, "main:master")).code).toBe(0);
  expect(deploys()).toEqual([["main", onMain], ["master", onMaster]]);
  const clone = await workspace({ init: false });
  await clone.must("clone", "--quiet", url, ".");
  expect(await clone.must("symbolic-ref", "--short", "HEAD")).toBe("master");
  expect(await clone.must("rev-parse", "HEAD")).toBe(onMaster);
});

test("main and master in one push are refused together", async () => {
  await client.commit({ a: "1" });
  const result = await client.push(url, "main", "main:master");
  expect(result.code).not.toBe(0);
  expect(result.output).toContain("it has both main and master");
  expect([await branch("main"), await branch("master")]).toEqual([undefined, undefined]);
  expect(server.deployed).toEqual([]);
});

test("main, a branch and a tag in one push are one deploy, and all or nothing", async () => {
  const commit = await client.commit({ a: "1" });
  const refs = ["main", "main:dev", "main:refs/tags/v1"];
  server.onDeploy(fail);
  expect((await client.push(url, ...refs)).code).not.toBe(0);
  expect([await branch("main"), await branch("dev"), await server.ref(app, "refs/tags/v1")]).toEqual([undefined, undefined, undefined]);
  server.onDeploy(succeed);
  expect((await client.push(url, ...refs)).code).toBe(0);
  expect([await branch("main"), await branch("dev"), await server.ref(app, "refs/tags/v1")]).toEqual([commit, commit, commit]);
  expect(server.deployed).toHaveLength(2);
});

test("--atomic works", async () => {
  await client.commit({ a: "1" });
  expect((await client.push(url, "--atomic", "main", "main:dev")).code).toBe(0);
  expect([await branch("main"), await branch("dev")]).not.toContain(undefined);
});

test.each(["x;y=1", "a\nb", "$(touch pwned)"])("push options are not taken: %j", async (option) => {
  await client.commit({ a: "1" });
  const result = await client.push(url, "-o", option, "main");
  expect(result.code).not.toBe(0);
  expect(result.output).toMatch(/does not support push options|must not have new line/);
  expect(server.deployed).toEqual([]);
});

test("a branch name that looks like an option or a revision goes nowhere near a command line", async () => {
  await client.commit({ a: "1" });
  expect((await client.push(url, "main:refs/heads/--upload-pack=x")).code).toBe(0);
  for (const name of ["a..b", "a~1", "a b", "@{-1}"]) expect((await client.push(url, `main:refs/heads/${name}`)).code).not.toBe(0);
  expect(server.deployed).toEqual([]);
});

test("main must point at a commit", async () => {
  await client.commit({ a: "1" });
  await client.must("tag", "-a", "v1", "-m", "one");
  const result = await client.push(url, "v1:refs/heads/main");
  expect(result.code).not.toBe(0);
  expect(await branch()).toBeUndefined();
  expect(server.deployed).toEqual([]);
});

test("of two pushes at once the second is refused at once, with who builds and since when", async () => {
  await client.commit({ a: "1" });
  await client.push(url);
  const { promise: blocked, resolve: unblock } = Promise.withResolvers<void>();
  server.onDeploy(async (_push, output) => {
    output.write("building\n");
    await blocked;
    return true;
  });
  const first = await client.commit({ a: "2" });
  const running = client.start("push", url, "main");
  await running.says("building");

  const other = await workspace();
  await other.must("fetch", "--quiet", url, "main");
  await other.must("reset", "--quiet", "--hard", "FETCH_HEAD");
  await other.commit({ b: "1" });
  const refused = await other.push(url);
  expect(refused.code).not.toBe(0);
  expect(refused.output).toMatch(/Push rejected, another push of this app is running: started \d+ s ago by alice@example.com/);
  const startedAt = Date.now() - 65_000;
  server.running.set(`id-of-${app}`, { id: "b-42", user: "bob@example.com", startedAt: new Date(startedAt).toISOString() });
  const [, seconds] = /build b-42 of this app is running: started (\d+) s ago by bob@example\.com/.exec((await other.push(url)).output) ?? [];
  expect(Number(seconds)).toBeGreaterThanOrEqual(65);
  expect(Number(seconds)).toBeLessThanOrEqual(Math.ceil((Date.now() - startedAt) / 1000));
  server.running.clear();
  expect((await other.push(url, "main:dev")).code).toBe(0);

  unblock();
  expect((await running.done).code).toBe(0);
  expect(await branch()).toBe(first);
  expect(server.deployed).toHaveLength(2);
});

test("a push against a branch that has moved meanwhile is declined before anything is built", async () => {
  await client.commit({ a: "1" });
  await client.push(url);
  const other = await workspace();
  await other.must("fetch", "--quiet", url, "main");
  await other.must("reset", "--quiet", "--hard", "FETCH_HEAD");
  await other.commit({ b: "1" });
  // git reads the server's refs before it runs its own pre-push hook, so the hook is the time for another push.
  await client.commit({ "hooks/pre-push": `#!/bin/sh\nunset GIT_DIR\ncd '${other.dir}' && git push --quiet '${url}' main\n` });
  await chmod(`${client.dir}/hooks/pre-push`, 0o755);
  await client.must("config", "core.hooksPath", "hooks");

  const result = await client.push(url);
  expect(result.code).not.toBe(0);
  expect(result.output).toContain("Push rejected, main has moved since. Pull, then push again.");
  expect(await branch()).toBe(await other.must("rev-parse", "HEAD"));
  expect(server.deployed).toHaveLength(2);
});

test("bearer and basic give the same rights", async () => {
  await client.commit({ a: "1" });
  const plain = url.replace(/\/\/.*@/, "//");
  const token = /:([^:@]+)@/.exec(url)?.[1] ?? "";
  const result = await client.git("-c", `http.extraHeader=Authorization: Bearer ${token}`, "push", plain, "main");
  expect(result.code).toBe(0);
  expect(server.deployed).toHaveLength(1);
});

test("a push with a name that is not allowed says what is", async () => {
  await client.commit({ a: "1" });
  for (const name of ["Upper", "9lives", "a_b", "admin", "x".repeat(31), "-x", "a"]) {
    const result = await client.push(server.url(name));
    expect(result.code, name).not.toBe(0);
    expect(result.output, name).toMatch(/remote: name: (must start with a letter|".*" is reserved)/);
  }
  expect(server.apps.has("admin")).toBe(false);
});

test("a push to someone else's app is refused before the upload and tells nothing but that the name is taken", async () => {
  await client.commit({ a: "1" });
  await client.push(url);
  const result = await startGit(client.dir, ["push", server.url(app, "paas_bob-token-0123456789"), "main:dev"]).done;
  expect(result.code).not.toBe(0);
  expect(result.output).toContain(`remote: Name ${app} is already taken`);
  expect(await branch("dev")).toBeUndefined();
});
