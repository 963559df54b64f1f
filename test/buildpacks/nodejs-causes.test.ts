import { expect, test } from "vitest";
import { causeOf } from "../../buildpacks/lib/causes.ts";
import { CAUSES } from "../../buildpacks/nodejs/lib/causes.ts";

/** What tools print, shortened, and what the pusher is told of it: the cause, then the fix. */
test.each<[failure: string, output: string, told: string[]]>([
  ["package-lock.json out of sync",
    "npm error code EUSAGE\nnpm error\nnpm error `npm ci` can only install packages when your package.json and package-lock.json or npm-shrinkwrap.json are in sync.\nnpm error Missing: ms@2.1.3 from lock file",
    ["package-lock.json does not match package.json.", "Run `npm install`, look at what changed in package-lock.json, commit it and push again."]],
  ["yarn.lock out of sync, Yarn 1", "error Your lockfile needs to be updated, but yarn was run with `--frozen-lockfile`.",
    ["yarn.lock does not match package.json.", "Run `yarn install`, look at what changed in yarn.lock, commit it and push again."]],
  ["pnpm-lock.yaml out of sync", ' ERR_PNPM_OUTDATED_LOCKFILE  Cannot install with "frozen-lockfile" because pnpm-lock.yaml is not up to date with <ROOT>/package.json',
    ["pnpm-lock.yaml does not match package.json.", "Run `pnpm install`, look at what changed in pnpm-lock.yaml, commit it and push again."]],
  ["a version that does not exist", "npm error code ETARGET\nnpm error notarget No matching version found for express@99.0.0.",
    ["No published version matches express@99.0.0.", "Correct its version in package.json, update the lock file, commit and push again."]],
  ["a package that does not exist, or is private", "npm error code E404\nnpm error 404 Not Found - GET https://registry.example/@acme%2fprivate - Not found\nnpm error 404\nnpm error 404  '@acme/private@1.0.0' is not in this registry.",
    ["The npm registry has no package @acme/private@1.0.0.", "Check its spelling in package.json; if it is private, .npmrc must name its registry and token."]],
  ["a private package without a token", "npm error code E401\nnpm error Unable to authenticate, your authentication token seems to be invalid.",
    ["The npm registry refused access to a package.", "Set its token as a config var and let .npmrc refer to it: //<registry>/:_authToken=${NPM_TOKEN}"]],
  ["an .npmrc whose variable is not set", "npm error Failed to replace env in config: ${NPM_TOKEN}\nnpm error A complete log of this run can be found in: /tmp/_logs",
    [".npmrc refers to ${NPM_TOKEN}, which is not set.", "Set it as a config var (heroku config:set NPM_TOKEN=…), then push again."]],
  ["peer dependencies that exclude each other", "npm error code ERESOLVE\nnpm error ERESOLVE could not resolve\nnpm error\nnpm error While resolving: react-dom@18.3.1",
    ["Two dependencies ask for versions of a third that exclude each other (peer dependencies).", "Update the one that asks for the older; or put legacy-peer-deps=true into .npmrc."]],
  ["a registry that cannot be reached", "npm error code ENOTFOUND\nnpm error network request to https://registry.wrong.example/express failed, reason: getaddrinfo ENOTFOUND registry.wrong.example",
    ["The npm registry is out of reach.", "Check that this machine can reach it, then push again. If .npmrc or a lock file names another registry, is its address right?"]],
  ["a certificate that is not trusted", "npm error code SELF_SIGNED_CERT_IN_CHAIN\nnpm error request to https://registry.corp.example/express failed, reason: self-signed certificate in certificate chain",
    ["The npm registry shows a certificate that is not trusted here.", "Have the operator add its authority to the machine's certificates; never turn strict-ssl off."]],
  ["a dependency for another Node", "npm error code EBADENGINE\nnpm error engine Unsupported engine\nnpm error notsup Required: {\"node\":\">=26\"}",
    ["A dependency does not run on this version of Node.", 'Set "engines": {"node": "…"} in package.json to one that it runs on.']],
  ["a package that needs another platform", "npm error code EBADPLATFORM\nnpm error notsup Unsupported platform for fsevents@2.3.3: wanted {\"os\":\"darwin\"} (current: {\"os\":\"linux\",\"cpu\":\"x64\"})",
    ["fsevents@2.3.3 does not run on this platform (Linux).", "Make it an optional dependency, or replace it; then update the lock file, commit and push again."]],
  ["a module that fails to compile", "npm error gyp ERR! build error\nnpm error gyp ERR! stack Error: `make` failed with exit code: 2",
    ["A native module failed to compile (node-gyp).", "See the compiler's words above; a newer version of the module often supports this Node."]],
  ["a command that is not installed", "sh: 1: tsc: not found",
    ["A script calls tsc, which is not installed.", "Add the package that provides tsc to dependencies or devDependencies.", "Are devDependencies left out? NPM_CONFIG_PRODUCTION=true and YARN_PRODUCTION=true do that."]],
  ["a missing module", "Error: Cannot find module 'left-pad'\nRequire stack:\n- /app/build.js",
    ["Cannot find module left-pad.", "Add it to dependencies in package.json, update the lock file, commit and push again."]],
  ["a file that is not committed", "Error: Cannot find module './Config'\nRequire stack:\n- /app/build.js",
    ["Cannot find module ./Config.", "Is the file committed, and its name spelt in the same case? Names are case-sensitive here."]],
  ["a bundler that finds no file", "Could not resolve \"./Header\" from \"src/App.jsx\"",
    ["Cannot find module ./Header.", "Is the file committed, and its name spelt in the same case? Names are case-sensitive here."]],
  ["Next.js without a module", "./app/page.js:1:1\nModule not found: Can't resolve 'lodash'",
    ["Cannot find module lodash.", "Add it to dependencies in package.json, update the lock file, commit and push again."]],
  ["a heap that is full", "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
    ["The build ran out of memory.", "Let it do less at a time, or give builds more memory."]],
  ["a full disk", "npm error code ENOSPC\nnpm error nospc ENOSPC: no space left on device, write",
    ["The disk is full.", "Make room on the server, then push again."]],
  ["a script that is not there", 'npm error Missing script: "build:css"',
    ['package.json has no script "build:css".', "Add it, or correct its name where it is called."]],
  ["a dependency from git over SSH", "npm error code 128\nnpm error An unknown git error occurred\nnpm error command git --no-replace-objects ls-remote ssh://git@github.com/acme/private.git\nnpm error error: cannot run ssh: No such file or directory",
    ["A dependency is fetched by git over SSH, which needs a key that is not here.", "Name it by https with a token (git+https://…), or publish it to a registry."]],
  ["an install script that fails", "npm error code 1\nnpm error path /app/node_modules/@acme/native\nnpm error command failed\nnpm error command sh -c node postinstall.js",
    ["The install script of @acme/native failed.", "See its words above: it may need a tool or an address that builds do not have."]],
  ["TypeScript errors", "src/index.ts(3,7): error TS2322: Type 'string' is not assignable to type 'number'.",
    ["TypeScript found errors; the first: src/index.ts(3,7): error TS2322: Type 'string' is not assignable to type 'number'.", "Run the same check on your machine, correct them, commit and push again."]],
])("%s is told with its cause and its fix", (_failure, output, told) => {
  expect(causeOf(CAUSES, output)).toEqual(told);
});

test("of what nobody knows nothing is made up", () => {
  expect(causeOf(CAUSES, "something else went wrong")).toEqual([]);
});
