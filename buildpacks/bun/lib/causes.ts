/** What Bun says when it fails, and what it means. */

import type { Cause } from "../../lib/causes.ts";

export const CAUSES: Cause[] = [
  { said: /lockfile had changes, but lockfile is frozen/, means: () => ["bun.lock does not match package.json.", "Run `bun install`, look at what changed in bun.lock, commit it and push again."] },
  { said: /failed to parse lockfile|InvalidLockfile|Outdated lockfile version|Unknown lockfile version/i, means: () => ["This version of Bun cannot read the lock file.", 'Name the version that wrote it: "packageManager": "bun@<version>" in package.json.'] },
  { said: /No version matching "([^"]+)" found for specifier "([^"]+)"/, means: (found) => [`No published version of ${found[2]} matches ${found[1]}.`, "Correct its version in package.json, run `bun install`, commit and push again."] },
  { said: /GET \S*\/([^/\s]+) - 404|error: ([\w@/.-]+) failed to resolve/, means: (found) => [`The npm registry has no package ${(found[1] ?? found[2] ?? "").replace("%2f", "/")}.`, "Check its spelling in package.json; if it is private, .npmrc must name its registry and token."] },
  { said: /GET \S+ - 40[13]/, means: () => ["The npm registry refused access to a package.", "Set its token as a config var and let .npmrc refer to it: //<registry>/:_authToken=${NPM_TOKEN}"] },
  { said: /Integrity check failed/i, means: () => ["A downloaded package is not the one that the lock file recorded.", "If the registry's copy is the right one, make the lock file anew, commit it and push again."] },
  { said: /ConnectionRefused|FailedToOpenSocket|ConnectionClosed|DNS/, means: () => ["The npm registry is out of reach.", "Check that this machine can reach it, then push again."] },
  { said: /Cannot find (?:module|package) ['"]([^'"]+)['"]|Could not resolve: "([^"]+)"/, means: (found) => [`The module "${found[1] ?? found[2]}" is missing.`, "If it is a package, add it: `bun add`; if it is a file, commit it; then push again."] },
  { said: /Script not found "([^"]+)"/, means: (found) => [`package.json has no script "${found[1]}".`, "Add it under \"scripts\", or correct the name, then push again."] },
  { said: /No space left on device|ENOSPC/i, means: () => ["The disk is full.", "Make room on the server, then push again."] },
];
