/** What npm, Yarn, pnpm and build scripts say when they fail, and what it means. */

import type { Cause } from "../../lib/causes.ts";

const COMMIT = "commit it and push again.";

export const CAUSES: Cause[] = [
  {
    said: /can only install with an existing package-lock\.json|code EJSONPARSE[\s\S]*package-lock\.json/,
    means: () => ["package-lock.json is not what npm writes: damaged, or the leftover of a merge.", `Remove it, run \`npm install\`, ${COMMIT}`],
  },
  {
    said: /code EUSAGE[\s\S]*in sync|`npm ci` can only install packages/,
    means: () => ["package-lock.json does not match package.json.", `Run \`npm install\`, look at what changed in package-lock.json, ${COMMIT}`],
  },
  {
    said: /Your lockfile needs to be updated|YN0028|lockfile would have been modified/,
    means: () => ["yarn.lock does not match package.json.", `Run \`yarn install\`, look at what changed in yarn.lock, ${COMMIT}`],
  },
  {
    said: /ERR_PNPM_OUTDATED_LOCKFILE/,
    means: () => ["pnpm-lock.yaml does not match package.json.", `Run \`pnpm install\`, look at what changed in pnpm-lock.yaml, ${COMMIT}`],
  },
  {
    said: /ERR_PNPM_LOCKFILE_BREAKING_CHANGE|not compatible with current pnpm/i,
    means: () => ["This version of pnpm cannot read pnpm-lock.yaml.", 'Name the version that wrote it: "packageManager": "pnpm@<version>" in package.json.'],
  },
  {
    said: /Failed to replace env in config: \$\{(\w+)\}/,
    means: (found) => [`.npmrc refers to \${${found[1]}}, which is not set.`, `Set it as a config var (heroku config:set ${found[1]}=…), then push again.`],
  },
  {
    said: /ssh:\/\/git@[^]*(?:cannot run ssh|Permission denied|Host key)|git@[^]*Permission denied \(publickey\)/,
    means: () => ["A dependency is fetched by git over SSH, which needs a key that is not here.", "Name it by https with a token (git+https://…), or publish it to a registry."],
  },
  {
    said: /Unsupported platform for ([^\s:]+)/,
    means: (found) => [`${found[1]} does not run on this platform (Linux).`, "Make it an optional dependency, or replace it; then update the lock file, commit and push again."],
  },
  {
    said: /SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT_LOCALLY|DEPTH_ZERO_SELF_SIGNED_CERT/,
    means: () => ["The npm registry shows a certificate that is not trusted here.", "Have the operator add its authority to the machine's certificates; never turn strict-ssl off."],
  },
  {
    said: /No matching version found for ([^\s]+?)\.?(?:\s|$)|Couldn't find any versions for "([^"]+)"|ERR_PNPM_NO_MATCHING_VERSION\W+.*?for ([^\s]+)/,
    means: (found) => [`No published version matches ${found[1] ?? found[2] ?? found[3]}.`, "Correct its version in package.json, update the lock file, commit and push again."],
  },
  {
    said: /'([^']+)' (?:is not in this registry|could not be found)|ERR_PNPM_FETCH_404.*?\/([^/\s:]+): Not Found|Request failed \\?"404/,
    means: (found) => [`The npm registry has no package ${found[1] ?? found[2] ?? "of that name"}.`, "Check its spelling in package.json; if it is private, .npmrc must name its registry and token."],
  },
  {
    said: /ERESOLVE/,
    means: () => ["Two dependencies ask for versions of a third that exclude each other (peer dependencies).", "Update the one that asks for the older; or put legacy-peer-deps=true into .npmrc."],
  },
  {
    said: /EBADENGINE|Unsupported engine|ERR_PNPM_UNSUPPORTED_ENGINE|The engine "node" is incompatible/,
    means: () => ["A dependency does not run on this version of Node.", 'Set "engines": {"node": "…"} in package.json to one that it runs on.'],
  },
  {
    said: /code E(?:401|403)|ENEEDAUTH|ERR_PNPM_FETCH_40[13]|YN0041/,
    means: () => ["The npm registry refused access to a package.", "Set its token as a config var and let .npmrc refer to it: //<registry>/:_authToken=${NPM_TOKEN}"],
  },
  { said: /EINTEGRITY|ERR_PNPM_TARBALL_INTEGRITY|YN0018/, means: () => ["A downloaded package is not the one that the lock file recorded.", "If the registry's copy is the right one, make the lock file anew, commit it and push again."] },
  {
    said: /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ERR_SOCKET_TIMEOUT|YN0001.*RequestError)\b/,
    means: () => ["The npm registry is out of reach.", "Check that this machine can reach it, then push again. If .npmrc or a lock file names another registry, is its address right?"],
  },
  { said: /gyp ERR!/, means: () => ["A native module failed to compile (node-gyp).", "See the compiler's words above; a newer version of the module often supports this Node."] },
  { said: /ENOSPC|no space left on device/i, means: () => ["The disk is full.", "Make room on the server, then push again."] },
  {
    said: /ERR_OSSL_EVP_UNSUPPORTED/,
    means: () => ["A build tool uses a hash that Node 17 and later no longer allow (webpack 4 does).", "Update it; or set the config var NODE_OPTIONS=--openssl-legacy-provider."],
  },
  {
    said: /heap out of memory|Allocation failed - JavaScript/,
    means: () => ["The build ran out of memory.", "Let it do less at a time, or give builds more memory."],
  },
  {
    said: /(?:^|\n)(?:sh|\/bin\/sh|bash):(?: line)? ?\d*:? ?([^\s:]+): (?:command )?not found/,
    means: (found) => [`A script calls ${found[1]}, which is not installed.`, `Add the package that provides ${found[1]} to dependencies or devDependencies.`, "Are devDependencies left out? NPM_CONFIG_PRODUCTION=true and YARN_PRODUCTION=true do that."],
  },
  { said: /Missing script: "([^"]+)"/, means: (found) => [`package.json has no script "${found[1]}".`, "Add it, or correct its name where it is called."] },
  {
    said: /Cannot find (?:module|package) '([^']+)'|Can't resolve '([^']+)'|Could not resolve ["']([^"']+)["']/,
    means: (found) => [
      `Cannot find module ${found[1] ?? found[2] ?? found[3]}.`,
      /^[./]/.test(found[1] ?? found[2] ?? found[3] ?? "") ? "Is the file committed, and its name spelt in the same case? Names are case-sensitive here." : "Add it to dependencies in package.json, update the lock file, commit and push again.",
    ],
  },
  {
    said: /(?:^|\n)\s*(\S+\.tsx?\(\d+,\d+\): error TS\d+: .*)/,
    means: (found) => [`TypeScript found errors; the first: ${found[1]}`, "Run the same check on your machine, correct them, commit and push again."],
  },
  {
    said: /npm error path \S*node_modules\/((?:@[^/\s]+\/)?[^/\s]+)\nnpm error command failed/,
    means: (found) => [`The install script of ${found[1]} failed.`, "See its words above: it may need a tool or an address that builds do not have."],
  },
];
