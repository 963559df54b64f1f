import { mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { causeOf } from "../../buildpacks/lib/causes.ts";
import { CAUSES } from "../../buildpacks/rust/lib/causes.ts";
import { programsIn } from "../../buildpacks/rust/lib/programs.ts";
import { checkRust } from "../../buildpacks/rust/lib/toolchain.ts";
import { touchSources } from "../../buildpacks/rust/lib/touch.ts";
import { RUST_FAILURES } from "./rust-failures.ts";

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

describe("what Cargo says", () => {
  it.each(RUST_FAILURES)("$name", ({ said, reads }) => {
    expect(reads).not.toEqual([]);
    expect(causeOf(CAUSES, said)).toEqual(reads);
  });

  it("tells the programs from libraries, build scripts and words for people", () => {
    const artifact = (kind: string, executable: string | null): string => JSON.stringify({ reason: "compiler-artifact", target: { kind: [kind] }, executable });
    expect(programsIn(["   Compiling hello", artifact("lib", null), artifact("custom-build", "/cache/build-script"), artifact("bin", "/cache/hello"), '{"reason":"build-finished","success":true}'].join("\n"))).toEqual(["/cache/hello"]);
  });
});
