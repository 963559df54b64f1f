/** What Cargo 1.96 printed for broken apps, and what their pushers read. */

import type { Failure } from "./go-failures.ts";

export const RUST_FAILURES: Failure[] = [
  {
    name: "a Cargo.lock that does not match",
    said: "    Updating crates.io index\nerror: cannot update the lock file /app/Cargo.lock because --locked was passed to prevent this\nhelp: to generate the lock file without accessing the network, remove the --locked flag and use --offline instead.",
    reads: ["Cargo.lock does not match Cargo.toml.","Run `cargo build`, look at what changed in Cargo.lock, commit it and push again."],
  },
  {
    name: "a version that does not exist",
    said: "    Updating crates.io index\nerror: failed to select a version for the requirement `itoa = \"^99\"`\ncandidate versions found which didn't match: 1.0.19, 1.0.18, 1.0.17, ...\nlocation searched: crates.io index\nrequired by package `app v0.1.0 (/app)`",
    reads: ["No published version matches itoa = \"^99\": there are 1.0.19, 1.0.18, 1.0.17, ...","Correct it in Cargo.toml, run `cargo update`, commit and push again."],
  },
  {
    name: "a crate that does not exist",
    said: "    Updating crates.io index\nerror: no matching package named `no-such-crate-here-xyz` found\nlocation searched: crates.io index\nrequired by package `app v0.1.0 (/app)`",
    reads: ["The registry has no crate no-such-crate-here-xyz.","Check its spelling in Cargo.toml; if it is private, .cargo/config.toml must name its registry."],
  },
  {
    name: "a feature that a crate does not have",
    said: "    Updating crates.io index\nerror: failed to select a version for `itoa`.\n    ... required by package `app v0.1.0 (/app)`\nversions that meet the requirements `^1` are: 1.0.19, 1.0.18, 1.0.17, 1.0.16, 1.0.15, 1.0.14, 1.0.13, 1.0.12, 1.0.11, 1.0.10, 1.0.9, 1.0.8, 1.0.7, 1.0.6, 1.0.5,\npackage `app` depends on `itoa` with feature `nope` but `itoa` does not have that feature.\nfailed to select a version for `itoa` which could resolve this conflict",
    reads: ["The crate itoa has no feature nope.","Correct its features in Cargo.toml; `cargo add <crate>` lists those that it has."],
  },
  {
    name: "compile errors",
    said: "1 | fn main() { foo(); let x: u32 = \"a\"; }\n  |             ^^^ not found in this scope\nerror[E0308]: mismatched types\n --> src/main.rs:1:33\n  |\n1 | fn main() { foo(); let x: u32 = \"a\"; }\n  |                           ---   ^^^ expected `u32`, found `&str`\n  |                           |\n  |                           expected due to this\nSome errors have detailed explanations: E0308, E0425.\nFor more information about an error, try `rustc --explain E0308`.\nerror: could not compile `app` (bin \"app\") due to 2 previous errors",
    reads: ["app does not compile: 2 errors, see above.","`cargo build --release` shows the same on your machine, if it is the same Rust."],
  },
  {
    name: "a module without a file",
    said: "   Compiling app v0.1.0 (/app)\nerror[E0583]: file not found for module `models`\n --> src/main.rs:2:1\n  |\n2 | mod models;\n  | ^^^^^^^^^^^\n  |\n  = help: to create the module `models`, create file \"src/models.rs\" or \"src/models/mod.rs\"\n  = note: if there is a `mod models` elsewhere in the crate already, import it with `use crate::...` instead\nerror[E0432]: unresolved import `serde`\n --> src/main.rs:1:5\n  |\n1 | use serde::Serialize;\n  |     ^^^^^ use of unresolved module or unlinked crate `serde`",
    reads: ["The module models has no file.","Is it committed, and its name spelt in the same case? Names are case-sensitive here."],
  },
  {
    name: "a newer Rust than the stack's",
    said: "error: rustc 1.96.0 is not supported by the following package:\n  app@0.1.0 requires rustc 1.99",
    reads: ["app@0.1.0 needs Rust 1.99; this stack has 1.96.0.","Use an earlier version of it: `cargo update <crate> --precise <version>`; is it yours, lower rust-version in Cargo.toml."],
  },
  {
    name: "an edition from the future",
    said: "error: failed to parse manifest at `/app/Cargo.toml`\nCaused by:\n  failed to parse the `edition` key\nCaused by:\n  this version of Cargo is older than the `2030` edition, and only supports `2015`, `2018`, `2021`, and `2024` editions.",
    reads: ["Cargo.toml names edition 2030, which this stack's Rust does not know.","Write edition = \"2024\" or an earlier one."],
  },
  {
    name: "an unsettled merge in Cargo.toml",
    said: "error: key with no value, expected `=`\n --> Cargo.toml:5:9\n  |\n5 | <<<<<<< HEAD\n  |         ^",
    reads: ["Line 5 of Cargo.toml is not TOML: see above.","Is it the leftover of a merge? Settle it; `cargo metadata` tells when it can be read."],
  },
  {
    name: "nothing to build",
    said: "error: failed to parse manifest at `/app/Cargo.toml`\nCaused by:\n  no targets specified in the manifest\n  either src/lib.rs, src/main.rs, a [lib] section, or [[bin]] section must be present",
    reads: ["There is nothing to build: neither src/main.rs nor src/lib.rs is in this repository.","Are they committed? A file elsewhere is named by `[[bin]]` in Cargo.toml."],
  },
  {
    name: "another checksum",
    said: "error: checksum for `itoa v1.0.14` changed between lock files\nthis could be indicative of a few possible errors:\n    * the lock file is corrupt\n    * a replacement source in use (e.g., a mirror) returned a different checksum\n    * the source itself may be corrupt in one way or another\nunable to verify that `itoa v1.0.14` is the same as when the lockfile was generated",
    reads: ["The crate itoa v1.0.14 is not the one that Cargo.lock recorded.","If the registry's copy is the right one: `cargo update -p <crate>`, commit Cargo.lock and push again. Vendored crates must not be edited."],
  },
  {
    name: "a dependency outside the repository",
    said: "Caused by:\n  failed to load source for dependency `other`\nCaused by:\n  unable to update /other\nCaused by:\n  failed to read `/other/Cargo.toml`\nCaused by:\n  No such file or directory (os error 2)",
    reads: ["A dependency by path is not in this repository: /other.","Commit that folder inside the repository, or take the crate from a registry."],
  },
  {
    name: "a registry out of reach",
    said: "Caused by:\n  unable to update registry `crates-io`\nCaused by:\n  download of config.json failed\nCaused by:\n  curl failed\nCaused by:\n  [7] Couldn't connect to server (Failed to connect to 127.0.0.1 port 1 after 0 ms: Couldn't connect to server)",
    reads: ["The registry of crates is out of reach.","Check that this machine can reach it, then push again; vendored crates (`cargo vendor`) need none."],
  },
  {
    name: "a private git dependency",
    said: "Caused by:\n  failed to load source for dependency `other`\nCaused by:\n  unable to update https://github.com/no/private\nCaused by:\n  failed to clone into: /tmp/ch/git/db/private-f1bf9db696137f75\nCaused by:\n  process didn't exit successfully: `git fetch --no-tags --force --update-head-ok 'https://github.com/no/private' '+HEAD:refs/remotes/origin/HEAD'` (exit status",
    reads: ["The git repository of a dependency cannot be read: https://github.com/no/private.","Check its address in Cargo.toml, and that this machine can reach it. Is it private? A vendor folder (`cargo vendor`) needs no password."],
  },
  {
    name: "a vendor folder that lacks a crate",
    said: "error: no matching package named `itoa` found\nlocation searched: directory source `/app/vendor` (which is replacing registry `crates-io`)\nrequired by package `app v0.1.0 (/app)`",
    reads: ["The vendor folder lacks itoa.","Run `cargo vendor`, add vendor/ (is it in .gitignore?), commit and push again."],
  },
  {
    name: "nightly features",
    said: "   Compiling app v0.1.0 (/app)\nerror[E0554]: `#![feature]` may not be used on the stable release channel\n --> src/main.rs:1:1\n  |\n1 | #![feature(test)]\n  | ^^^^^^^^^^^^^^^^^\nFor more information about this error, try `rustc --explain E0554`.\nerror: could not compile `app` (bin \"app\") due to 1 previous error",
    reads: ["The code uses a feature that only nightly Rust has.","Remove `#![feature(…)]`; only stable Rust is here."],
  },
  {
    name: "a C library that is missing",
    said: "  > PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 pkg-config --libs --cflags alsa\n  pkg-config output:\n    Package alsa was not found in the pkg-config search path.\n    Perhaps you should add the directory containing `alsa.pc'\n    to the PKG_CONFIG_PATH environment variable\n    Package 'alsa', required by 'virtual:world', not found\n  The system library `alsa` required by crate `alsa-sys` was not found.\n  The file `alsa.pc` needs to be installed and the PKG_CONFIG_PATH environment variable must contain its parent directory.\n  The PKG_CONFIG_PATH environment variable is not set.\n  HINT: if you have installed the library, try setting PKG_CONFIG_PATH to the directory containing `alsa.pc`.\n  note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\nwarning: build failed, waiting for other jobs to finish...",
    reads: ["A crate needs the C library alsa, which this stack does not have.","Many crates can bring it along: see their features for \"vendored\" or \"bundled\", or one in Rust alone (rustls)."],
  },
  {
    name: "a variable that is not set at compile time",
    said: "   Compiling app v0.1.0 (/app)\nerror: environment variable `NOPE_URL` not defined at compile time\n --> src/main.rs:1:21\n  |\n1 | fn main() { let x = env!(\"NOPE_URL\"); println!(include_str!(\"a.txt\")); }\n  |                     ^^^^^^^^^^^^^^^^\n  |\n  = help: use `std::env::var(\"NOPE_URL\")` to read the variable at run time\nerror: couldn't read `src/a.txt`: No such file or directory (os error 2)\n --> src/main.rs:1:48\n  |\n1 | fn main() { let x = env!(\"NOPE_URL\"); println!(include_str!(\"a.txt\")); }\n  |                                                ^^^^^^^^^^^^^^^^^^^^^\nerror: could not compile `app` (bin \"app\") due to 2 previous errors",
    reads: ["The code reads NOPE_URL while it is compiled (env!), and it is not set.","Set it as a config var, or read it at run time: std::env::var(\"NOPE_URL\")."],
  },
  {
    name: "a Cargo.lock from the future",
    said: "error: failed to parse lock file at: /app/Cargo.lock\nCaused by:\n  lock file version `9` was found, but this version of Cargo does not understand this lock file, perhaps Cargo needs to be updated?",
    reads: ["Cargo.lock is of version 9, which this Cargo does not know.","A newer Cargo wrote it: make it anew with the stack's version of Rust (`cargo +<version> generate-lockfile`)."],
  },
  {
    name: "a program that does not exist",
    said: "error: no bin target named `nope` in default-run packages\nhelp: a target with a similar name exists: `app`\nerror: package ID specification `nope` did not match any packages\nhelp: a package with a similar name exists: `app`",
    reads: ["There is no program nope in this repository.","Correct the config var RUST_CARGO_BUILD_FLAGS, or `cargo test` in app.json."],
  },
  {
    name: "a build script that fails",
    said: "   Compiling app v0.1.0 (/app)\nerror: failed to run custom build command for `app v0.1.0 (/app)`\nCaused by:\n  process didn't exit successfully: `/app/target/release/build/app-67d6035144696257/build-script-build` (exit status: 101)\n  --- stderr\n  thread 'main' (1970) panicked at build.rs:1:13:\n  boom\n  note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace",
    reads: ["The build script of app failed: see its words above.","It needs something that this stack lacks, or a config var."],
  },
  {
    name: "a workspace member that is missing",
    said: "error: failed to load manifest for workspace member `/app/a`\nreferenced by workspace at `/app/Cargo.toml`\nCaused by:\n  failed to read `/app/a/Cargo.toml`\nCaused by:\n  No such file or directory (os error 2)",
    reads: ["The workspace names the member a, which is not in this repository.","Commit it, or remove it from `members` in Cargo.toml."],
  },
  {
    name: "a library that the linker does not find",
    said: "   Compiling app v0.1.0 (/app)\nerror: linking with `cc` failed: exit status: 1\n  |\n  = note:  \"cc\" \"-m64\" \"/app/target/release/deps/rustcOR1FZA/symbols.o\" \"<2 object files omitted>\" \"-Wl,--as-needed\" \"-Wl,-Bdynamic\" \"-lnolib\" \"-Wl,-Bstatic\" \"<\n  = note: some arguments are omitted. use `--verbose` to show all linker arguments\n  = note: /usr/bin/ld: cannot find -lnolib: No such file or directory\n          collect2: error: ld returned 1 exit status\nerror: could not compile `app` (bin \"app\") due to 1 previous error",
    reads: ["The linker finds no library nolib: this stack does not have it.","See whether the crate that asks for it has a feature \"vendored\" or \"bundled\"."],
  },
  {
    name: "a test that does not compile",
    said: "   Compiling f v0.1.0 (/app)\nerror[E0425]: cannot find function `nope` in this scope\n --> tests/bad.rs:1:10\n  |\n1 | fn x() { nope(); }\n  |          ^^^^ not found in this scope\n\nFor more information about this error, try `rustc --explain E0425`.\nerror: could not compile `f` (test \"bad\") due to 1 previous error",
    reads: ["The test bad of f does not compile: one error, see above.", "`cargo test --no-run` shows the same on your machine, if it is the same Rust."],
  },
  {
    name: "unit tests that do not compile",
    said: "error[E0425]: cannot find function `nope` in this scope\n --> src/main.rs:3:18\n  |\n3 | #[test] fn y() { nope(); nope(); }\n  |                  ^^^^ not found in this scope\n\nFor more information about this error, try `rustc --explain E0425`.\nerror: could not compile `f` (bin \"f\" test) due to 2 previous errors",
    reads: ["The tests of f do not compile: 2 errors, see above.", "`cargo test --no-run` shows the same on your machine, if it is the same Rust."],
  },
  {
    name: "a test that app.json names and that is not there",
    said: "error: no test target named `nope` in default-run packages",
    reads: ["There is no test nope in this repository.", "Correct the config var RUST_CARGO_BUILD_FLAGS, or `cargo test` in app.json."],
  },
  {
    name: "an argument in app.json that Cargo does not know",
    said: "error: unexpected argument '--nope' found\n\n  tip: to pass '--nope' as a value, use '-- --nope'\n\nUsage: cargo test --no-run [TESTNAME] [-- [ARGS]...]\n\nFor more information, try '--help'.",
    reads: ["Cargo knows no argument --nope.", "Correct the config var RUST_CARGO_BUILD_FLAGS, or `cargo test` in app.json."],
  },
  {
    name: "a git dependency without a lock file",
    said: "    Updating git repository `file:///app/dep.git`\nFrom file:///app/dep\n * [new ref]                    -> origin/HEAD\nerror: failed to get `dep` as a dependency of package `g v0.1.0 (/app)`\n\nCaused by:\n  failed to load source for dependency `dep`\n\nCaused by:\n  unable to update file:///app/dep.git\n\nCaused by:\n  invalid version 0 on git_proxy_options; class=Invalid (3)",
    reads: ["Without Cargo.lock this stack's Cargo cannot read a dependency from a git repository.", "Commit Cargo.lock (is it in .gitignore?) and push again."],
  },
];
