/** The web process of an app without a Procfile, where framework, server and the app's place are evident. */

import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { info, step, warn } from "../../lib/output.ts";
import { readOwnFile } from "../../lib/own-file.ts";
import { noteProcessTypes } from "../../lib/process-types.ts";
import type { Build } from "./build.ts";
import { managePy } from "./django.ts";
import { hasProgram, isInstalled } from "./site-packages.ts";

const MODULES = ["main.py", "app.py", "wsgi.py", "asgi.py", "application.py", "server.py", "api.py", "run.py", "app/main.py", "app/app.py", "app/__init__.py", "api/main.py"];
const WORDS = { django: "Django", fastapi: "FastAPI", starlette: "Starlette", flask: "Flask" };

type Framework = keyof typeof WORDS;

/** Leaves a note for bin/release, or tells the pusher what is missing for one. */
export function noteWebProcess(build: Build): void {
  noteProcessTypes(build.buildDir, {});
  if (/^web\s*:/m.test(readOwnFile(build.buildDir, "Procfile") ?? "")) return;
  const framework = (Object.keys(WORDS) as Framework[]).find((name) => isInstalled(build, name));
  const command = framework && commandFor(build, framework);
  if (command) {
    noteProcessTypes(build.buildDir, { web: command });
    step(`${WORDS[framework]} app found`);
    return info(`Default web process: ${command}`);
  }
  if (existsSync(join(build.buildDir, "Procfile"))) return;
  if (framework && !hasServer(build, framework)) warn(`${WORDS[framework]} is installed, but no server to run it with.`, `Add ${framework === "fastapi" || framework === "starlette" ? "uvicorn" : "gunicorn"} to the app's packages, or write a Procfile; commit and push again.`);
  else warn("There is no Procfile, and what serves this app cannot be told.", 'Write one: "web: gunicorn <module>:<app>", or "web: uvicorn <module>:<app> --host 0.0.0.0 --port $PORT"; commit and push again.');
}

function commandFor(build: Build, framework: Framework): string | undefined {
  if (!hasServer(build, framework)) return undefined;
  if (framework === "django") return djangoCommand(build);
  const app = framework === "flask" ? findApp(build.buildDir, "Flask") ?? findFactory(build.buildDir) : findApp(build.buildDir, WORDS[framework]);
  if (!app) return undefined;
  return framework === "flask" ? `gunicorn ${app}` : uvicorn(app);
}

function hasServer(build: Build, framework: Framework): boolean {
  const takesUvicorn = framework !== "flask";
  const takesGunicorn = framework === "flask" || framework === "django";
  return (takesGunicorn && hasProgram(build, "gunicorn")) || (takesUvicorn && hasProgram(build, "uvicorn"));
}

function djangoCommand(build: Build): string | undefined {
  const manage = managePy(build.buildDir);
  if (!manage) return undefined;
  const folder = dirname(manage);
  const has = hasProgram(build, "gunicorn") ? "wsgi.py" : "asgi.py";
  const project = readdirSync(join(build.buildDir, folder), { withFileTypes: true }).find((entry) => entry.isDirectory() && existsSync(join(build.buildDir, folder, entry.name, has)))?.name;
  if (!project) return undefined;
  if (has === "wsgi.py") return `gunicorn${folder === "." ? "" : ` --chdir ${folder}`} ${project}.wsgi`;
  return uvicorn(`${project}.asgi:application${folder === "." ? "" : ` --app-dir ${folder}`}`);
}

function uvicorn(app: string): string {
  return `uvicorn ${app} --host 0.0.0.0 --port $PORT`;
}

/** `module:variable` of the first file that makes an app of that class at its top level. */
function findApp(buildDir: string, className: string): string | undefined {
  return findInModules(buildDir, new RegExp(`^(\\w+)(?:\\s*:[^=\\n]+)?\\s*=\\s*(?:\\w+\\.)?${className}\\(`, "m"));
}

function findFactory(buildDir: string): string | undefined {
  const found = findInModules(buildDir, /^def (create_app|make_app)\(\s*(?:\w+\s*(?::[^=,)]+)?=[^,)]*,?\s*)*\)/m);
  return found && `'${found}()'`;
}

function findInModules(buildDir: string, pattern: RegExp): string | undefined {
  for (const file of MODULES.filter((name) => existsSync(join(buildDir, name)))) {
    const found = pattern.exec(readOwnFile(buildDir, file) ?? "");
    if (found) return `${file.replace(/(\/__init__)?\.py$/, "").replaceAll("/", ".")}:${found[1]}`;
  }
  return undefined;
}
