import type { LanguageApp } from "./app.ts";

export const deno: LanguageApp[] = [{ name: "deno", source: "deno", detected: "Deno app detected", tested: /1 passed/, answers: [/^deno says one$/, /^deno says two$/], change: { text: "two\n" } }];
