import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { LanguageApp } from "./app.ts";
import { greeting } from "./example.ts";

const VENDORED = readFileSync(join(import.meta.dirname, "apps/go-vendor/main.go"), "utf8");

/** A test, what it alone needs, and app.json. */
const FOLDER = join(import.meta.dirname, "apps/go-tests");
const TESTS = Object.fromEntries(readdirSync(FOLDER).map((name) => [name, readFileSync(join(FOLDER, name))]));

export const go: LanguageApp[] = [
  { ...greeting("go-tests", "go-chi", "Go app detected", "main.go", "/hello/you"), added: async () => TESTS, tested: /^remote: ok  \texample\.com\/hello/m },
  greeting("go-chi", "go-chi", "Go app detected", "main.go", "/hello/you"),
  { name: "go-vendor", source: "go-vendor", detected: "dependencies in vendor/", answers: [/^vendored go says one$/m, /^vendored go says two$/m], change: { "main.go": VENDORED.replace('"one"', '"two"') } },
];
