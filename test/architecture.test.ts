/** The imports of docs/architecture.md, asserted: the picture that cannot go stale. */

import { basename } from "node:path";
import { expect, test } from "vitest";
import { sourceFiles, type SourceFile } from "./support/source-files.ts";

const SERVER = sourceFiles("server");
const PROXY = sourceFiles("proxy");
const BIN = sourceFiles("bin");
const ALL = [...SERVER, ...PROXY, ...BIN];

/** Programs: what is started by its path. Nothing imports them. */
const PROGRAMS = new Set(["server/main.ts", "server/stop.ts", "server/tls/make-certificate.ts"]);

/** What the files of each folder of server/ may import of the project besides their own folder. A new folder needs its line here. */
const MAY_IMPORT: Record<string, RegExp> = {
  errors: /^$/,
  "node-http": /^$/,
  domain: /^server\/errors\.ts$/,
  config: /^$/,
  "data-dir": /^server\/store\/folder-lock\.ts$/,
  store: /^server\/(domain\/|errors\.ts$)/,
  engine: /^server\/(domain\/|errors\.ts$)/,
  buildpacks: /^server\/(outbound\/|domain\/|errors\.ts$)/,
  pipeline: /^(server\/(outbound\/|buildpacks\/|domain\/|store\/|(errors|config|node-http)\.ts$|engine\/engine\.ts$)|proxy\/(client|route)\.ts$)/,
  certificates: /^(server\/(pipeline\/|store\/|domain\/|errors\.ts$|config\.ts$)|proxy\/client\.ts$)/,
  identity: /^server\/(store\/|domain\/|errors\.ts$)/,
  outbound: /^server\/errors\.ts$/,
  webhooks: /^server\/(outbound\/|pipeline\/events\.ts$|store\/|domain\/|errors\.ts$)/,
  sources: /^server\/(outbound\/|pipeline\/|domain\/|errors\.ts$)/,
  api: /^server\/(buildpacks\/|sources\/|certificates\/|identity\/|webhooks\/|logs\/|pipeline\/|store\/|domain\/|errors\.ts$|config\.ts$)/,
  git: /^server\/(outbound\/|pipeline\/|domain\/|(errors|config|node-http)\.ts$)/,
  tls: /^server\/config\.ts$/,
  logs: /^server\/(outbound\/|pipeline\/|store\/|engine\/engine\.ts$|domain\/|errors\.ts$|config\.ts$)/,
  dashboard: /^server\/(pipeline\/|store\/|domain\/|errors\.ts$|config\.ts$)/,
};


test("the source is read: files with their imports", () => {
  expect(ALL.length).toBeGreaterThan(100);
  expect(imports("server/app.ts")).toEqual(expect.arrayContaining(["server/engine/docker.ts", "proxy/client.ts"]));
  expect(imports("proxy/request-head.ts")).toContain("proxy/field-names.ts");
  expect(imports("server/git/transport.ts")).toContain("node-git-server");
});

test("every import names a file that is there", () => {
  const known = new Set(ALL.map(({ path }) => path));
  expect(edges(ALL).filter(([, to]) => isOurs(to) && !known.has(to))).toEqual([]);
});

test("imports of server/ point one way: main, app, git and api, certificates, pipeline, engine port and store, domain, errors", () => {
  const wrong = edges(SERVER).filter(([from, to]) => isOurs(to) && !allowed(from, to));
  expect(wrong.map(arrow)).toEqual([]);
});

test("every file of server/ has its place in the order", () => {
  const placeless = SERVER.filter(({ path }) => !PROGRAMS.has(path) && !(part(path) in MAY_IMPORT) && !isRoot(path));
  expect(placeless.map(({ path }) => path)).toEqual([]);
});

test("the router imports nothing of the control plane, the control plane of the router only its client and its words", () => {
  expect(edges(PROXY).filter(([, to]) => isOurs(to) && !to.startsWith("proxy/")).map(arrow)).toEqual([]);
  expect(edges([...SERVER, ...BIN]).filter(([, to]) => to.startsWith("proxy/") && !/^proxy\/(client|route)\.ts$/.test(to)).map(arrow)).toEqual([]);
});

test("the router stands on Node alone", () => {
  expect(edges(PROXY).filter(([, to]) => !to.startsWith("proxy/") && !to.startsWith("node:")).map(arrow)).toEqual([]);
});

test("no file imports itself, however long the way", () => {
  expect(findCycle(ALL)).toBeUndefined();
});

