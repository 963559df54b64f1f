/** What Bundler 2.3 and Rake 13 printed for broken apps, cut to what tells, and what their pushers read. */

import type { Failure } from "./go-failures.ts";

const AGAIN = "commit and push again.";
const UNREACHED = ["The gem server is out of reach.", "Check that this machine can reach it; or bring the gems along: `bundle cache --all-platforms`, commit vendor/cache and push again."];
const REFUSED = ["The gem server refused access.", "Set its credentials as a config var: BUNDLE_<HOST WITH __ FOR DOTS>=user:password."];
const UNMATCHED = ["Gemfile.lock does not match the Gemfile.", `Run \`bundle install\`, look at what changed in Gemfile.lock, ${AGAIN}`];
const NODEJS = "Node.js, npm and Yarn come with the Node.js buildpack: `heroku buildpacks:add --index 1 heroku/nodejs`, and push again.";

export const RUBY_FAILURES: Failure[] = [
  { name: "another Ruby", said: "Your Ruby version is 3.1.2, but your Gemfile specified 3.9.9", reads: ["The Gemfile asks for Ruby 3.9.9; this stack has Ruby 3.1.2.", `Write \`ruby "~> 3.1.0"\` into the Gemfile, run \`bundle lock\`, ${AGAIN}`] },
  { name: "a Ruby that a file names", said: "Your Ruby version is 3.1.2, but your Gemfile specified \n", reads: ["The Gemfile takes its Ruby version from a file, which this stack's Bundler cannot read.", `Write \`ruby "~> 3.1.0"\` into the Gemfile, run \`bundle lock\`, ${AGAIN}`] },
  {
    name: "a gem for another Ruby",
    said: "future-1.0.0 requires ruby version >= 3.4, which is incompatible with the\ncurrent version, ruby 3.1.2p20",
    reads: ["future-1.0.0 asks for Ruby >= 3.4; this stack has Ruby 3.1.2.", `Choose a version of it that runs on this one, run \`bundle lock\`, ${AGAIN}`],
  },
  { name: "an unsettled merge", said: "Your Gemfile.lock contains merge conflicts.\nRun `git checkout HEAD -- Gemfile.lock` first to get a clean lock.", reads: ["Gemfile.lock is the leftover of a merge.", `Resolve the conflict, run \`bundle lock\`, ${AGAIN}`] },
  {
    name: "a Gemfile that was changed alone",
    said: "You are trying to install in deployment mode after changing\nyour Gemfile. Run `bundle install` elsewhere and add the\nupdated Gemfile.lock to version control.\n\nThe dependencies in your gemfile changed\n\nYou have added to the Gemfile:\n* other",
    reads: UNMATCHED,
  },
  {
    name: "a gem by path whose gemspec was changed",
    said: "You are trying to install in deployment mode after changing\nyour Gemfile. Run `bundle install` elsewhere and add the\nupdated Gemfile.lock to version control.\n\nThe gemspecs for path gems changed",
    reads: UNMATCHED,
  },
  {
    name: "a lock file for other machines",
    said: 'Your bundle only supports platforms ["arm64-darwin-22"] but your local platform\nis x86_64-linux. Add the current platform to the lockfile with\n`bundle lock --add-platform x86_64-linux` and try again.',
    reads: ["Gemfile.lock was written for other machines than this one (x86_64-linux).", `Run \`bundle lock --add-platform x86_64-linux\`, ${AGAIN}`],
  },
  {
    name: "a Gemfile that cannot be read",
    said: "[!] There was an error parsing `Gemfile`: Undefined local variable or method `gme' for Gemfile. Bundler cannot continue.\n\n #  from /app/Gemfile:2",
    reads: ["The Gemfile cannot be read; the place stands above.", `Fix its syntax, ${AGAIN}`],
  },
  { name: "a path that is not there", said: "The path `/app/engines/mine` does not exist.", reads: ["The Gemfile names a gem by the path engines/mine, which is not here.", `Is it committed? \`git add\` it, ${AGAIN}`] },
  {
    name: "a damaged gem",
    said: "Gem::Package::FormatError: package metadata is missing in /app/vendor/cache/greeting-1.0.0.gem\n  /usr/lib/ruby/vendor_ruby/rubygems/package.rb:671:in `verify_files'",
    reads: ["vendor/cache/greeting-1.0.0.gem is not a whole gem.", `Remove it, run \`bundle cache\`, ${AGAIN}`],
  },
  {
    name: "a repository that cannot be cloned",
    said: "Fetching https://git.example/a/greeting.git\nfatal: unable to access 'https://git.example/a/greeting.git/': Could not resolve host: git.example\n\nGit error: command `git clone --bare --no-hardlinks --quiet --\nhttps://git.example/a/greeting.git\n/app/vendor/bundle/ruby/3.1.0/cache/bundler/git/greeting-7163aefa`\nin directory /app has failed.",
    reads: ["The repository https://git.example/a/greeting.git of a gem cannot be cloned.", "If it is private, set its credentials as a config var: BUNDLE_<HOST WITH __ FOR DOTS>=user:token."],
  },
  { name: "a server that does not know the user", said: "Authentication is required for gems.example.\nPlease supply credentials for this source. You can do this by running:\n`bundle config set --global gems.example username:password`", reads: REFUSED },
  { name: "a wrong password", said: "Fetching source index from https://gems.example/\n\nBad username or password for https://a@gems.example/.\nPlease double-check your credentials and correct them.", reads: REFUSED },
  { name: "a host that has no address", said: "Could not reach host gems.example. Check your network connection and try again.", reads: UNREACHED },
  {
    name: "a server that refuses connections",
    said: "Could not fetch specs from http://127.0.0.1:1/ due to underlying error\n<Errno::ECONNREFUSED: Failed to open TCP connection to 127.0.0.1:1 (Connection\nrefused - connect(2) for 127.0.0.1:1) (http://127.0.0.1:1/specs.4.8.gz)>",
    reads: UNREACHED,
  },
  { name: "a server in trouble", said: "Could not fetch specs from https://gems.example/ due to underlying error <bad\nresponse Busy 503 (https://gems.example/specs.4.8.gz)>", reads: UNREACHED },
  {
    name: "a gem that vendor/cache lacks",
    said: "Could not find greeting-1.0.0 in any of the sources",
    reads: ["The gem greeting-1.0.0 cannot be found.", `Check its name and version in the Gemfile; gems of vendor/cache must all be committed (\`bundle cache\`). Then ${AGAIN}`],
  },
  {
    name: "a header that is missing",
    said: "Gem::Ext::BuildError: ERROR: Failed to build gem native extension.\n\ncompiling x.c\nx.c:1:10: fatal error: mysql/mysql.h: No such file or directory\ncompilation terminated.\nmake: *** [Makefile:246: x.o] Error 1\n\nAn error occurred while installing header (1.0.0), and Bundler cannot continue.",
    reads: ["A gem's native extension could not be compiled: mysql/mysql.h is missing.", "Choose a gem that brings the library along, or does without it."],
  },
  {
    name: "a native extension that does not compile",
    said: "Gem::Ext::BuildError: ERROR: Failed to build gem native extension.\n\ncompiling x.c\nx.c:1:22: error: ‘nothing’ undeclared (first use in this function)\nmake failed, exit code 2\n\nAn error occurred while installing broken (1.0.0), and Bundler cannot continue.\n\nIn Gemfile:\n  broken",
    reads: ["broken could not be installed: the reason stands above.", "A newer version of the gem often supports this Ruby."],
  },
  {
    name: "a full disk",
    said: "Bundler::NoSpaceOnDeviceError: There was an error while trying to write to\n`/app/vendor/bundle/ruby/3.1.0/cache`. There was insufficient space remaining on the\ndevice.\n\nAn error occurred while installing greeting (1.0.0), and Bundler cannot\ncontinue.",
    reads: ["The disk is full.", "Make room on the server, then push again."],
  },
  { name: "a task that another one needs", said: "rake aborted!\nDon't know how to build task 'css:build' (See the list of available tasks with `rake --tasks`)\n\nTasks: TOP => assets:precompile", reads: ["There is no rake task css:build.", `Add it, or correct its name, ${AGAIN}`] },
  { name: "a program that is not here", said: "yarn build\nrake aborted!\nCommand failed with status (127): [yarn build...]\n/app/Rakefile:1:in `block in <top (required)>'", reads: ["A rake task runs yarn, which is not here.", NODEJS] },
  { name: "a library that is missing", said: "rake aborted!\nLoadError: cannot load such file -- nope\n/app/Rakefile:1:in `require'", reads: ["Ruby cannot load nope.", `Is it a gem: add it to the Gemfile, outside the groups development and test. Is it the app's own: is it committed? Then ${AGAIN}`] },
  { name: "a config var that is missing", said: 'rake aborted!\nKeyError: key not found: "DATABASE_URL"\n/app/Rakefile:1:in `fetch\'', reads: ["The app wants the config var DATABASE_URL, which is not set.", "Set it, and push again."] },
  { name: "a Rakefile that cannot be read", said: "rake aborted!\nSyntaxError: /app/Rakefile:1: syntax error, unexpected end-of-input\ntask(:a) {\n          ^", reads: ["Ruby cannot read Rakefile, line 1: syntax error, unexpected end-of-input.", `Fix it, ${AGAIN}`] },
];
