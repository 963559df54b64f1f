/** What Cargo and rustc say when they fail, and what it means. */

import type { Cause } from "../../lib/causes.ts";

const COMMIT = "commit it and push again.";
const WHERE_ARGUMENTS = "Correct the config var RUST_CARGO_BUILD_FLAGS, or `cargo test` in app.json.";
const KINDS: Record<string, string> = { bin: "program", test: "test", example: "example", bench: "benchmark" };

export const CAUSES: Cause[] = [
  { said: /lock file .*needs to be updated but --locked|cannot (?:create|update) the lock file/, means: () => ["Cargo.lock does not match Cargo.toml.", `Run \`cargo build\`, look at what changed in Cargo.lock, ${COMMIT}`] },
  { said: /lock file version `(\d+)` was found/, means: (found) => [`Cargo.lock is of version ${found[1]}, which this Cargo does not know.`, "A newer Cargo wrote it: make it anew with the stack's version of Rust (`cargo +<version> generate-lockfile`)."] },
  { said: /failed to parse lock file/, means: () => ["Cargo.lock is not what Cargo writes: damaged, or the leftover of a merge.", `Run \`git checkout --theirs Cargo.lock && cargo build\`, ${COMMIT}`] },
  {
    said: /checksum for `([^`]+)` changed between lock files|failed to verify the checksum of `([^`]+)`|the listed checksum of `([^`]+)` has changed/,
    means: (found) => [`The crate ${found[1] ?? found[2] ?? found[3]} is not the one that Cargo.lock recorded.`, "If the registry's copy is the right one: `cargo update -p <crate>`, commit Cargo.lock and push again. Vendored crates must not be edited."],
  },
  {
    said: /no matching package named `([^`]+)` found\s+location searched: directory source/,
    means: (found) => [`The vendor folder lacks ${found[1]}.`, "Run `cargo vendor`, add vendor/ (is it in .gitignore?), commit and push again."],
  },
  { said: /no matching package named `([^`]+)` found/, means: (found) => [`The registry has no crate ${found[1]}.`, "Check its spelling in Cargo.toml; if it is private, .cargo/config.toml must name its registry."] },
  {
    said: /failed to select a version for the requirement `([^`]+)`[^\n]*\s+candidate versions found which didn't match: ([^\n]+)/,
    means: (found) => [`No published version matches ${found[1]}: there are ${found[2]}`, "Correct it in Cargo.toml, run `cargo update`, commit and push again."],
  },
  { said: /depends on `([^`]+)` with feature `([^`]+)` but `[^`]+` does not have that feature/, means: (found) => [`The crate ${found[1]} has no feature ${found[2]}.`, "Correct its features in Cargo.toml; `cargo add <crate>` lists those that it has."] },
  { said: /failed to select a version for `([^`]+)`/, means: (found) => [`Two dependencies ask for versions of ${found[1]} that exclude each other: see above.`, "Update the one that asks for the older."] },
  {
    said: /rustc (\S+) is not supported by the following package[^\n]*\s+(\S+) requires rustc (\S+)|package `([^`]+)` cannot be built because it requires rustc (\S+)/,
    means: (found) => [`${found[2] ?? found[4]} needs Rust ${found[3] ?? found[5]}; this stack has ${found[1] ?? "an older one"}.`, "Use an earlier version of it: `cargo update <crate> --precise <version>`; is it yours, lower rust-version in Cargo.toml."],
  },
  { said: /older than the `(\d+)` edition/, means: (found) => [`Cargo.toml names edition ${found[1]}, which this stack's Rust does not know.`, 'Write edition = "2024" or an earlier one.'] },
  { said: /no targets specified in the manifest/, means: () => ["There is nothing to build: neither src/main.rs nor src/lib.rs is in this repository.", "Are they committed? A file elsewhere is named by `[[bin]]` in Cargo.toml."] },
  { said: /failed to load manifest for workspace member `([^`]+)`/, means: (found) => [`The workspace names the member ${inApp(found[1])}, which is not in this repository.`, "Commit it, or remove it from `members` in Cargo.toml."] },
  { said: /no (bin|test|example|bench) target named `([^`]+)`|package ID specification `([^`]+)` did not match/, means: (found) => [`There is no ${KINDS[found[1] ?? ""] ?? "package"} ${found[2] ?? found[3]} in this repository.`, WHERE_ARGUMENTS] },
  { said: /error: unexpected argument '([^']+)' found/, means: (found) => [`Cargo knows no argument ${found[1]}.`, WHERE_ARGUMENTS] },
  { said: /failed to read `([^`]+)\/Cargo\.toml`\s+Caused by:\s+No such file/, means: (found) => [`A dependency by path is not in this repository: ${inApp(found[1])}.`, "Commit that folder inside the repository, or take the crate from a registry."] },
  { said: /invalid version 0 on git_proxy_options/, means: () => ["Without Cargo.lock this stack's Cargo cannot read a dependency from a git repository.", "Commit Cargo.lock (is it in .gitignore?) and push again."] },
  {
    said: /(?:failed to (?:clone|fetch)[\s\S]*?|Updating git repository `)(?:https?|ssh):\/\/([^`'\s]+)[\s\S]*(?:exit status: 128|Authentication failed|could not read Username)|failed to clone into[\s\S]*git fetch[^']*'([^']+)'/,
    means: (found) => [`The git repository of a dependency cannot be read: ${found[1] ?? found[2]}.`, "Check its address in Cargo.toml, and that this machine can reach it. Is it private? A vendor folder (`cargo vendor`) needs no password."],
  },
  { said: /Couldn't connect to server|Could not resolve host|download of config\.json failed|spurious network error|Timeout was reached/, means: () => ["The registry of crates is out of reach.", "Check that this machine can reach it, then push again; vendored crates (`cargo vendor`) need none."] },
  { said: /key with no value, expected `=`\s+--> (Cargo\.toml):(\d+)|(?:TOML parse error|invalid|expected|duplicate key)[^\n]*\s+--> (\S*Cargo\.toml):(\d+)/, means: (found) => [`Line ${found[2] ?? found[4]} of Cargo.toml is not TOML: see above.`, "Is it the leftover of a merge? Settle it; `cargo metadata` tells when it can be read."] },
  { said: /#!\[feature\]` may not be used on the stable release channel/, means: () => ["The code uses a feature that only nightly Rust has.", "Remove `#![feature(…)]`; only stable Rust is here."] },
  { said: /Package (\S+) was not found in the pkg-config search path|The system library `([^`]+)` required by crate/, means: (found) => [`A crate needs the C library ${found[2] ?? found[1]}, which this stack does not have.`, 'Many crates can bring it along: see their features for "vendored" or "bundled", or one in Rust alone (rustls).'] },
  { said: /cannot find -l(\S+?)(?::|\s)/, means: (found) => [`The linker finds no library ${found[1]}: this stack does not have it.`, 'See whether the crate that asks for it has a feature "vendored" or "bundled".'] },
  { said: /failed to run custom build command for `([^`\s]+) [^`]*`/, means: (found) => [`The build script of ${found[1]} failed: see its words above.`, "It needs something that this stack lacks, or a config var."] },
  { said: /environment variable `([^`]+)` not defined at compile time/, means: (found) => [`The code reads ${found[1]} while it is compiled (env!), and it is not set.`, `Set it as a config var, or read it at run time: std::env::var("${found[1]}").`] },
  { said: /couldn't read `([^`]+)`: No such file/, means: (found) => [`The code includes ${found[1]}, which is not in this repository.`, "Is it committed, and its name spelt in the same case? Names are case-sensitive here."] },
  { said: /file not found for module `([^`]+)`/, means: (found) => [`The module ${found[1]} has no file.`, "Is it committed, and its name spelt in the same case? Names are case-sensitive here."] },
  { said: /use of unresolved module or unlinked crate `([^`]+)`|can't find crate for `([^`]+)`/, means: (found) => [`The code uses the crate ${found[1] ?? found[2]}, which Cargo.toml does not name.`, `Run \`cargo add ${found[1] ?? found[2]}\`, commit Cargo.toml and Cargo.lock and push again.`] },
  { said: /signal: 9, SIGKILL|SIGKILL: kill|cannot allocate memory/i, means: () => ["The compiler was killed: the build ran out of memory.", "Set CARGO_BUILD_JOBS=1 as a config var, so that less is compiled at a time; or give builds more memory."] },
  { said: /No space left on device/, means: () => ["The disk is full.", "Make room on the server, then push again."] },
  {
    said: /could not compile `([^`]+)` \((?:(?:lib|bin "[^"]*"|example "[^"]*") test|test "([^"]+)")\)[^\n]*due to (\d+) previous errors?/,
    means: (found) => [`The ${found[2] ? `test ${found[2]}` : "tests"} of ${found[1]} ${found[2] ? "does" : "do"} not compile: ${errors(found[3])}, see above.`, "`cargo test --no-run` shows the same on your machine, if it is the same Rust."],
  },
  { said: /could not compile `([^`]+)`[^\n]*due to (\d+) previous errors?/, means: (found) => [`${found[1]} does not compile: ${errors(found[2])}, see above.`, "`cargo build --release` shows the same on your machine, if it is the same Rust."] },
];

const errors = (count = ""): string => (count === "1" ? "one error" : `${count} errors`);

/** As the pusher knows it. */
function inApp(path = ""): string {
  return path.replace(/^\/app\//, "");
}
