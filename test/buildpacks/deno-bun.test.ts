import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { CAUSES as BUN_CAUSES } from "../../buildpacks/bun/lib/causes.ts";
import { CAUSES as DENO_CAUSES } from "../../buildpacks/deno/lib/causes.ts";
import { causeOf } from "../../buildpacks/lib/causes.ts";
import { BUN_FAILURES } from "./bun-failures.ts";
import { DENO_FAILURES } from "./deno-failures.ts";
import { openWorkbench, type Tree, type Workbench } from "./workbench.ts";

vi.setConfig({ testTimeout: 150_000, hookTimeout: 150_000 });

let bench: Workbench;
beforeAll(async () => void (bench = await openWorkbench()));
afterAll(() => bench.close());

const IS_NUMBER = "sha512-41Cifkg6e8TylSpdtTpeLVMqvSBEVzTttHvERD741+pnZ8ANv0004MRL43QKPDlK9cGvNp6NZWZUBlbGXYxxng==";

const BUN: Tree = {
  "package.json": JSON.stringify({ name: "small", scripts: { build: "bun -p \"'built with ' + require('is-number')(7)\"", start: "bun server.ts" }, dependencies: { "is-number": "7.0.0" } }),
  "bun.lock": JSON.stringify({ lockfileVersion: 1, workspaces: { "": { name: "small", dependencies: { "is-number": "7.0.0" } } }, packages: { "is-number": ["is-number@7.0.0", "", {}, IS_NUMBER] } }),
  "server.ts": `
import isNumber from "is-number";
const server = Bun.serve({ port: Number(process.env.PORT), hostname: "0.0.0.0", fetch: (): Response => new Response(\`bun, number: \${isNumber(5)}, \${process.env.NODE_ENV}\`) });
process.on("SIGTERM", () => { console.log("told to stop"); server.stop(); process.exit(0); });
`,
};

const DENO: Tree = {
  "deno.jsonc": `{
  // Comments and trailing commas are allowed here.
  "imports": { "is-number": "npm:is-number@7.0.0" },
  "tasks": { "start": "deno run --allow-net --allow-env main.ts", },
}`,
  "deno.lock": JSON.stringify({ version: "5", specifiers: { "npm:is-number@7.0.0": "7.0.0" }, npm: { "is-number@7.0.0": { integrity: IS_NUMBER } }, workspace: { dependencies: ["npm:is-number@7.0.0"] } }),
  "main.ts": `
import isNumber from "is-number";
Deno.addSignalListener("SIGTERM", () => { console.log("told to stop"); Deno.exit(0); });
Deno.serve({ port: Number(Deno.env.get("PORT")), hostname: "0.0.0.0" }, (): Response => new Response(\`deno, number: \${isNumber(5)}\`));
`,
};

/** What the runtimes' own test runners find. */
const TESTS: Record<string, Tree> = {
  Bun: { "number.test.ts": 'import { expect, test } from "bun:test";\nimport isNumber from "is-number";\ntest("a number", () => expect([isNumber(5), process.env.NODE_ENV]).toEqual([true, "test"]));\n' },
  Deno: { "number_test.ts": 'import isNumber from "is-number";\nDeno.test("a number", () => { if (!isNumber(5)) throw new Error(); });\n' },
};

describe.each([
  { name: "Bun", tree: BUN, lock: "bun.lock", web: "bun run start", answer: "bun, number: true, production", program: "bun", manifest: "package.json" },
  { name: "Deno", tree: DENO, lock: "deno.lock", web: "deno task start", answer: "deno, number: true", program: "deno", manifest: "deno.jsonc" },
])("an app for $name", ({ name, tree, lock, web, answer, program, manifest }) => {
  it("gets the runtime and its locked packages from the registry, and serves; SIGTERM reaches the program", async () => {
    const { code, output, out, image } = await bench.build(tree, { cache: name, keep: true });
    expect(code, output).toBe(0);
    expect(output).toContain(`-----> ${name} app detected`);
    expect(output).toMatch(new RegExp(`Resolving ${program} version \\(none is named: the newest\\)\\.\\.\\. \\d`));
    expect(out["release.yml"]).toContain(`web: ${JSON.stringify(web)}`);
    if (name === "Bun") expect(output).toContain("built with true");
    const dyno = await bench.start(image, web);
    expect((await dyno.get("/")).body).toBe(answer);
    await dyno.signal("SIGTERM");
    expect([await dyno.ended(), dyno.output()]).toEqual([0, expect.stringContaining("told to stop")]);
  });

  it("installs nothing a second time, takes the runtime from the cache, is tested by the runtime's own test runner, and is told when the lock file does not match", async () => {
    const { code, output } = await bench.build({ ...tree, "more.txt": "source only" }, { cache: name });
    expect(code, output).toBe(0);
    expect(output).toMatch(new RegExp(`Installing ${program} \\S+ \\(cached\\)`));
    expect(output).toContain(`${lock} is unchanged: using the dependencies of the last build`);
    const forTests = await bench.build({ ...tree, ...TESTS[name] }, { cache: name, env: { PAAS_BUILD_FOR: "test" }, keep: true });
    expect(forTests.code, forTests.output).toBe(0);
    expect(await bench.runTests(forTests.image)).toEqual({ code: 0, output: expect.stringContaining("a number") as string });

    const changed = await bench.build({ ...tree, [manifest]: String(tree[manifest]).replace("7.0.0", "6.0.0") }, { cache: name });
    expect([changed.code, changed.output]).toEqual([1, expect.stringContaining(` !     ${lock} does not match `)]);
  });
});

describe("an app for Deno", () => {
  it("is told of a version that does not exist, and of one that is none", async () => {
    const missing = await bench.build({ ...DENO, ".deno-version": "0.0.999\n" }, { cache: "Deno" });
    expect([missing.code, missing.output]).toEqual([1, expect.stringMatching(/ !     No Deno version satisfies "0\.0\.999" \(\.deno-version\)\.\n !     The newest that exist: /)]);
    const none = await bench.build({ ...DENO, ".deno-version": "newest please\n" }, { cache: "Deno" });
    expect([none.code, none.output]).toEqual([1, expect.stringContaining(' !     .deno-version asks for Deno "newest please", which is no version range.')]);
  });

  it("is built without a lock file too, with a warning, and its entry is found without a task", async () => {
    const { code, output, out } = await bench.build({ "deno.json": "{}", "main.ts": "console.log('x')" }, { cache: "Deno" });
    expect(code, output).toBe(0);
    expect(output).toContain(" !     No deno.lock: every build may install other versions than you have tested.");
    expect(out["release.yml"]).toContain('web: "deno run --allow-net --allow-env --allow-read main.ts"');
  });
});

describe("an app for Bun", () => {
  it("is refused with two lock files", async () => {
    const { code, output } = await bench.build({ ...BUN, "yarn.lock": "" });
    expect([code, output]).toEqual([1, expect.stringContaining(" !     Two lock files: bun.lock and yarn.lock.")]);
  });
});

describe("what Bun says", () => {
  it.each(BUN_FAILURES)("$name", ({ said, reads }) => expect(causeOf(BUN_CAUSES, said)).toEqual(reads));
});

describe("what Deno says", () => {
  it.each(DENO_FAILURES)("$name", ({ said, reads }) => expect(causeOf(DENO_CAUSES, said)).toEqual(reads));
});
