import { execFileSync } from "node:child_process";
import { existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { causeOf } from "../../buildpacks/lib/causes.ts";
import { CAUSES } from "../../buildpacks/rust/lib/causes.ts";
import { noteTypes, programsIn } from "../../buildpacks/rust/lib/programs.ts";
import { argumentsIn, testArguments } from "../../buildpacks/rust/lib/test-arguments.ts";
import { checkRust } from "../../buildpacks/rust/lib/toolchain.ts";
import { touchSources } from "../../buildpacks/rust/lib/touch.ts";
import { filesIn, removeUnused } from "../../buildpacks/rust/lib/used-artifacts.ts";
import { removeWorkspaces, workspace } from "../support/git-client.ts";
import { RUST_FAILURES } from "./rust-failures.ts";
import { openWorkbench, type Tree, type Workbench } from "./workbench.ts";

const FILE = "rust-toolchain.toml";

describe("the toolchain that an app asks for", () => {
  it.each(["stable", "1.96", "1.96.0", "stable-x86_64-unknown-linux-gnu"])("%s is the stack's 1.96.0", (channel) => {
    checkRust({ channel, file: FILE }, "1.96.0");
  });

  it.each([
    ["nightly-2026-01-01", 'Only stable Rust is here. Write channel = "stable" (or "1.96.0") into rust-toolchain.toml, commit and push again.'],
    ["1.80.1", 'Stable Rust compiles what its earlier versions did. Write channel = "stable" (or "1.96.0") into rust-toolchain.toml, commit and push again.'],
    ["1.97", 'Write channel = "stable" (or "1.96.0") into rust-toolchain.toml, commit and push again.'],
    ["1.9", 'Stable Rust compiles what its earlier versions did. Write channel = "stable" (or "1.96.0") into rust-toolchain.toml, commit and push again.'],
  ])("%s is refused by the name of the one that is here", (channel, fix) => {
    expect(() => checkRust({ channel, file: FILE }, "1.96.0")).toThrow(expect.objectContaining({ lines: [`rust-toolchain.toml asks for Rust ${channel}; this stack has 1.96.0, and no other can be fetched.`, fix] }));
  });
});

describe("the age of source files", () => {
  it("is new for all that Cargo tells by its age, and left alone in vendored crates", () => {
    const app = mkdtempSync(join(tmpdir(), "paas-rust-"));
    const files = ["Cargo.toml", "src/main.rs", "vendor/ours/src/lib.rs", "vendor/itoa/.cargo-checksum.json", "vendor/itoa/src/lib.rs"];
    const old = new Date("2020-01-01");
    for (const file of files) {
      mkdirSync(dirname(join(app, file)), { recursive: true });
      writeFileSync(join(app, file), "");
      utimesSync(join(app, file), old, old);
    }
    touchSources(app);
    expect(files.filter((file) => statSync(join(app, file)).mtimeMs !== old.getTime())).toEqual(["Cargo.toml", "src/main.rs", "vendor/ours/src/lib.rs"]);
    rmSync(app, { recursive: true });
  });
});

describe("the arguments with which tests are compiled", () => {
  it.each([
    ["cargo test", [[]]],
    ["cargo test --workspace --all-features -- --nocapture --test-threads=1", [["--workspace", "--all-features"]]],
    ["cargo t -p web --locked && cargo test -p 'api' 2>&1 | tee /tmp/log", [["-p", "web", "--locked"], ["-p", "api"]]],
    ['cargo test --features "tls http2" --no-run; ./check', [["--features", "tls http2"]]],
    ["cargo test --frozen --message-format short --doc", [[]]],
    ["(cd web && RUST_BACKTRACE=1 cargo test)\ncargo test --test api # slow", [[], ["--test", "api"]]],
    ["cargo testing", []],
    ["make test", []],
  ])("of the script %j are %j", (script, expected) => {
    expect(argumentsIn(script)).toEqual(expected);
  });

  it.each([
    [undefined, []],
    ["--release -p web --features tls", ["-p", "web", "--features", "tls"]],
    ["--profile production --bin web --no-default-features", ["--no-default-features"]],
    ["--profile=production --bins", []],
  ])("without a script are packages and features of RUST_CARGO_BUILD_FLAGS=%s", (flags, expected) => {
    const app = mkdtempSync(join(tmpdir(), "paas-rust-"));
    writeFileSync(join(app, "app.json"), '{"scripts": {"test": "make test"}}');
    expect(testArguments(app, flags)).toEqual([expected]);
    rmSync(app, { recursive: true });
  });

  it("are those of environments.test before those of all environments", () => {
    const app = mkdtempSync(join(tmpdir(), "paas-rust-"));
    writeFileSync(join(app, "app.json"), '{"scripts": {"test": "cargo test --lib"}, "environments": {"test": {"scripts": {"test": "cargo test --bins"}}}}');
    expect(testArguments(app, "-p web")).toEqual([["--bins"]]);
    rmSync(app, { recursive: true });
  });
});

describe("a target folder", () => {
  it("loses what the last build had no use for", () => {
    const target = mkdtempSync(join(tmpdir(), "paas-rust-"));
    const [now, before] = ["0aa5d131b3625803", "152514d8d8aec4f8"];
    const pathsOf = (hash: string): string[] => [`.fingerprint/itoa-${hash}/lib-itoa`, `build/libc-${hash}/out/made.rs`, `deps/libitoa-${hash}.rlib`, `deps/itoa-${hash}.d`];
    const files = [...pathsOf(now), ...pathsOf(before), "deps/web-aeedcbf418f327f8", ".fingerprint/web-aeedcbf418f327f8/bin-web", "deps/old-b39a46ae0ef0920f", ".cargo-lock"].map((path) => join(target, "debug", path));
    for (const file of files) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, "");
    }
    for (const [name, hash] of [["web", "aeedcbf418f327f8"], ["old", "b39a46ae0ef0920f"]]) linkSync(join(target, "debug/deps", `${name}-${hash}`), join(target, "debug", name ?? ""));
    const messages = [{ filenames: [`debug/deps/libitoa-${now}.rlib`, "debug/web"].map((path) => join(target, path)) }, { out_dir: join(target, `debug/build/libc-${now}/out`) }];

    removeUnused(target, filesIn(messages.map((message) => JSON.stringify(message))));

    const left = [...files, join(target, "debug/web"), join(target, "debug/old")].filter((file) => existsSync(file)).map((file) => file.slice(`${target}/debug/`.length));
    expect(left).toEqual([...pathsOf(now), "deps/web-aeedcbf418f327f8", ".fingerprint/web-aeedcbf418f327f8/bin-web", ".cargo-lock", "web"]);
    rmSync(target, { recursive: true });
  });
});

