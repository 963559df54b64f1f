import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { remoteText } from "../support/app-folder.ts";
import { deploy, type DeployedApp } from "../support/deployed-app.ts";
import { removeWorkspaces, workspace, type Workspace } from "../support/git-client.ts";
import { overload } from "../support/overload.ts";
import { docker, startPaas, type Paas } from "../support/paas.ts";
import { refused, settled } from "../support/refused-push.ts";
import { smallApp } from "../support/small-app.ts";

const json = (value: unknown): string => JSON.stringify(value);
const gate = (test: object, more: object = {}): Record<string, string> => ({ "app.json": json({ ...more, environments: { test } }) });

/** What npm writes for these two. */
const LOCK = json({
  name: "noded", lockfileVersion: 3, requires: true,
  packages: {
    "": { name: "noded", dependencies: { "is-number": "7.0.0" }, devDependencies: { "is-odd": "3.0.1" } },
    "node_modules/is-number": { version: "7.0.0", integrity: "sha512-41Cifkg6e8TylSpdtTpeLVMqvSBEVzTttHvERD741+pnZ8ANv0004MRL43QKPDlK9cGvNp6NZWZUBlbGXYxxng==", license: "MIT", engines: { node: ">=0.12.0" } },
    "node_modules/is-odd": { version: "3.0.1", integrity: "sha512-CQpnWPrDwmP1+SMHXZhtLtJv90yiyVfluGsX5iNCVkrhQtU3TQHsUWPG9wkdk9Lgd5yNpAg9jQEo90CBaXgWMA==", dev: true, license: "MIT", dependencies: { "is-number": "^6.0.0" }, engines: { node: ">=4" } },
    "node_modules/is-odd/node_modules/is-number": { version: "6.0.0", integrity: "sha512-Wu1VHeILBK8KAWJUAiSZQX94GmOE45Rg6/538fKwiloUu21KncEkYGPqob2oSZ5mUT73vLGrHQjKw3KMPwfDzg==", dev: true, license: "MIT", engines: { node: ">=0.10.0" } },
  },
});

type Run = { id: string; number: number; status: string; commit_sha: string; commit_branch: string; commit_message: string; message: string | null };

let paas: Paas;
let app: DeployedApp;
beforeAll(async () => {
  paas = await startPaas();
  app = await deploy(paas, "tested", { text: "good" });
}, 150_000);
afterAll(async () => {
  await paas.remove();
  await removeWorkspaces();
});

const runs = async (of = "tested"): Promise<Run[]> => (await paas.api<Run[]>("GET", `/apps/${of}/test-runs`)).body;
const last = async (of?: string): Promise<Run> => (await runs(of)).at(-1) as Run;
type Node = { status: string; exit_code: number | null; setup_stream_url: string; output_stream_url: string };
const node = async (run: Run): Promise<Node> => (await paas.api<Node[]>("GET", `/test-runs/${run.id}/test-nodes`)).body[0] as Node;
const text = async (url: string): Promise<string> => (await fetch(url)).text();

async function pushed(repository: Workspace, name: string): Promise<string> {
  const result = await repository.push(paas.remote(name));
  expect(result.code, result.output).toBe(0);
  return remoteText(result.output);
}

