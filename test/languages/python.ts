import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { LanguageApp } from "./app.ts";
import { greeting } from "./example.ts";
import { locked } from "./python-lock.ts";

const PAGE = "shop/templates/page.html";
const TEMPLATE = readFileSync(join(import.meta.dirname, "apps/django", PAGE), "utf8");

/** pip, uv and Poetry each from what it reads; none of the apps has a Procfile. */
export const python: LanguageApp[] = [
  { name: "django", source: "django", detected: "collectstatic --noinput", tested: /Ran 1 test in/, answers: [/\/static\/shop\.[0-9a-f]{12}\.css[^]*django says one/, /\/static\/shop\.[0-9a-f]{12}\.css[^]*django says two/], change: { [PAGE]: TEMPLATE.replace("one", "two") } },
  greeting("fastapi", "fastapi", "FastAPI app found", "main.py", "/hello/you"),
  { name: "flask-uv", source: "flask-uv", added: () => locked("uv", "flask-uv"), detected: "Installing dependencies using 'uv sync", tested: /1 passed in/, answers: [/^flask says one, pytest is not here$/, /^flask says two, pytest is not here$/], change: { text: "two\n" } },
  { name: "starlette-poetry", source: "starlette-poetry", added: () => locked("poetry", "starlette-poetry"), detected: "Installing dependencies using 'poetry sync", tested: /1 passed in/, answers: [/^starlette says one, pytest is not here$/, /^starlette says two, pytest is not here$/], change: { text: "two\n" } },
];
