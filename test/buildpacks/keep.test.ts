import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { openWorkbench, type BuildOptions, type Built, type Tree, type Workbench } from "./workbench.ts";

// Most build an app two or three times.
vi.setConfig({ testTimeout: 150_000 });
const START_OVER = 69;

let bench: Workbench;
beforeAll(async () => void (bench = await openWorkbench()));
afterAll(() => bench.close());

const INTEGRITY = "sha512-41Cifkg6e8TylSpdtTpeLVMqvSBEVzTttHvERD741+pnZ8ANv0004MRL43QKPDlK9cGvNp6NZWZUBlbGXYxxng==";
const json = (value: unknown): string => JSON.stringify(value, undefined, 2);

/** An app with one dependency, installed by its lock file. */
function app(scripts: Record<string, string>, more: Tree = {}, fields: object = {}): Tree {
  const isNumber = { version: "7.0.0", integrity: INTEGRITY };
  const root = { dependencies: { "is-number": "7.0.0" }, ...fields };
  return {
    "package.json": json({ name: "kept", version: "1.0.0", scripts: { start: "node index.js", ...scripts }, ...root }),
    "package-lock.json": json({ name: "kept", version: "1.0.0", lockfileVersion: 3, packages: { "": { name: "kept", version: "1.0.0", ...root }, "node_modules/is-number": isNumber } }),
    ...more,
  };
}

/** Builds a first version on the clean image, and the second on the first one's slug. */
async function twice(first: Tree, second: Tree, options: BuildOptions & { cache: string }): Promise<Built> {
  const base = await bench.build(first, { ...options, keep: true });
  expect(base.code, base.output).toBe(0);
  return bench.build(second, { ...options, on: base.image });
}

it("dependencies that the layer below holds are neither copied nor written, and all else is as on a clean image", async () => {
  const odd = { ".hidden/.deep": "x", "a b/'q\"\\": "x", "new\nline": "x", "-rf": "x", "*": "x", "dir/link": { link: "/etc" }, "link-to-dir": { link: "dir" }, "only-then.txt": "x", "node_modules.txt": "x" };
  const makes = "mkdir -p made/deep && echo x > made/deep/file && chmod 555 made made/deep";
  const now = app({ build: "true" }, { "index.js": "2", "dir": "a file by now", ".hidden/other": "y" });
  const built = await twice(app({ build: makes }, { "index.js": "1", ...odd }), now, { cache: "exact" });
  const clean = await bench.build(now, { cache: "exact" });

  expect(built.code, built.output).toBe(0);
  expect(built.output).toContain("package-lock.json is unchanged: using the dependencies of the last build");
  expect(built.changed.filter((path) => path.includes("is-number"))).toEqual([]);
  expect(await built.tree()).toEqual(await clean.tree());
  expect(built.out["checksum"]).toMatch(/^SHA256:[0-9a-f]{64}\n$/);
  expect(built.out).toMatchObject({ checksum: clean.out["checksum"], size: clean.out["size"] });
});

it("what .slugignore names goes from the source alone, not from the dependencies that the layer below holds", async () => {
  const ignored = { ".slugignore": "README.md\n/node_modules\nnode_modules/**/*.js\nis-number/\ndocs\n", "README.md": "x", "docs/a": "x" };
  const now = app({ build: "true" }, { ...ignored, "index.js": "2" });
  const built = await twice(app({ build: "true" }, { ...ignored, "index.js": "1" }), now, { cache: "ignored" });
  const clean = await bench.build(now, { cache: "ignored" });
  expect(built.output).toContain("Deleting 2 files matching .slugignore patterns.");
  expect(built.output).toContain("package-lock.json is unchanged: using the dependencies of the last build");
  expect(await built.tree()).toEqual(await clean.tree());
  expect(Object.keys(await built.tree())).toEqual(expect.arrayContaining(["node_modules/is-number/README.md", "node_modules/is-number/index.js"]));
  expect(built.out).toMatchObject({ checksum: clean.out["checksum"], size: clean.out["size"] });
});

it("what a build script leaves among the dependencies is gone before the next build's scripts run", async () => {
  const script = (text: string): string => `ls node_modules/is-number/left node_modules/.left 2>/dev/null; cat node_modules/is-number/README.md | head -c 20; mkdir node_modules/.left && echo ${text} > node_modules/is-number/left && echo ${text} > node_modules/is-number/README.md && rm node_modules/is-number/LICENSE`;
  const now = app({ build: script("two") });
  const built = await twice(app({ build: script("one") }), now, { cache: "left" });
  const clean = await bench.build(now, { cache: "left" });
  expect(built.code, built.output).toBe(0);
  expect(built.output).toMatch(/> ls node_modules[^\n]*\n\s+# is-number/);
  expect(await built.read("/app/node_modules/is-number/left")).toBe("two\n");
  expect(await built.tree()).toEqual(await clean.tree());
  expect(built.out["checksum"]).toBe(clean.out["checksum"]);
});

it("devDependencies are there for the build script, and out of the slug again", async () => {
  const parts = (script: string): Tree => withDevDependency(app({ build: `ls node_modules; ${script}` }, {}, { dependencies: {}, devDependencies: { "is-number": "7.0.0" } }));
  const built = await twice(parts("echo one"), parts("node -p 'require(\"is-number\")(2)'"), { cache: "dev" });
  const clean = await bench.build(parts("node -p 'require(\"is-number\")(2)'"), { cache: "dev" });
  expect(built.code, built.output).toBe(0);
  expect(built.output).toMatch(/\n {7}is-number\n {7}true\n/);
  expect(Object.keys(await built.tree()).filter((path) => path.includes("is-number"))).toEqual([]);
  expect(await built.tree()).toEqual(await clean.tree());
  expect(built.out["checksum"]).toBe(clean.out["checksum"]);
});

function withDevDependency(tree: Tree): Tree {
  const lock = JSON.parse(String(tree["package-lock.json"])) as { packages: Record<string, { dev?: boolean }> };
  (lock.packages["node_modules/is-number"] ?? {}).dev = true;
  return { ...tree, "package-lock.json": json(lock) };
}

it.each([
  ["the dependencies are others", (tree: Tree): Tree => ({ ...tree, "package-lock.json": String(tree["package-lock.json"]).replace('"kept"', '"other"') })],
  ["the source holds some of them itself", (tree: Tree): Tree => ({ ...tree, "node_modules/is-number/index.js": "mine" })],
  ["another buildpack takes the app", (): Tree => ({ "index.html": "<h1>static</h1>" })],
  ["a script may change what decides them", (tree: Tree): Tree => ({ ...tree, "package.json": String(tree["package.json"]).replace('"start"', '"heroku-prebuild": "echo hello", "start"') })],
])("where %s the build says so, with nothing done", async (_case, change) => {
  const tree = app({ build: "echo built" });
  const built = await twice(tree, change(tree), { cache: "other" });
  expect(built).toMatchObject({ code: START_OVER });
  expect(built.output).not.toMatch(/Prebuild|Serving|Installing dependencies|-----> Build\n|Push rejected/);
});