describe("a push of an app that declares tests", { timeout: 150_000 }, () => {
  it("is released when they pass; they find their own environment, and nothing of the app's", async () => {
    await paas.api("PATCH", "/apps/tested/config-vars", { SECRET_OF_THE_APP: "x" });
    await settled(paas, app);
    const test = 'echo "CI=$CI A=$A B=$B SECRET=$SECRET_OF_THE_APP branch=$HEROKU_TEST_RUN_BRANCH paas=${PAAS_TEST-none}"; cat made-by-setup; touch left-by-tests';
    const commit = await app.repository.commit({ ...smallApp({ text: "better" }), ...gate({ env: { B: "test" }, scripts: { "test-setup": "echo ready > made-by-setup", test } }, { env: { A: "1", B: "2" } }) });
    const told = await pushed(app.repository, "tested");
    expect(told).toContain("-----> Preparing tests\n-----> Building for tests on the Debian-12 stack\n");
    expect(told).toContain("-----> Running test-setup script\n-----> Running tests\nCI=true A=1 B=test SECRET= branch=main paas=none\n");
    expect(told).toContain("ready\n       Tests passed (test run 1)\n-----> Building on the Debian-12 stack\n");
    expect(await app.text()).toBe("better");
    expect(await last()).toMatchObject({ number: 1, status: "succeeded", commit_sha: commit, commit_branch: "main", commit_message: expect.stringMatching(/^change \d+$/) as string });
    const { setup_stream_url, output_stream_url, ...rest } = await node(await last());
    expect(rest).toMatchObject({ status: "succeeded", exit_code: 0 });
    expect(await text(setup_stream_url)).toContain("Building for tests");
    expect(await text(output_stream_url)).toContain("-----> Running tests\nCI=true");
  });

  it("is rejected with the reason when they fail; what serves goes on serving, and of the run only its record is left", async () => {
    // Its network stays with the app, so that the next run need not make it.
    await settled(paas, app);
    const told = await refused(paas, app, { ...smallApp({ text: "worse" }), ...gate({ scripts: { test: "ls left-by-tests made-by-setup 2>&1; echo 1 of 3 failed; exit 4" } }) });
    expect(told).toContain("-----> Running tests\nls: cannot access 'left-by-tests'");
    expect(told).toContain("1 of 3 failed\n\n !     The tests exited with status 4: nothing was released (test run 2).\n\n !     Push rejected to tested.\n");
    expect(told).not.toContain("-----> Building on");
    const run = await last();
    expect(run).toMatchObject({ number: 2, status: "failed", message: "The tests exited with status 4: nothing was released (test run 2)." });
    expect(await node(run)).toMatchObject({ exit_code: 4, status: "failed" });
    expect(await text((await node(run)).output_stream_url)).toContain("1 of 3 failed\n");
    const lines = await (await fetch((await paas.api<{ logplex_url: string }>("POST", "/apps/tested/log-sessions", { lines: 100 })).body.logplex_url)).text();
    expect(lines).toContain("app[api]: Test run 2 failed: The tests exited with status 4: nothing was released (test run 2).\n");
    expect(lines).not.toContain("1 of 3 failed");
  });

  it("is released without them where the gate is off for the app", async () => {
    await paas.api("PATCH", "/apps/tested/features/test-gate", { enabled: false });
    const before = (await runs()).length;
    await app.repository.commit({ ...smallApp({ text: "untested" }), ...gate({ scripts: { test: "exit 1" } }) });
    expect(await pushed(app.repository, "tested")).not.toContain("tests");
    expect(await app.text()).toBe("untested");
    expect(await runs()).toHaveLength(before);
    await paas.api("PATCH", "/apps/tested/features/test-gate", { enabled: true });
  });

  it("whose tests a crash of the control plane cuts off leaves a run that says so, and no container", async () => {
    await settled(paas, app);
    await app.repository.commit({ ...smallApp({ text: "cut off" }), ...gate({ scripts: { test: "echo waiting; sleep 3600" } }) });
    const push = app.start();
    await push.says("remote: waiting");
    expect(await last()).toMatchObject({ status: "running", message: null });
    await paas.kill();
    expect((await push.done).code).not.toBe(0);
    await paas.start();
    expect(await last()).toMatchObject({ number: 3, status: "errored", message: "Interrupted: the control plane stopped in the middle of it." });
    await settled(paas, app);
    expect(await app.text()).toBe("untested");
  });
});

describe("a Node.js app that declares tests", { timeout: 240_000 }, () => {
  it("is tested with its devDependencies and NODE_ENV=test by npm test, and what was installed for the tests is not installed again", async () => {
    const repository = await workspace();
    const files = {
      "package.json": json({ name: "noded", private: true, scripts: { start: "node server.js", test: "node -e \"console.log('env', process.env.NODE_ENV, require('is-odd')(3), 'cached', fs.readdirSync('/cache').length)\"" }, dependencies: { "is-number": "7.0.0" }, devDependencies: { "is-odd": "3.0.1" } }),
      "server.js": "require('http').createServer((q, r) => { let dev = 'pruned'; try { require.resolve('is-odd'); dev = 'there'; } catch {} r.end(process.env.NODE_ENV + ' ' + dev); }).listen(process.env.PORT);",
      ...gate({}),
    };
    await repository.commit({ ...files, "package-lock.json": LOCK });
    const first = await pushed(repository, "noded");
    expect(first).toContain("env test true cached 0\n");
    expect(first.split("Installing node modules")).toHaveLength(2);
    expect(first).toContain("package-lock.json is unchanged: using the dependencies of the last build");
    expect((await paas.get("noded")).body).toBe("production pruned");
    await repository.commit({ "note.txt": "2" });
    const second = await pushed(repository, "noded");
    expect(second).toContain("env test true cached 0\n");
    expect(second).not.toContain("Installing node modules");
    // Of the first run's build only what the second stands on is left.
    const ids = (await runs("noded")).map(({ id }) => id);
    const named = async () => (await docker.listImages()).filter(({ RepoTags }) => RepoTags?.some((tag) => ids.some((id) => tag.endsWith(`:${id}`))));
    await expect.poll(named, { timeout: 10_000 * overload() }).toHaveLength(1);
    const [layer] = (await docker.getImage((await named())[0]?.Id ?? "").history()) as { Size: number }[];
    expect(layer?.Size).toBeLessThan(20_000);
    expect((await paas.get("noded")).body).toBe("production pruned");
  });
});
