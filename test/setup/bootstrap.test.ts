import { spawn } from "node:child_process";
import { cpSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scratchFolder, write } from "./scratch-folder.ts";

const BOOTSTRAP = join(import.meta.dirname, "../../bin/bootstrap.mjs");
const LOCKED = {
  "": { name: "paas" },
  "node_modules/a": { version: "1.0.0", integrity: "sha512-a" },
  "node_modules/for-another-platform": { version: "1.0.0", integrity: "sha512-p", optional: true },
};
const INSTALLED = { "node_modules/a": LOCKED["node_modules/a"] };

test("says nothing and runs no npm where everything that the lock file wants is installed, bar what is optional", async () => {
  const project = makeProject(INSTALLED);
  expect(await bootstrap(project)).toEqual({ code: 0, output: "" });
  expect(npmCalls(project)).toBeUndefined();
});

test("installs into an empty folder, without the packages' scripts, and says so in plain lines", async () => {
  const project = makeProject(undefined);
  const { code, output } = await bootstrap(project);
  expect(code).toBe(0);
  expect(output).toMatch(/^paas: installing dependencies \(about 40 s the first time\)…\npaas: installing dependencies: done in \d+ s\n$/);
  expect(npmCalls(project)).toBe("ci --ignore-scripts --no-audit --no-fund --loglevel=error\n");
});

test.each([
  ["another version is wanted", { "node_modules/a": { version: "0.9.0", integrity: "sha512-a" } }],
  ["the content is another", { "node_modules/a": { version: "1.0.0", integrity: "sha512-other" } }],
  ["a package is missing", {}],
  ["a package is no longer wanted", { ...INSTALLED, "node_modules/old": { version: "1.0.0", integrity: "sha512-o" } }],
])("installs again where %s", async (_, installed) => {
  const project = makeProject(installed);
  expect((await bootstrap(project)).code).toBe(0);
  expect(npmCalls(project)).toContain("ci ");
});

test("takes an install that was cut off, which leaves no list of what is installed, for none", async () => {
  const project = makeProject(undefined);
  write(join(project, "node_modules/a/package.json"), {});
  await bootstrap(project);
  expect(npmCalls(project)).toContain("ci ");
});

test("fails with what npm said last", async () => {
  const project = makeProject(undefined, "echo 'npm error code ENOSPC' >&2; exit 228");
  const { code, output } = await bootstrap(project);
  expect(code).toBe(1);
  expect(output).toContain("npm error code ENOSPC\npaas: installing dependencies failed");
  expect(output).toContain("exit 228");
});

test("never runs the npm in node_modules, which would remove itself", async () => {
  const project = makeProject({});
  const own = join(project, "node_modules/npm/bin/npm-cli.js");
  write(own, "process.exit(9)");
  const { code } = await bootstrap(project, { npm_execpath: own, npm_node_execpath: process.execPath });
  expect(code).toBe(0);
  expect(npmCalls(project)).toContain("ci ");
});

test("asks for a newer Node in one sentence where none is published for the platform and this one is too old", async () => {
  const project = makeProject(INSTALLED);
  const older = 'data:text/javascript,Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.20.2" } })';
  const { code, output } = await bootstrap(project, { NODE_OPTIONS: `--import="${older.replaceAll('"', "'")}"` });
  expect(code).toBe(1);
  expect(output).toMatch(/^paas: Node 24 or newer is needed on \S+, and this is v[\d.]+: install it, then run this again\.\n$/);
});

function makeProject(installed: object | undefined, npm = "exit 0"): string {
  const project = scratchFolder();
  cpSync(BOOTSTRAP, join(project, "bin/bootstrap.mjs"));
  write(join(project, "package-lock.json"), { packages: LOCKED });
  if (installed) write(join(project, "node_modules/.package-lock.json"), { packages: installed });
  write(join(project, "path/npm"), `#!/bin/sh\necho "$*" >> ${project}/npm-calls\n${npm}\n`, 0o755);
  return project;
}

function npmCalls(project: string): string | undefined {
  const file = join(project, "npm-calls");
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

function bootstrap(project: string, env: Record<string, string> = {}): Promise<{ code: number | null; output: string }> {
  const path = `${project}/node_modules/.bin:${project}/path:/usr/bin:/bin`;
  const child = spawn(process.execPath, [join(project, "bin/bootstrap.mjs")], { env: { PATH: path, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, output })));
}
