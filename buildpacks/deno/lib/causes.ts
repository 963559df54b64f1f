/** What Deno says when it fails, and what it means. */

import type { Cause } from "../../lib/causes.ts";

const COMMIT = "commit it and push again.";
const CASE = "Is it committed, and its name spelt in the same case? Names are case-sensitive here.";

export const CAUSES: Cause[] = [
  { said: /lockfile is out of date/i, means: () => ["deno.lock does not match what the app imports.", `Run \`deno install --frozen=false\`, look at what changed in deno.lock, ${COMMIT}`] },
  { said: /Unsupported lockfile version '([^']+)'/, means: (found) => [`deno.lock is of version ${found[1]}, which this Deno cannot read.`, "Name the Deno that wrote it in .deno-version, commit and push again."] },
  { said: /Failed (?:reading lockfile|parsing\. Lockfile)/, means: () => ["deno.lock is not what Deno writes: damaged, or the leftover of a merge.", `Run \`git checkout --theirs deno.lock && deno install\`, ${COMMIT}`] },
  { said: /Integrity check failed|integrity.*mismatch|Tarball checksum did not match/i, means: () => ["A downloaded module is not the one that deno.lock recorded.", "If the registry's copy is the right one, make deno.lock anew, commit it and push again."] },
  { said: /npm package '([^']+)' does not exist/, means: (found) => [`The npm registry has no package ${found[1]}.`, "Check its spelling in deno.json."] },
  { said: /JSR package not found: (\S+)/i, means: (found) => [`JSR has no package ${found[1]}.`, "Check its spelling in deno.json."] },
  { said: /Could not find (?:version of|npm package) '?([^'\s]+)'? (?:that matches|matching) '?([^'\s]+?)'?\.?(?:\s|$)/, means: (found) => [`No published version of ${found[1]} matches ${found[2]}.`, "Correct its version in deno.json, update deno.lock, commit and push again."] },
  { said: /Bad response: 40[13]/, means: () => ["A registry refused access to a package.", "Set its token as a config var and let .npmrc refer to it: //<registry>/:_authToken=${NPM_TOKEN}"] },
  { said: /invalid peer certificate|certificate verify failed/, means: () => ["A registry shows a certificate that is not trusted here.", "Have the operator add its authority to the machine's certificates."] },
  { said: /Requires import access to "([^"]+)"/, means: (found) => [`The app imports code from ${found[1]}, from which Deno takes none without being told.`, 'Publish it on JSR or npm and import it from there, or vendor it: "vendor": true in deno.json, `deno install`, and commit vendor/.'] },
  { said: /JSR package manifest for '([^']+)' failed to load/, means: (found) => [`JSR is out of reach, from which ${found[1]} comes.`, "Check that this machine can reach it, then push again."] },
  { said: /error sending request|dns error|Import '(https?:[^']+)' failed/i, means: (found) => [`A registry is out of reach${found[1] ? `: ${found[1]}` : ""}.`, "Check that this machine can reach it, then push again."] },
  { said: /Failed deserializing config file '[^']*?([\w.-]+)'[^]*?Caused by:\s+([^\n]+)/, means: (found) => [`${found[1]} cannot be read: ${found[2]}.`, "Correct it, commit and push again."] },
  { said: /Unsupported "(\w+)" value\.[^]*?Caused by:\s+([^\n]+)/, means: (found) => [`"${found[1]}" in deno.json is not what it may be: ${found[2]}.`, "Correct it, commit and push again."] },
  { said: /Invalid address "([^"]*)" for the specifier key "([^"]+)"/, means: (found) => [`"${found[2]}" under "imports" in deno.json is ${found[1]}, which is no address.`, "Write a text such as npm:express@5 or ./lib/mod.ts."] },
  { said: /Relative import path "([^"]+)" not prefixed|Import "([^"]+)" not a dependency/, means: (found) => [`The app imports "${found[1] ?? found[2]}", which deno.json does not name.`, `Add it: \`deno add npm:${found[1] ?? found[2]}\`, commit deno.json and deno.lock and push again.`] },
  { said: /Could not find a matching package for '([^']+)' in the node_modules directory/, means: (found) => [`${found[1]} is not among the dependencies that are installed.`, "Name it in deno.json (`deno add`), commit deno.json and deno.lock and push again."] },
  { said: /Module not found "([^"]+)"\. Maybe add a '([^']+)' extension/, means: (found) => [`The app imports ${inApp(found[1])} without its ending.`, `Write ${inApp(found[1])}${found[2]}: Deno guesses no endings.`] },
  { said: /Module not found "([^"]+)"/, means: (found) => [`The app imports ${inApp(found[1])}, which is not in this repository.`, CASE] },
  { said: /module '([^']+)' does not provide an export named '([^']+)'|Module '"([^"]+)"' has no exported member '([^']+)'/, means: (found) => [`${inApp(found[1] ?? found[3])} exports nothing named ${found[2] ?? found[4]}.`, "Correct the import, or that file. Is the package's version the one that you have?"] },
  { said: /identified a Json module[^]*?Specifier: (\S+)/, means: (found) => [`${inApp(found[1])} is imported without saying that it is JSON.`, 'Write: import data from "…" with { type: "json" };'] },
  { said: /SyntaxError: ([^\n]+)[^]*?at (file:\S+?):(\d+):\d+/, means: (found) => [`${inApp(found[2])} cannot be read: line ${found[3]}, ${found[1]}.`, "Correct it, commit and push again."] },
  { said: /^(TS\d+) \[ERROR\]: ([^\n]+)[^]*?at (file:\S+?):(\d+):\d+/m, means: (found) => [`The types do not fit: ${inApp(found[3])}, line ${found[4]}: ${found[2]}`, "`deno check` shows the same on your machine."] },
  { said: /Requires (\w+) access to [^]*?run again with the (--allow-\w+) flag/, means: (found) => [`A program may not do what it tries: it has no ${found[1]} access.`, `Add ${found[2]} to its task in deno.json.`] },
  { said: /Run again with `(--unstable-[\w-]+)` flag/, means: (found) => ["A program uses a part of Deno that is not stable yet.", `Add ${found[1]} to its task, or "${found[1]?.replace("--unstable-", "")}" under "unstable" in deno.json.`] },
  { said: /Task not found: (\S+)/, means: (found) => [`deno.json has no task "${found[1]}".`, 'Add it under "tasks", or correct the name, then push again.'] },
  { said: /^([\w.-]+): command not found/m, means: (found) => [`A task runs ${found[1]}, which is not here.`, `Is it a package's program? Write \`deno run -A npm:${found[1]}\` in its place.`] },
  { said: /^\w+: ([^:\n]+): No such file or directory/m, means: (found) => [`A task reads ${found[1]}, which is not in this repository.`, CASE] },
  { said: /No space left on device/i, means: () => ["The disk is full.", "Make room on the server, then push again."] },
];

/** As the pusher knows it. */
function inApp(path = ""): string {
  return path.replace(/^file:\/\/\/app\//, "").replace(/^\.\//, "");
}
