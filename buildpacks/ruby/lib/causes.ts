/** What Bundler, compilers and Rake say when they fail, and what it means. Bundler breaks its lines at 80 columns: between words may be any blank. */

import type { Cause } from "../../lib/causes.ts";
import { minorOf } from "../../lib/version.ts";

const AGAIN = "commit and push again.";

export const CAUSES: Cause[] = [
  // Before what follows from it: whatever was being installed is named as well.
  { said: /No space left on device|NoSpaceOnDeviceError/i, means: () => ["The disk is full.", "Make room on the server, then push again."] },
  {
    said: /Your Ruby version is ([\d.]+), but your Gemfile specified[ \n](.*)/,
    means: ([, here = "", asked]) => [
      asked ? `The Gemfile asks for Ruby ${asked}; this stack has Ruby ${here}.` : "The Gemfile takes its Ruby version from a file, which this stack's Bundler cannot read.",
      `Write \`ruby "~> ${minorOf(here)}.0"\` into the Gemfile, run \`bundle lock\`, ${AGAIN}`,
    ],
  },
  { said: /(\S+) requires ruby version ([^,]+?),\s+which\s+is\s+incompatible\s+with\s+the\s+current\s+version,\s+(?:ruby\s+)?(\d[\d.]*)/, means: ([, gem, asked, here]) => [`${gem} asks for Ruby ${asked}; this stack has Ruby ${here}.`, `Choose a version of it that runs on this one, run \`bundle lock\`, ${AGAIN}`] },
  { said: /contains merge conflicts/, means: () => ["Gemfile.lock is the leftover of a merge.", `Resolve the conflict, run \`bundle lock\`, ${AGAIN}`] },
  { said: /(?:deployment|frozen)\s+mode|gemspecs\s+for\s+path\s+gems\s+changed/, means: () => ["Gemfile.lock does not match the Gemfile.", `Run \`bundle install\`, look at what changed in Gemfile.lock, ${AGAIN}`] },
  { said: /only supports platforms \[[^\]]*\]\s+but\s+your\s+local\s+platform\s+is\s+([\w-]+)/, means: ([, here]) => [`Gemfile.lock was written for other machines than this one (${here}).`, `Run \`bundle lock --add-platform ${here}\`, ${AGAIN}`] },
  { said: /There was an error parsing `Gemfile`/, means: () => ["The Gemfile cannot be read; the place stands above.", `Fix its syntax, ${AGAIN}`] },
  { said: /The path `([^`']+)[`']\s+does\s+not\s+exist/, means: ([, path]) => [`The Gemfile names a gem by the path ${path?.replace(/^\/app\//, "")}, which is not here.`, `Is it committed? \`git add\` it, ${AGAIN}`] },
  { said: /FormatError: [^\n]+ in \S*?(vendor\/cache\/\S+\.gem)/, means: ([, file]) => [`${file} is not a whole gem.`, `Remove it, run \`bundle cache\`, ${AGAIN}`] },
  { said: /Git error: command `git clone[\s\S]*?(\w+:\/\/\S+)/, means: ([, url]) => [`The repository ${url} of a gem cannot be cloned.`, "If it is private, set its credentials as a config var: BUNDLE_<HOST WITH __ FOR DOTS>=user:token."] },
  { said: /Authentication is required for|Bad username or password for/, means: () => ["The gem server refused access.", "Set its credentials as a config var: BUNDLE_<HOST WITH __ FOR DOTS>=user:password."] },
  { said: /Could not reach host|Could not fetch specs|Network error|Gem::RemoteFetcher::FetchError|Failed to open TCP connection/, means: () => ["The gem server is out of reach.", "Check that this machine can reach it; or bring the gems along: `bundle cache --all-platforms`, commit vendor/cache and push again."] },
  { said: /Could not find gem '([^']+)'|Could not find ([\w.-]+-\d[\w.-]*) in/, means: (found) => [`The gem ${found[1] ?? found[2]} cannot be found.`, `Check its name and version in the Gemfile; gems of vendor/cache must all be committed (\`bundle cache\`). Then ${AGAIN}`] },
  { said: /Failed to build gem native extension[\s\S]*?fatal error: ([\w./-]+\.h)/, means: ([, header]) => [`A gem's native extension could not be compiled: ${header} is missing.`, "Choose a gem that brings the library along, or does without it."] },
  { said: /An error occurred while installing (\S+)/, means: ([, gem]) => [`${gem} could not be installed: the reason stands above.`, "A newer version of the gem often supports this Ruby."] },
  { said: /Don't know how to build task '([^']+)'/, means: ([, task]) => [`There is no rake task ${task}.`, `Add it, or correct its name, ${AGAIN}`] },
  {
    said: /Command failed with status \(127\): \[(\S+?)[\s\].]|(Could not find a JavaScript runtime)/,
    means: ([, program, runtime]) => [runtime ? "A rake task needs a JavaScript runtime, which is not here." : `A rake task runs ${program}, which is not here.`, "Node.js, npm and Yarn come with the Node.js buildpack: `heroku buildpacks:add --index 1 heroku/nodejs`, and push again."],
  },
  { said: /cannot load such file -- (\S+)/, means: ([, name]) => [`Ruby cannot load ${name}.`, `Is it a gem: add it to the Gemfile, outside the groups development and test. Is it the app's own: is it committed? Then ${AGAIN}`] },
  { said: /KeyError: key not found: "([A-Z]\w*)"|key not found: "([A-Z]\w*)" \(KeyError\)/, means: (found) => [`The app wants the config var ${found[1] ?? found[2]}, which is not set.`, "Set it, and push again."] },
  { said: /SyntaxError: (?:\/app\/)?(\S+?):(\d+): (.+)/, means: ([, file, line, what]) => [`Ruby cannot read ${file}, line ${line}: ${what}.`, `Fix it, ${AGAIN}`] },
];
