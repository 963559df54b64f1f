import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { folder, openWorkbench, type Tree, type Workbench } from "./workbench.ts";

let bench: Workbench;
beforeAll(async () => void (bench = await openWorkbench()));
afterAll(() => bench.close());

const json = (value: unknown): string => JSON.stringify(value, undefined, 2);

describe("an Express app", () => {
  it("installs once, then reuses what the unchanged lock file stands for, and serves", { timeout: 150_000 }, async () => {
    const app = folder("examples/hello-node");
    const first = await bench.build(app, { cache: "express" });
    expect(first.output).toMatch(/-----> Installing dependencies\n {7}Installing node modules\n[^]*added \d+ packages/);
    const second = await bench.build({ ...app, "index.js": `${app["index.js"]}\n// changed` }, { cache: "express", keep: true });
    expect(second.output).toContain("-----> Restoring cache\n       - node_modules\n-----> Installing dependencies\n       package-lock.json is unchanged: using the dependencies of the last build\n-----> Build succeeded!");
    expect(second.out["release.yml"]).toBe('---\ndefault_process_types:\n  web: "npm start"\n');

    const dyno = await bench.start(second.image, "npm start", { HEROKU_RELEASE_VERSION: "v7" });
    expect((await dyno.get("/")).body).toBe("Hello from v7\n");
    await dyno.signal("SIGTERM");
    expect(await dyno.ended()).toBe(0);
    expect(dyno.output()).toContain("Stopping");

    const changed = await bench.build({ ...app, "package.json": String(app["package.json"]).replace('"express"', '"is-number": "7.0.0",\n    "express"') }, { cache: "express" });
    expect(changed).toMatchObject({ code: 1, output: expect.stringContaining(" !     package-lock.json does not match package.json.\n !     Run `npm install`") });
    expect(changed.output).not.toContain("--ignore-scripts");
  });

  it("installs anew where the cache is turned off", async () => {
    const app = { "package.json": json({ dependencies: { "is-number": "7.0.0" } }) };
    const built = [];
    for (let i = 0; i < 2; i++) built.push(await bench.build(app, { cache: "off", config: { NODE_MODULES_CACHE: "false" } }));
    expect(built[1]?.output).toContain("added 1 package");
    expect(built[1]?.output).toContain(" !     No lock file: every build may install other versions than you have tested.");
  });
});

