import { dockerfileApp } from "../support/dockerfile-app.ts";
import type { LanguageApp } from "./app.ts";

export const dockerfile: LanguageApp[] = [{ name: "dockerfile", source: (base) => dockerfileApp(base, "one"), detected: "Building with Dockerfile", answers: [/^one$/, /^two$/], change: { text: "two" } }];