describe("what Cargo has compiled", () => {
  it("counts as changed where it was compiled again, however large and alike: its age is compared", () => {
    const folder = mkdtempSync(join(tmpdir(), "paas-rust-"));
    const files = ["target/debug/deps/web-aeedcbf418f327f8", "target/x86_64-unknown-linux-gnu/release/build/libc-152514d8d8aec4f8/out/made", "target/release/web"];
    const setTime = (time: string): void => {
      for (const file of files) utimesSync(join(folder, "app", file), new Date(time), new Date(time));
    };
    const look = (...args: string[]): string => execFileSync(process.execPath, [join(import.meta.dirname, "../../buildpacks/lib/contents.ts"), ...args], { encoding: "utf8" });
    for (const file of files) {
      mkdirSync(dirname(join(folder, "app", file)), { recursive: true });
      writeFileSync(join(folder, "app", file), "x".repeat(300_000));
    }
    setTime("2026-01-01");
    look("note", join(folder, "app"), join(folder, "note"));
    setTime("2026-01-02");
    look("compare", join(folder, "app"), join(folder, "note"), folder);
    expect(readFileSync(join(folder, "changed"), "utf8").split("\0").sort()).toEqual(["", files[0], files[1]]);
    rmSync(folder, { recursive: true });
  });
});

/** With a build script, a crate from a git repository, a test of its program, and one in its documentation. */
const TESTED: Tree = {
  "Cargo.toml": '[package]\nname = "tested"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\ngreeting = { git = "file:///app/greeting.git" }\n',
  "app.json": '{"environments": {"test": {}}}',
  "build.rs": 'fn main() { println!("cargo:rustc-env=WORD=hello"); }\n',
  "src/lib.rs": '/// ```\n/// assert_eq!(tested::word(), "hello");\n/// ```\npub fn word() -> &\'static str { greeting::same(env!("WORD")) }\n',
  "src/main.rs": 'fn main() { println!("{}", tested::word()); }\n',
  "tests/program.rs": 'use std::{env, process::Command};\n#[test]\nfn says_it() {\n    let expected = env::var("EXPECTED").unwrap_or("hello\\n".into());\n    assert_eq!(String::from_utf8(Command::new(env!("CARGO_BIN_EXE_tested")).output().unwrap().stdout).unwrap(), expected);\n}\n',
};