describe("scripts", () => {
  it("run in Heroku's order, heroku-postbuild in place of build", async () => {
    const scripts = Object.fromEntries(["heroku-prebuild", "preinstall", "postinstall", "build", "preheroku-postbuild", "heroku-postbuild", "heroku-cleanup"].map((name) => [name, `echo did-${name}-in-$NODE_ENV`]));
    const { output } = await bench.build({ "package.json": json({ scripts, dependencies: {} }) });
    expect(output.match(/(?<=^ {7})did-\S+/gm)).toEqual(["heroku-prebuild", "preinstall", "postinstall", "preheroku-postbuild", "heroku-postbuild", "heroku-cleanup"].map((name) => `did-${name}-in-production`));
    expect(output).toContain('Detected both "build" and "heroku-postbuild" scripts');
  });

  it("of the app's own install run again when its dependencies come from the cache", async () => {
    const app: Tree = { "package.json": json({ scripts: { postinstall: "cp source.txt made.txt" }, dependencies: { "is-number": "7.0.0" } }), "package-lock.json": json(LOCK_OF_IS_NUMBER), "source.txt": "one" };
    await bench.build(app, { cache: "postinstall" });
    const second = await bench.build({ ...app, "source.txt": "two" }, { cache: "postinstall" });
    expect(second.output).toContain("is unchanged");
    expect(await second.read("/app/made.txt")).toBe("two");
  });

  it("that fail are named, with the cause where it is known", async () => {
    const failing = (build: string): Promise<{ output: string }> => bench.build({ "package.json": json({ scripts: { build } }) });
    const [missing, module, memory] = await Promise.all([failing("webpack --mode production"), failing("node missing.js"), failing("node --max-old-space-size=20 -e 'const a = []; for (;;) a.push({})'")]);
    expect(missing?.output).toContain(' !     The script "build" in package.json failed (exit code 127).\n !     A script calls webpack, which is not installed.');
    expect(module?.output).toContain(" !     Cannot find module /app/missing.js.\n !     Is the file committed, and its name spelt in the same case?");
    expect(memory?.output).toContain(" !     The build ran out of memory.");
  });

  it("find their devDependencies, which do not stay; what the last build removed is removed without npm", { timeout: 150_000 }, async () => {
    const app = folder("examples/typescript");
    const first = await bench.build(app, { cache: "typescript", keep: true });
    expect(first.output).toMatch(/> typescript-app@1.0.0 build\n {7}> tsc\n[^]*-----> Pruning devDependencies\n[^]*removed \d+ packages/);
    const second = await bench.build({ ...app, "src/server.ts": String(app["src/server.ts"]).replace("TypeScript", "changed TypeScript") }, { cache: "typescript", keep: true });
    expect(second.output).toMatch(/-----> Pruning devDependencies\n {7}Removed what the last build removed/);
    for (const built of [first, second]) expect(built.changed.some((path) => path.startsWith("/app/node_modules/typescript/"))).toBe(false);
    const dyno = await bench.start(second.image, "npm start");
    expect((await dyno.get("/")).body).toBe("Hello from changed TypeScript, v0\n");
  });

  it("keep their devDependencies where NODE_ENV or NPM_CONFIG_PRODUCTION say so", async () => {
    const app = { "package.json": json({ devDependencies: { "is-number": "7.0.0" } }) };
    const [development, never] = await Promise.all([bench.build(app, { config: { NODE_ENV: "development" } }), bench.build(app, { config: { NPM_CONFIG_PRODUCTION: "true" } })]);
    expect(development.output).toContain("Skipping because NODE_ENV is not 'production'");
    expect(development.changed).toContain("/app/node_modules");
    expect(never.output).toContain("Skipping because");
    expect(never.changed).not.toContain("/app/node_modules/is-number");
  });

  it("find again what cacheDirectories name", async () => {
    const app = { "package.json": json({ cacheDirectories: [".mine"], scripts: { build: "mkdir -p .mine; echo x >> .mine/count; wc -l < .mine/count" } }) };
    await bench.build(app, { cache: "directories" });
    const second = await bench.build(app, { cache: "directories" });
    expect(second.output).toMatch(/Restoring cacheDirectories \(package.json\)\n {7}- .mine\n[^]*\n {7}2\n/);
    const outside = await bench.build({ "package.json": json({ cacheDirectories: ["../etc"] }) });
    expect(outside.output).toContain('"cacheDirectories" in package.json names "../etc".');
  });
});

describe("the version of Node", () => {
  it("is the one asked for, from the registry, kept between builds", { timeout: 180_000 }, async () => {
    const app = { "package.json": json({ engines: { node: "22.x" }, scripts: { start: "node -p process.version" } }) };
    const first = await bench.build(app, { cache: "node22" });
    expect(first.output).toMatch(/Resolving node version 22.x... 22\.\d+\.\d+\n {7}Downloading and installing node 22\./);
    const second = await bench.build(app, { cache: "node22", keep: true });
    expect(second.output).toMatch(/Installing node 22\.\d+\.\d+ \(cached\)/);
    const dyno = await bench.start(second.image, "npm start; node -v; npm -v");
    await dyno.ended();
    expect(dyno.output()).toMatch(/\nv22\.\d+\.\d+\nv22\.\d+\.\d+\n\d+\./);
  });

  it.each([
    ["99.x", /No Node version satisfies "engines.node": "99.x" in package.json.\n !     The newest that exist: \d+\.\d+\.\d+, /],
    ["latest greatest", /"engines.node" in package.json is "latest greatest", which is no version range/],
  ])("is refused with the reason: %s", async (node, reason) => {
    const built = await bench.build({ "package.json": json({ engines: { node } }) });
    expect(built.code).toBe(1);
    expect(built.output).toMatch(reason);
  });

  it("is the stack's own where that satisfies and the registry is out of reach; otherwise the reason is told", async () => {
    const config = { npm_config_registry: "http://127.0.0.1:9/" };
    const [satisfied, not] = await Promise.all([bench.build({ "package.json": json({ engines: { node: ">=20" } }) }, { config }), bench.build({ "package.json": json({ engines: { node: "20.x" } }) }, { config })]);
    expect(satisfied.output).toMatch(/Resolving node version >=20... 24\.\d+\.\d+ \(the npm registry is out of reach; this one is here and satisfies it\)/);
    expect(not.output).toContain(' !     Node 20.x ("engines.node" in package.json) cannot be fetched: the npm registry is out of reach.');
  });
});

