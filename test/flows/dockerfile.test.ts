import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { remoteText } from "../support/app-folder.ts";
import { baseImage, dockerfileApp, scratchApp } from "../support/dockerfile-app.ts";
import { removeWorkspaces, workspace, type Workspace } from "../support/git-client.ts";
import { startLoad } from "../support/load.ts";
import { docker, startPaas, type Paas } from "../support/paas.ts";

vi.setConfig({ testTimeout: 150_000, hookTimeout: 150_000 });

let paas: Paas;
let base: Awaited<ReturnType<typeof baseImage>>;
beforeAll(async () => {
  [paas, base] = await Promise.all([startPaas({ PAAS_SLUGS_KEPT: "1" }), baseImage()]);
});
afterAll(async () => {
  await paas.remove();
  await base.remove();
  await removeWorkspaces();
});

const text = async (app: string, path = "/"): Promise<string> => (await paas.get(app, path)).body;
const builtImages = () => docker.listImages({ filters: { label: [`paas.instance=${paas.instance()}`, "paas.kind=slug"] } });

describe("an app with a Dockerfile alone", () => {
  let repository: Workspace;

  it("is built by the engine and served, with its build arguments, its port, its user and without capabilities", async () => {
    repository = await workspace();
    await repository.commit(dockerfileApp(base.name, "one"));
    await paas.api("POST", "/apps", { name: "boxed" });
    await paas.api("PATCH", "/apps/boxed/config-vars", { GREETING: "hello", UNNAMED: "not for the build" });
    const { code, output } = await repository.push(paas.remote("boxed"));
    expect(code, output).toBe(0);
    expect(remoteText(output)).toContain("-----> Building with Dockerfile\n       Build arguments: GREETING, SOURCE_DATE_EPOCH\n");
    expect(remoteText(output)).toContain("-----> Discovering process types\n       Default types of the image -> web\n");
    expect(await text("boxed")).toBe("one");
    expect(await text("boxed", "/greeting")).toBe("hello");
    expect(await text("boxed", "/epoch")).toBe((await repository.must("show", "--no-patch", "--format=%ct")).trim());
    expect(await text("boxed", "/who")).toBe("0 /srv 8000");
    expect(await text("boxed", "/caps")).toBe("0000000000000000");
    expect(await text("boxed", "/secrets")).toBe("kept.secret");
    const { body } = await paas.api<{ stack: object; build_stack: object; buildpack_provided_description: string }>("GET", "/apps/boxed");
    expect(body).toMatchObject({ stack: { name: "container" }, build_stack: { name: "debian-12" }, buildpack_provided_description: "Dockerfile" });
  });

  it("keeps unchanged steps, those of earlier stages too, and is replaced under load with no failed request", async () => {
    const at = await text("boxed", "/at");
    const load = startLoad(paas.routerPort, "boxed", 50, "/");
    await load.more(20);
    await repository.commit({ text: "two" });
    const { code, output } = await repository.push(paas.remote("boxed"));
    expect(code, output).toBe(0);
    await load.more(20);
    await load.stop();
    expect(load.failures()).toEqual([]);
    expect(await text("boxed")).toBe("two");
    expect(await text("boxed", "/at")).toBe(at);
    expect(output).toContain("Using cache");
  });

  it("shares no step with another app, whatever they have in common", async () => {
    const other = await workspace();
    await other.commit(dockerfileApp(base.name, "other"));
    await paas.api("POST", "/apps", { name: "stranger" });
    await paas.api("PATCH", "/apps/stranger/config-vars", { GREETING: "hello" });
    expect((await other.push(paas.remote("stranger"))).code).toBe(0);
    expect(await text("stranger", "/at")).not.toBe(await text("boxed", "/at"));
  });

  it("goes back to the image before, and forgets those beyond the ones that are kept", async () => {
    await paas.api("POST", "/apps/boxed/releases", { release: "v3" });
    expect(await text("boxed")).toBe("one");
    await paas.api("DELETE", "/apps/stranger");
    await repository.commit({ text: "three", ".gitmodules": '[submodule "theme"]\n\tpath = themes/one\n\turl = https://example.com/one.git\n' });
    const { code, output } = await repository.push(paas.remote("boxed"));
    expect([code, output]).toEqual([0, expect.stringContaining("Warning: submodules are not fetched, so these folders are empty: themes/one.")]);
    await repository.commit({ text: "four" });
    expect((await repository.push(paas.remote("boxed"))).code).toBe(0);
    await expect.poll(async () => (await builtImages()).length, { timeout: 30_000 }).toBe(2);
  });

  it("is refused while Git LFS has the content of files that its build would see, and taken where .dockerignore leaves them out", async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 12345\n`;
    await repository.commit({ ".gitattributes": "*.png filter=lfs diff=lfs merge=lfs -text\n", "img/logo.png": pointer });
    const { code, output } = await repository.push(paas.remote("boxed"));
    expect(code).toBe(1);
    expect(remoteText(output)).toContain(" !     Git LFS keeps the content of these files elsewhere, and it was not pushed: img/logo.png.\n !     Put the files themselves");
    // Pushed by the next test.
    await repository.commit({ ".dockerignore": "*.secret\n!kept.secret\nimg\n" });
  });

  it("runs commands in dynos of its image, by a shell where the line needs one", async () => {
    await repository.commit({ Procfile: "release: echo \"released $HEROKU_RELEASE_VERSION in $(pwd)\"\nworker: sleep 1000\n" });
    const { code, output } = await repository.push(paas.remote("boxed"));
    expect(code, output).toBe(0);
    expect(remoteText(output)).toMatch(/Running release command\.\.\.\nreleased v\d+ in \/srv\n/);
    expect((await paas.api("PATCH", "/apps/boxed/formation/worker", { quantity: 1 })).status).toBe(200);
    const worker = (await paas.containers("dyno")).find(({ Labels }) => Labels["paas.type"] === "worker");
    expect(worker?.Command).toBe("sleep 1000");
  });

  it("is tested in an image of its own, whose steps the release takes; of it nothing is left", async () => {
    const before = (await builtImages()).length;
    const test = { env: { GREETING: "hello" }, scripts: { "test-setup": "echo ready > /tmp/ready", test: 'cat /tmp/ready && echo "tested in $(pwd) with CI=$CI"' } };
    await repository.commit({ "app.json": JSON.stringify({ environments: { test } }), text: "five" });
    const { code, output } = await repository.push(paas.remote("boxed"));
    expect(code, output).toBe(0);
    const [tests = "", release = ""] = remoteText(output).split("       Tests passed (test run 1)\n");
    expect(tests).toContain("-----> Running tests\nready\ntested in /srv with CI=true\n");
    expect(release.match(/Using cache/g)?.length).toBeGreaterThanOrEqual(6);
    await expect.poll(async () => (await builtImages()).length, { timeout: 30_000 }).toBe(before);
    await repository.commit({ "app.json": "{}" });
  });

  it("is told why its build failed, and nothing is left of it", async () => {
    const mark = `step of ${paas.instance()}`;
    await repository.commit({ Dockerfile: `FROM ${base.name} AS first\nRUN echo ${mark}\nFROM ${base.name}\nCOPY --from=first /etc/hostname /\nRUN echo ${mark}\nRUN echo no such luck && exit 3\n` });
    const { code, output } = await repository.push(paas.remote("boxed"));
    expect(code).toBe(1);
    expect(remoteText(output)).toContain(" !     The build failed: The command '/bin/sh -c echo no such luck && exit 3' returned a non-zero code: 3\n");
    const images = await Promise.all((await docker.listImages({ all: true })).map(({ Id }) => docker.getImage(Id).inspect().catch(() => undefined)));
    expect(images.filter((image) => JSON.stringify(image?.ContainerConfig ?? "").includes(mark))).toEqual([]);
    expect((await docker.listContainers({ all: true })).filter(({ Command }) => Command.includes("no such luck"))).toEqual([]);
  });
});

describe("an app with heroku.yml", () => {
  it("is built from the folder of the Dockerfile that it names; an image without a shell serves, works and runs commands", async () => {
    const repository = await workspace();
    await repository.commit(scratchApp(base.name));
    const { code, output } = await repository.push(paas.remote("scratch"));
    expect(code, output).toBe(0);
    expect(await text("scratch")).toBe("static, as 12345");
    expect((await paas.api("PATCH", "/apps/scratch/formation/worker", { quantity: 1 })).status).toBe(200);
    const run = await paas.api<{ name: string }>("POST", "/apps/scratch/dynos", { command: "greet" });
    const log = async (): Promise<string> => {
      const { body } = await paas.api<{ logplex_url: string }>("POST", "/apps/scratch/log-sessions", { lines: 100 });
      return (await fetch(body.logplex_url.replace(/^https?:\/\/[^/]+/, `http://127.0.0.1:${paas.apiPort}`))).text();
    };
    await expect.poll(log, { timeout: 30_000 }).toContain("app[worker.1]: told to wait\n");
    await expect.poll(log, { timeout: 30_000 }).toContain(`app[${run.body.name}]: told to greet\n`);
  });
});

describe("an app whose stack is container", () => {
  it("is built from its Dockerfile although a language would be found, and says so where there is none", async () => {
    const repository = await workspace();
    await paas.api("POST", "/apps", { name: "chosen" });
    expect(await paas.api("PATCH", "/apps/chosen", { build_stack: "container" })).toMatchObject({ status: 200, body: { build_stack: { name: "container" } } });
    await repository.commit({ "package.json": "{}" });
    const missing = await repository.push(paas.remote("chosen"));
    expect(remoteText(missing.output)).toContain(" !     Dockerfile: is not in this repository, and the app is built from it.");
    await repository.commit(dockerfileApp(base.name, "chosen"));
    const { code, output } = await repository.push(paas.remote("chosen"));
    expect(code, output).toBe(0);
    expect(output).not.toContain("Node.js");
    expect(await text("chosen")).toBe("chosen");
  });
});