/** What TESTED lacks: the git repository, and the lock file that names a commit of it. */
async function withGreeting(): Promise<Tree> {
  const repository = await workspace();
  const commit = await repository.commit({ "Cargo.toml": '[package]\nname = "greeting"\nversion = "1.0.0"\n', "src/lib.rs": "pub fn same(word: &str) -> &str { word }\n" });
  const lock = `version = 4\n\n[[package]]\nname = "greeting"\nversion = "1.0.0"\nsource = "git+file:///app/greeting.git#${commit}"\n\n[[package]]\nname = "tested"\nversion = "0.1.0"\ndependencies = [\n "greeting",\n]\n`;
  const entries = readdirSync(join(repository.dir, ".git"), { recursive: true, withFileTypes: true }).map((entry) => ({ entry, path: join(entry.parentPath, entry.name) }));
  const tree = entries.map(({ entry, path }): [string, string | Buffer] => {
    const name = `greeting.git/${relative(join(repository.dir, ".git"), path)}`;
    return entry.isDirectory() ? [`${name}/`, ""] : [name, readFileSync(path)];
  });
  return { ...TESTED, "Cargo.lock": lock, ...Object.fromEntries(tree) };
}

describe("the tests of a Rust app", () => {
  let bench: Workbench;
  beforeAll(async () => {
    bench = await openWorkbench();
  });
  afterAll(async () => {
    await bench.close();
    await removeWorkspaces();
  });

  it("are compiled when it is built for tests, and run in a fresh container as they are", async () => {
    const built = await bench.build(await withGreeting(), { last: ["rust"], env: { PAAS_BUILD_FOR: "test" }, keep: true });
    expect(built.output).toMatch(/-----> Compiling tests with: cargo test --no-run --locked\n[\s\S]*Compiling greeting v1\.0\.0 \(file:\/\/\/app\/greeting\.git#/);
    expect(built.out["testpack"]).toBe("/opt/paas/buildpacks/rust");

    const [passing, failing] = await Promise.all([bench.runTests(built.image), bench.runTests(built.image, { EXPECTED: "good-bye" })]);
    expect(passing.output).toMatch(/test says_it \.\.\. ok[\s\S]*test src\/lib\.rs - word \(line 1\) \.\.\. ok/);
    expect(passing.output).not.toContain("Compiling");
    expect(passing.code).toBe(0);
    expect(failing.output).toContain("test says_it ... FAILED");
    expect(failing.code).toBe(101);
  });
});

describe("the programs of a Rust app", () => {
  it.each([
    [["hello"], ["web"], { web: "hello" }],
    [["admin", "server", "web"], ["web", "server"], { admin: "admin", server: "server", web: "web" }],
    [["admin", "server"], ["web", "server", "admin"], { admin: "admin", web: "server" }],
    [["admin", "server"], ["web"], { admin: "admin", server: "server" }],
  ])("%j, of which the first of %j serves, are process types by their names", (programs, servers, types) => {
    const app = mkdtempSync(join(tmpdir(), "paas-rust-"));
    writeFileSync(join(app, "Procfile"), "");
    noteTypes(app, programs, servers);
    const noted = [...readFileSync(join(app, ".heroku/release.yml"), "utf8").matchAll(/^  (.*): "\.\/target\/release\/(.*)"$/gm)].map(([, type, program]) => [type, program]);
    expect(Object.fromEntries(noted)).toEqual(types);
    rmSync(app, { recursive: true });
  });
});

describe("what Cargo says", () => {
  it.each(RUST_FAILURES)("$name", ({ said, reads }) => {
    expect(reads).not.toEqual([]);
    expect(causeOf(CAUSES, said)).toEqual(reads);
  });

  it("tells the programs from libraries and build scripts", () => {
    const artifact = (kind: string, executable: string | null): string => JSON.stringify({ reason: "compiler-artifact", manifest_path: "/app/Cargo.toml", target: { kind: [kind] }, executable });
    expect(programsIn([artifact("lib", null), artifact("custom-build", "/cache/build-script"), artifact("bin", "/cache/hello"), '{"reason":"build-finished","success":true}'])).toEqual([{ path: "/cache/hello", manifest: "/app/Cargo.toml" }]);
  });
});