describe("native modules", () => {
  it("compile with the headers of the Node that they run on", { timeout: 150_000 }, async () => {
    const addon = '#include <node_api.h>\nstatic napi_value Init(napi_env env, napi_value exports) { napi_value s; napi_create_string_utf8(env, "compiled", 8, &s); return s; }\nNAPI_MODULE(NODE_GYP_MODULE_NAME, Init)\n';
    const built = await bench.build({
      "package.json": json({ name: "native", version: "1.0.0", scripts: { build: "node -p \"require('./build/Release/addon.node')\"" }, dependencies: { "is-number": "7.0.0" } }),
      "binding.gyp": '{"targets": [{"target_name": "addon", "sources": ["addon.c"]}]}',
      "addon.c": addon,
    });
    expect(built.output).toContain("\n       compiled\n");
  });
});

describe("a package.json", () => {
  it.each<[string, Tree, string]>([
    ["that is not JSON", { "package.json": '{\n  "name": "a"\n  "version": "1"\n}' }, "Unable to parse package.json.\n !     Expected ',' or '}' after property value at line 3, column 3:\n !           \"version\": \"1\"\n !           ^\n"],
    ["with a dependency that does not exist", { "package.json": '{"dependencies": {"@paas-test-nobody/nothing-here": "1.0.0"}}' }, "The npm registry has no package @paas-test-nobody/nothing-here@1.0.0."],
    ["with a damaged lock file", { "package.json": '{"dependencies": {"is-number": "7.0.0"}}', "package-lock.json": "<<<<<<< HEAD\n{}" }, "package-lock.json is not what npm writes"],
  ])("%s is refused with the cause and the fix", async (_name, tree, reason) => {
    const built = await bench.build(tree);
    expect(built.code).toBe(1);
    expect(built.output).toContain(` !     ${reason}`);
    expect(built.output).toContain(" !     Push rejected, failed to compile Node.js app.");
  });

  it("without a way to start is built with a warning, and server.js is such a way", async () => {
    const [none, server] = await Promise.all([bench.build({ "package.json": "{}" }), bench.build({ "package.json": "{}", "server.js": "" })]);
    expect(none.output).toContain(" !     This app may not specify any way to start a node process");
    expect(none.out["release.yml"]).toBe("--- {}\n");
    expect(server.out["release.yml"]).toContain('web: "npm start"');
  });
});

const LOCK_OF_IS_NUMBER = {
  lockfileVersion: 3,
  requires: true,
  packages: {
    "": { dependencies: { "is-number": "7.0.0" }, hasInstallScript: true },
    "node_modules/is-number": { version: "7.0.0", integrity: "sha512-41Cifkg6e8TylSpdtTpeLVMqvSBEVzTttHvERD741+pnZ8ANv0004MRL43QKPDlK9cGvNp6NZWZUBlbGXYxxng==", engines: { node: ">=0.12.0" } },
  },
};
