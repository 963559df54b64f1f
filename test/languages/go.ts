import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { LanguageApp } from "./app.ts";
import { greeting } from "./example.ts";

const VENDORED = readFileSync(join(import.meta.dirname, "apps/go-vendor/main.go"), "utf8");

export const go: LanguageApp[] = [
  greeting("go-chi", "go-chi", "Go app detected", "main.go", "/hello/you"),
  { name: "go-vendor", source: "go-vendor", detected: "dependencies in vendor/", answers: [/^vendored go says one$/m, /^vendored go says two$/m], change: { "main.go": VENDORED.replace('"one"', '"two"') } },
];