test.each([
  ["dockerode", /^(server\/engine\/|bin\/setup\/)/],
  ["node-git-server", /^server\/git\/transport\.ts$/],
  ["better-sqlite3", /^server\/store\/(database|folder-lock)\.ts$/],
  ["acme-client", /^server\/certificates\/authority\.ts$/],
  ["fastify", /^server\/(api|git)\//],
  ["node:child_process", /^(server\/(engine|git)\/|server\/(router-process|example|tls\/own-certificate)\.ts$|proxy\/(crew|succession)\.ts$|bin\/)/],
])("%s is imported only where it belongs", (name, where) => {
  const users = edges(ALL).filter(([, to]) => to === name).map(([from]) => from);
  expect(users).not.toEqual([]);
  expect(users.filter((path) => !where.test(path))).toEqual([]);
});

test("node:http is never imported by value, which would load fetch with it: node-http.ts has what is needed", () => {
  expect(linesMatching([...SERVER, ...PROXY, ...BIN], /^import (?!type ).*from "node:https?"/)).toEqual([]);
});

test("the ACME client, 37 MB of code, is loaded with the first certificate that is wanted and not before", () => {
  expect(linesMatching(SERVER, /\bimport\("acme-client"\)/)).not.toEqual([]);
  expect(linesMatching(SERVER, /^import (?!type ).*"acme-client"/)).toEqual([]);
});

test("SQL stands in server/store/ alone", () => {
  const sql = /["'`]\s*(SELECT\s|INSERT (OR \w+ )?INTO|UPDATE \w+ SET|DELETE FROM|CREATE (TABLE|INDEX|TRIGGER)|PRAGMA\s)|\b(db|database)\.(prepare|pragma|exec)\(/;
  expect(linesMatching(SERVER.filter(({ path }) => path.startsWith("server/store/")), sql)).not.toEqual([]);
  expect(linesMatching(ALL.filter(({ path }) => !path.startsWith("server/store/")), sql)).toEqual([]);
});

test("no program is started through a shell", () => {
  expect(linesMatching(ALL, /\bexecSync\b|\bshell\s*:|\bchild_process\.exec\b|\*\s+as\s+\w+\s+from "node:child_process"/)).toEqual([]);
  const imported = ALL.flatMap(({ path, code }) =>
    [...code.matchAll(/import \{([^}]*)\} from "node:child_process"/g)].flatMap(([, names = ""]) => names.split(",").map((name) => [path, name.trim().split(" ")[0]] as const)));
  expect(imported.length).toBeGreaterThan(0);
  expect(imported.filter(([, name]) => name === "exec")).toEqual([]);
});

test("settings come from server/config.ts: the environment is handed to it by the programs and read nowhere else", () => {
  const readers = [...SERVER, ...PROXY].filter(({ code }) => /\bprocess\.env\b/.test(code)).map(({ path }) => path);
  expect(readers.filter((path) => !PROGRAMS.has(path) && path !== "server/git/gitconfig.ts")).toEqual([]);
});

test("nothing is exported by default, and no file only hands on what others export", () => {
  expect(linesMatching(ALL, /^export default|^export \*|\bas default\b/)).toEqual([]);
  const ofItsOwn = ({ code }: SourceFile): string => code.replace(/^(import|export \{)[^;]*;$/gm, "").replace(/^#!.*/, "").trim();
  expect(ALL.filter((file) => ofItsOwn(file) === "").map(({ path }) => path)).toEqual([]);
  expect(ALL.filter(({ path }) => /^(index|utils?|helpers?|common|types)\.(ts|mjs|js)$/.test(basename(path))).map(({ path }) => path)).toEqual([]);
});

/** The stack that Heroku calls so. */
const CONTAINER_STACK = /CONTAINER_STACK|["`]container["`]|\|container\|/g;

test("outside server/engine/ there are dynos and builds, and no containers", () => {
  const outside = SERVER.filter(({ path }) => !path.startsWith("server/engine/"));
  const lines = outside.flatMap(({ path, text }) => text.split("\n").filter((line) => /container/i.test(line.replace(CONTAINER_STACK, ""))).map((line) => `${path}: ${line.trim()}`));
  expect(lines).toEqual([]);
});

test("main only parses, starts and stops: at most 50 lines", () => {
  const main = SERVER.find(({ path }) => path === "server/main.ts");
  expect(main?.text.trimEnd().split("\n").length).toBeLessThanOrEqual(50);
});

function allowed(from: string, to: string): boolean {
  if (PROGRAMS.has(to)) return false;
  if (PROGRAMS.has(from)) return true;
  if (isRoot(from)) return !to.startsWith("bin/");
  const own = from.split("/").length > 2 && part(from) === part(to) && to.startsWith("server/");
  return own || (MAY_IMPORT[part(from)]?.test(to) ?? false);
}

/** The composition root and what only it and the programs use: files of server/ itself that no folder may import. */
function isRoot(path: string): boolean {
  return path.split("/").length === 2 && !(part(path) in MAY_IMPORT);
}

/** `server/git/http.ts` → `git`, `server/errors.ts` → `errors`. */
function part(path: string): string {
  return (path.split("/")[1] ?? "").replace(/\.ts$/, "");
}

function isOurs(path: string): boolean {
  return /^(server|proxy|bin|buildpacks|test)\//.test(path);
}

function imports(path: string): string[] | undefined {
  return ALL.find((file) => file.path === path)?.imports;
}

function edges(files: SourceFile[]): [from: string, to: string][] {
  return files.flatMap(({ path, imports: targets }) => targets.map((to): [string, string] => [path, to]));
}

function arrow([from, to]: [string, string]): string {
  return `${from} → ${to}`;
}

function linesMatching(files: SourceFile[], pattern: RegExp): string[] {
  return files.flatMap(({ path, code }) => code.split("\n").filter((line) => pattern.test(line)).map((line) => `${path}: ${line.trim()}`));
}

/** The files of the first circle found, in its order. */
function findCycle(files: SourceFile[]): string[] | undefined {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const visit = (path: string, way: string[]): string[] | undefined => {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path];
    if (done.has(path)) return undefined;
    for (const next of byPath.get(path)?.imports ?? []) {
      const cycle = visit(next, [...way, path]);
      if (cycle) return cycle;
    }
    done.add(path);
    return undefined;
  };
  for (const { path } of files) {
    const cycle = visit(path, []);
    if (cycle) return cycle;
  }
  return undefined;
}
