import type { LanguageApp } from "./app.ts";

export const php: LanguageApp[] = [{ name: "php-front-controller", source: "php", detected: "PHP app detected", path: "/hello/you", answers: [/^HELLO FROM A PACKAGE, you: one$/m, /^HELLO FROM A PACKAGE, you: two$/m], change: { text: "two\n" } }];
