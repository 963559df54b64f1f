/** What Deno says when it fails, and what it means. */

import type { Cause } from "../../lib/causes.ts";

export const CAUSES: Cause[] = [
  { said: /lockfile is out of date/i, means: () => ["deno.lock does not match what the app imports.", "Run `deno install --frozen=false`, look at what changed in deno.lock, commit it and push again."] },
  { said: /Integrity check failed|integrity.*mismatch/i, means: () => ["A downloaded module is not the one that deno.lock recorded.", "If the registry's copy is the right one, make deno.lock anew, commit it and push again."] },
  { said: /npm package '([^']+)' does not exist|Could not find npm package '([^']+)'/, means: (found) => [`The npm registry has no package ${found[1] ?? found[2]}.`, "Check its spelling in deno.json."] },
  { said: /JSR package not found: (\S+)|jsr package not found: (\S+)/i, means: (found) => [`JSR has no package ${found[1] ?? found[2]}.`, "Check its spelling in deno.json."] },
  { said: /Could not find (?:version of|npm package) '?([^'\s]+)'? (?:that matches|matching) '?([^'\s]+)'?/, means: (found) => [`No published version of ${found[1]} matches ${found[2]}.`, "Correct its version in deno.json, update deno.lock, commit and push again."] },
  { said: /error sending request|dns error|Import '(https?:[^']+)' failed/i, means: (found) => [`A registry is out of reach${found[1] ? `: ${found[1]}` : ""}.`, "Check that this machine can reach it, then push again."] },
  { said: /Relative import path "([^"]+)" not prefixed|Import "([^"]+)" not a dependency/, means: (found) => [`The app imports "${found[1] ?? found[2]}", which deno.json does not name.`, `Add it: \`deno add npm:${found[1] ?? found[2]}\`, commit deno.json and deno.lock and push again.`] },
  { said: /Module not found "([^"]+)"/, means: (found) => [`The app imports ${found[1]?.replace("file:///app/", "")}, which is not in this repository.`, "Commit that file, or correct the path, then push again."] },
  { said: /No space left on device/i, means: () => ["The disk is full.", "Make room on the server, then push again."] },
];
