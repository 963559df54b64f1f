/** What Bun says when it fails, and what it means. */

import type { Cause } from "../../lib/causes.ts";

const COMMIT = "commit it and push again.";
const CASE = "Is it committed, and its name spelt in the same case? Names are case-sensitive here.";

// What is wrong with the lock file itself comes first: Bun goes on without it, and then says that it is frozen.
export const CAUSES: Cause[] = [
  { said: /Unsupported lockfile version|Outdated lockfile version|Unknown lockfile version/i, means: () => ["This version of Bun cannot read the lock file.", 'Name the version that wrote it: "packageManager": "bun@<version>" in package.json.'] },
  { said: /failed to parse lockfile|InvalidLockfile/i, means: () => ["bun.lock is not what Bun writes: damaged, or the leftover of a merge.", `Run \`git checkout --theirs bun.lock && bun install\`, ${COMMIT}`] },
  { said: /lockfile had changes, but lockfile is frozen/, means: () => ["bun.lock does not match package.json.", `Run \`bun install\`, look at what changed in bun.lock, ${COMMIT}`] },
  { said: /No version matching "([^"]+)" found for specifier "([^"]+)"|Package "([^"]+)" with tag "([^"]+)" not found/, means: (found) => [`No published version of ${found[2] ?? found[3]} matches ${found[1] ?? found[4]}.`, "Correct its version in package.json, run `bun install`, commit and push again."] },
  { said: /GET \S+ - 40[13]/, means: () => ["The npm registry refused access to a package.", "Set its token as a config var and let .npmrc refer to it: //<registry>/:_authToken=${NPM_TOKEN}"] },
  { said: /DNSResolveFailed downloading tarball (\S+)@github:/, means: (found) => [`${found[1]} comes from GitHub, which cannot be reached.`, "Check that this machine can reach it, then push again; or take the package from the npm registry."] },
  { said: /Integrity ?check ?failed/i, means: () => ["A downloaded package is not the one that the lock file recorded.", "If the registry's copy is the right one, make the lock file anew, commit it and push again."] },
  { said: /(?:SELF_SIGNED_CERT|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|CERT_)\w*/, means: () => ["The npm registry shows a certificate that is not trusted here.", "Have the operator add its authority to the machine's certificates."] },
  { said: /ConnectionRefused|FailedToOpenSocket|ConnectionClosed|ConnectionTimeout|DNSResolveFailed/, means: () => ["The npm registry is out of reach.", "Check that this machine can reach it, then push again. If .npmrc names another registry, is its address right?"] },
  { said: /"git clone" for "([^"]+)" failed|InstallFailed cloning repository for (\S+)/, means: (found) => [`The git repository of ${found[1] ?? found[2]} cannot be read.`, "Check its address in package.json, and that this machine can reach it without a password."] },
  { said: /Workspace not found "([^"]+)"/, means: (found) => [`The workspace names ${found[1]}, which is not in this repository.`, 'Commit that folder, or remove it from "workspaces" in package.json.'] },
  { said: /package\.json not found for "file:([^"]+)" dependency "([^"]+)"/, means: (found) => [`${found[2]} is a dependency by path, and ${found[1]} is not in this repository.`, "Commit that folder inside the repository, or take the package from the npm registry."] },
  { said: /GET \S*\/([^/\s]+) - 404|error: ([\w@/.-]+) failed to resolve/, means: (found) => [`The npm registry has no package ${(found[1] ?? found[2] ?? "").replace(/%2f/i, "/")}.`, "Check its spelling in package.json; if it is private, .npmrc must name its registry and token."] },
  { said: /(\w+) script from "([^"]+)" exited with (\d+)/, means: (found) => [`The script "${found[1]}" of ${found[2]} failed (exit code ${found[3]}): see its words above.`, "It needs something that is not here, such as a config var or a tool; does it run on your machine from a fresh clone?"] },
  { said: /(?:Cannot find (?:module|package) ['"]|Could not resolve: "|Module not found ")(\.[^'"]*|[^'"]+\.\w+)['"]/, means: (found) => [`The file ${found[1]} is not in this repository.`, CASE] },
  { said: /(?:Cannot find (?:module|package) ['"]|Could not resolve: ")([^'"]+)['"]/, means: (found) => [`The package ${found[1]} is not among the dependencies.`, `Add it: \`bun add ${found[1]}\`, commit package.json and bun.lock and push again.`] },
  { said: /Export named '([^']+)' not found in module '([^']+)'/, means: (found) => [`${inApp(found[2])} exports nothing named ${found[1]}.`, "Correct the import, or that file. Is the package's version the one that you have?"] },
  { said: /Script not found "([^"]+)"/, means: (found) => [`package.json has no script "${found[1]}".`, 'Add it under "scripts", or correct the name, then push again.'] },
  { said: /(?:line \d+: |bun: )(?:command not found: )?([\w.-]+)(?:: command not found|\n)/, means: (found) => [`A script runs ${found[1]}, which is not here.`, `Is it a package's program? Add that package: \`bun add --dev ${found[1]}\`, commit package.json and bun.lock and push again.`] },
  { said: /evaluating '(?:process|Bun)\.env\.(\w+)/, means: (found) => [`The code uses ${found[1]}, which is not set.`, `Set it as a config var: heroku config:set ${found[1]}=…`] },
  { said: /terminated by signal SIGKILL/, means: () => ["It was killed: the build ran out of memory.", "Give builds more memory, or build with less at a time."] },
  { said: /No space left on device|ENOSPC/i, means: () => ["The disk is full.", "Make room on the server, then push again."] },
  { said: /^error: (Unexpected [^\n]+|Expected [^\n]+)\n\s+at ([^\s:]+):(\d+)/m, means: (found) => [`${inApp(found[2])} cannot be read: line ${found[3]}, ${found[1]}.`, "Correct it, commit and push again."] },
];

/** As the pusher knows it. */
function inApp(path = ""): string {
  return path.replace(/^\/app\//, "");
}
