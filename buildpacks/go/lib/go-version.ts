/** Which Go an app gets: what GOVERSION, a comment of Heroku's or go.mod asks for, resolved against the toolchains that the module proxy has. */

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BuildFailure, info, warn } from "../../lib/output.ts";
import { minorOf } from "../../lib/version.ts";
import type { Build } from "./build.ts";
import { fetchFromProxy } from "./module-proxy.ts";

/** The newest patch is looked up again after this long, so that a push after a security release gets it. */
const LIST_KEPT_MS = 60 * 60 * 1000;
const LIST_FILE = "go-versions.json";
const VERSION = /^\d+\.\d+(?:\.\d+|(?:rc|beta)\d+)?$/;
/** Before 1.21 the first release of a line had no third number: `go 1.20` means its newest patch either way. */
const EXACT = /^\d+\.(?:\d+\.\d+|\d+(?:rc|beta)\d+)$/;
export const TOOLCHAIN = "golang.org/toolchain";
export const PLATFORM = `linux-${process.arch === "x64" ? "amd64" : process.arch}`;

export type Asked = { version: string | undefined; by: string };

/** Heroku's order, with the toolchain line between its comment and the language version. */
export function askedGo({ env, mod }: Build): Asked {
  const candidates: Asked[] = [
    { version: env["GOVERSION"]?.replace(/^go/, ""), by: "the config var GOVERSION" },
    { version: mod.herokuGoVersion, by: "// +heroku goVersion in go.mod" },
    { version: mod.toolchain?.replace(/-.*/, ""), by: "the toolchain line of go.mod" },
    { version: mod.go, by: "the go line of go.mod" },
  ];
  return candidates.find(({ version }) => version) ?? { version: undefined, by: "go.mod, which has no go line" };
}

/** @throws BuildFailure when what is asked for is no version, or the proxy has none of its line. */
export async function resolveGo(build: Build): Promise<string> {
  const { version, by } = askedGo(build);
  if (version === undefined) return await newestOf(build, "", "the newest: go.mod names none");
  if (!VERSION.test(version)) throw new BuildFailure(`"${version}" (${by}) is no version of Go.`, "Name one such as 1.27 or 1.27.4.");
  if (EXACT.test(version)) return version;
  return await newestOf(build, version, `the newest of Go ${version}: ${by}`);
}

async function newestOf(build: Build, line: string, why: string): Promise<string> {
  const kept = keptVersions(build.cacheDir).filter((version) => isOf(line, version));
  const versions = await knownVersions(build);
  if (!versions) {
    const newest = kept.at(-1);
    if (!newest) throw outOfReach(line);
    info(`Using Go ${newest} of the last build (the Go module proxy is out of reach)`);
    return newest;
  }
  const found = versions.filter((version) => isOf(line, version)).at(-1);
  if (!found) throw noSuchGo(line, versions);
  info(`Resolving Go version... ${found} (${why})`);
  warnOfOld(found, versions);
  return found;
}

function isOf(line: string, version: string): boolean {
  return line === "" || version === line || version.startsWith(`${line}.`);
}

export function outOfReach(version: string): BuildFailure {
  return new BuildFailure(`Go${version && ` ${version}`} cannot be fetched: the Go module proxy is out of reach.`, "Check that this machine can reach it, then push again; another one is named by the config var GOPROXY.");
}

/** For a version or a line that the proxy does not have. */
export function noSuchGo(version: string, versions: string[]): BuildFailure {
  const newest = new Map<string, string>();
  for (const each of versions) newest.set(minorOf(each), each);
  const choice = [...newest.values()].slice(-4).reverse();
  const known = choice.length > 0 ? [`The newest that exist: ${choice.join(", ")}.`, `Write \`go ${choice[0]}\` into go.mod (\`go mod edit -go=${choice[0]}\`), commit and push again.`] : [];
  return new BuildFailure(`There is no Go ${version} for ${PLATFORM} on the Go module proxy.`, ...known);
}

/** Go looks after the two newest lines only (https://go.dev/doc/devel/release#policy). */
function warnOfOld(version: string, versions: string[]): void {
  const lines = [...new Set(versions.map(minorOf))];
  if (lines.slice(-2).includes(minorOf(version))) return;
  warn(`Go ${minorOf(version)} gets no security fixes any more.`, `Go ${lines.at(-1)} is the newest: \`go mod edit -go=${lines.at(-1)} && go mod tidy\`.`);
}

/** Releases for this machine in ascending order, asked of the proxy at most once an hour; undefined when it is out of reach. */
export async function knownVersions(build: Build): Promise<string[] | undefined> {
  const kept = readList(build.cacheDir);
  if (kept) return kept;
  const file = join(build.cacheDir, `${LIST_FILE}.new`);
  if ((await fetchFromProxy(build.env, `${TOOLCHAIN}/@v/list`, file)) !== "fetched") return undefined;
  const versions = versionsIn(readFileSync(file, "utf8"));
  rmSync(file);
  writeFileSync(join(build.cacheDir, LIST_FILE), JSON.stringify({ at: Date.now(), versions }));
  return versions;
}

export function versionsIn(list: string): string[] {
  const ofPlatform = new RegExp(`^v0\\.0\\.1-go(\\d+\\.\\d+(?:\\.\\d+)?)\\.${PLATFORM}$`, "gm");
  return [...list.matchAll(ofPlatform)].map((found) => found[1] ?? "").sort(byNumber);
}

function byNumber(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

function readList(cacheDir: string): string[] | undefined {
  try {
    const { at, versions } = JSON.parse(readFileSync(join(cacheDir, LIST_FILE), "utf8")) as { at: number; versions: string[] };
    return Math.abs(Date.now() - at) < LIST_KEPT_MS ? versions : undefined;
  } catch {
    return undefined;
  }
}

/** Toolchains in the cache, in ascending order. */
function keptVersions(cacheDir: string): string[] {
  const folder = join(cacheDir, "toolchains");
  return existsSync(folder) ? readdirSync(folder).sort(byNumber) : [];
}
