import type { LanguageApp } from "./app.ts";

export const nodejs: LanguageApp[] = [
  { name: "nextjs", source: "next", detected: "Node.js app detected", answers: [/next says one/, /next says two/], change: { "text.json": '{ "text": "two" }' } },
  { name: "vite", source: "vite", detected: "Node.js app detected", answers: [/vite says one[^]*\/assets\/index-[\w-]+\.js|\/assets\/index-[\w-]+\.js[^]*vite says one/, /vite says two/], change: { "index.html": "<!doctype html>\n<title>vite</title>\n<p>vite says two</p>\n<script type=\"module\" src=\"/src/main.js\"></script>\n" } },
  { name: "pnpm-workspace", source: "pnpm-workspace", detected: "Node.js app detected", answers: [/^workspace says one: true$/, /^workspace says two: true$/], change: { "packages/web/text": "two\n" } },
  { name: "yarn4", source: "yarn4", detected: "Node.js app detected", answers: [/^yarn says one$/, /^yarn says two$/], change: { text: "two\n" } },
];
