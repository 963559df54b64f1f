import type { LanguageApp } from "./app.ts";

export const bun: LanguageApp[] = [{ name: "bun", source: "bun", detected: "Bun app detected", tested: / 1 pass\b/, answers: [/^bun says one$/, /^bun says two$/], change: { text: "two\n" } }];
