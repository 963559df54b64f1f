import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { causeOf } from "../../buildpacks/lib/causes.ts";
import { CAUSES } from "../../buildpacks/nodejs/lib/causes.ts";
import { choosePackageManager } from "../../buildpacks/nodejs/lib/package-manager.ts";
import { readPackageJson } from "../../buildpacks/lib/package-json.ts";

const folder = mkdtempSync(join(tmpdir(), "package-json-"));
afterAll(() => rmSync(folder, { recursive: true }));

function problem(content: string): string[] {
  writeFileSync(join(folder, "package.json"), content);
  try {
    readPackageJson(folder);
    return [];
  } catch (error) {
    return (error as { lines: string[] }).lines;
  }
}

describe("package.json", () => {
  it.each([
    ['{\n  "name": "a",', ["Unable to parse package.json.", "Expected double-quoted property name at line 2, column 15:", '      "name": "a",', `${" ".repeat(18)}^`, "Fix its syntax, commit and push again."]],
    ["[]", ["package.json must hold a JSON object."]],
    ["null", ["package.json must hold a JSON object."]],
    ['{"scripts": {"start": ["node"]}}', ['"scripts.start" in package.json must be a string.']],
    ['{"scripts": "start"}', ['"scripts" in package.json must be an object.']],
    ['{"engines": {"node": 24}}', ['"engines.node" in package.json must be a string.']],
    ['{"cacheDirectories": "a"}', ['"cacheDirectories" in package.json must be a list of paths.']],
    ['\uFEFF{"engines": ["node >= 1"]}', []],
  ])("%s", (content, lines) => {
    expect(problem(content)).toEqual(lines);
  });
});

describe("the package manager", () => {
  const choose = (files: Record<string, string>): { chosen?: object; lines?: string[] } => {
    const buildDir = mkdtempSync(join(folder, "app-"));
    for (const [name, content] of Object.entries(files)) {
      if (content.startsWith("->")) symlinkSync(content.slice(2), join(buildDir, name));
      else writeFileSync(join(buildDir, name), content);
    }
    try {
      return { chosen: choosePackageManager({ buildDir, cacheDir: "", stack: "", env: {}, tools: [], pkg: readPackageJson(buildDir) }) };
    } catch (error) {
      return { lines: (error as { lines: string[] }).lines };
    }
  };

  it.each<[string, Record<string, string>, object]>([
    ["npm without a lock file", { "package.json": "{}" }, { manager: "npm", lockFile: undefined }],
    ["npm by its lock file", { "package.json": "{}", "package-lock.json": "{}" }, { manager: "npm", lockFile: "package-lock.json" }],
    ["npm by its older lock file", { "package.json": "{}", "npm-shrinkwrap.json": "{}" }, { manager: "npm", lockFile: "npm-shrinkwrap.json" }],
    ["Yarn 1", { "package.json": "{}", "yarn.lock": "# yarn lockfile v1\n\na@1:\n" }, { manager: "yarn", lockFile: "yarn.lock" }],
    ["a later Yarn", { "package.json": "{}", "yarn.lock": "__metadata:\n  version: 8\n" }, { manager: "berry", lockFile: "yarn.lock" }],
    ["pnpm by name", { "package.json": '{"packageManager": "pnpm@10.0.0+sha512.00"}' }, { manager: "pnpm", lockFile: undefined }],
  ])("is %s", (_name, files, chosen) => {
    expect(choose(files).chosen).toEqual(chosen);
  });

  it.each<[string, Record<string, string>, string[]]>([
    ["two lock files", { "package.json": "{}", "package-lock.json": "{}", "yarn.lock": "" }, ["Two lock files: package-lock.json and yarn.lock.", "Only one package manager can install the dependencies. Keep its lock file alone:", "", "    if you use npm:  git rm yarn.lock", "    if you use Yarn:  git rm package-lock.json", "", "then commit and push again."]],
    ["a name and the lock file of another", { "package.json": '{"packageManager": "pnpm@10.0.0"}', "yarn.lock": "" }, ['package.json says "packageManager": "pnpm@10.0.0", but the lock file is yarn.lock (Yarn).', "Remove one of the two, commit and push again."]],
    ["a name that is none", { "package.json": '{"packageManager": "bower@1"}' }, ['"packageManager" in package.json is "bower@1".', 'It must read like "npm@11.0.0", "yarn@4.5.0" or "pnpm@10.0.0".']],
    ...["package.json", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", ".npmrc", ".yarnrc", ".yarnrc.yml"].map(
      (name): [string, Record<string, string>, string[]] => [`a link for ${name}`, { "package.json": "{}", [name]: "->/etc/passwd" }, [`${name} is not a regular file.`, `Commit ${name} itself, not a link or a folder of that name.`]],
    ),
  ])("cannot be told from %s", (_name, files, lines) => {
    expect(choose(files).lines).toEqual(lines);
  });
});

describe("the words of the tools", () => {
  it.each([
    ["npm error code EUSAGE\nnpm error\nnpm error `npm ci` can only install packages when your package.json and package-lock.json are in sync.", "package-lock.json does not match package.json."],
    ["npm error The `npm ci` command can only install with an existing package-lock.json or npm-shrinkwrap.json", "package-lock.json is not what npm writes: damaged, or the leftover of a merge."],
    ["npm error code ETARGET\nnpm error notarget No matching version found for left-pad@^99.0.0.", "No published version matches left-pad@^99.0.0."],
    ["npm error 404  The requested resource '@a/b@1.0.0' could not be found or you do not have permission to access it.", "The npm registry has no package @a/b@1.0.0."],
    ["npm error code ERESOLVE\nnpm error ERESOLVE could not resolve", "Two dependencies ask for versions of a third that exclude each other (peer dependencies)."],
    ["npm error code EBADENGINE\nnpm error engine Unsupported engine", "A dependency does not run on this version of Node."],
    ["npm error code E401", "The npm registry refused access to a package."],
    ["npm error network request to somewhere failed, reason: getaddrinfo ENOTFOUND somewhere", "The npm registry is out of reach."],
    ["npm error gyp ERR! build error", "A native module failed to compile (node-gyp)."],
    ["error Your lockfile needs to be updated, but yarn was run with `--frozen-lockfile`.", "yarn.lock does not match package.json."],
    ["➤ YN0028: │ The lockfile would have been modified by this install, which is explicitly forbidden.", "yarn.lock does not match package.json."],
    ['error Couldn\'t find any versions for "left-pad" that matches "99"', "No published version matches left-pad."],
    [" ERR_PNPM_OUTDATED_LOCKFILE  Cannot install with \"frozen-lockfile\"", "pnpm-lock.yaml does not match package.json."],
    ["FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", "The build ran out of memory."],
    ["sh: 1: vite: not found", "A script calls vite, which is not installed."],
    ["sh: line 1: vite: command not found", "A script calls vite, which is not installed."],
    ["Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'lodash' imported from /app/index.js", "Cannot find module lodash."],
    ["something else", undefined],
  ])("%s", (said, cause) => {
    expect(causeOf(CAUSES, said)[0]).toBe(cause);
  });
});
