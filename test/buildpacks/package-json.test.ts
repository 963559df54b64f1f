import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { causeOf } from "../../buildpacks/nodejs/lib/causes.ts";
import { readPackageJson } from "../../buildpacks/nodejs/lib/package-json.ts";

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
    expect(causeOf(said)[0]).toBe(cause);
  });
});
