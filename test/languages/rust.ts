import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { LanguageApp } from "./app.ts";
import { greeting } from "./example.ts";

/** That file of that folder of apps, with another greeting. */
const changed = (folder: string, file: string): Record<string, string> => ({ [file]: readFileSync(join(import.meta.dirname, "apps", folder, file), "utf8").replace("Hello from", "Hi from") });

/** Cargo finds all of it as it was compiled before. */
const FRESH = /Running tests\s+remote:\s+Finished [\s\S]* test the_program_serves \.\.\. ok/;

export const rust: LanguageApp[] = [
  greeting("rust-axum", "axum", "Rust app detected", "src/main.rs", "/hello/you"),
  {
    name: "rust-tested", source: "axum-tested", detected: "Compiling tests with: cargo test --no-run --locked", tested: FRESH, path: "/hello/you",
    answers: [/^Hello from Rust, you$/, /^Hi from Rust, you$/], change: changed("axum-tested", "src/lib.rs"),
  },
  {
    name: "rust-workspace", source: "cargo-workspace", detected: "./target/release/web", path: "/you",
    answers: [/^\{"text":"Hello from a workspace, you"\}$/, /^\{"text":"Hi from a workspace, you"\}$/], change: changed("cargo-workspace", "greeting/src/lib.rs"),
  },
];
