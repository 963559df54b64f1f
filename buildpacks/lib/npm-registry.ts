/** The npm registry that the app's own npm configuration names, asked by npm itself: it knows about tokens, proxies and certificates. */

import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BAKED } from "./baked-node.ts";
import { capture } from "./command.ts";

/** Whose npm configuration counts, and what its npm sees. */
type Asking = { buildDir: string; env: NodeJS.ProcessEnv };

const PATIENCE = ["--fetch-retries=1", "--fetch-retry-mintimeout=500", "--fetch-timeout=30000"];

/** Every published version of a package; undefined when the registry is out of reach or knows no such package. */
export async function publishedVersions(build: Asking, name: string): Promise<string[] | undefined> {
  const { code, stdout } = await askNpm(build, ["view", name, "versions", "--json", ...PATIENCE]);
  if (code !== 0) return undefined;
  const found: unknown = JSON.parse(stdout);
  return [found].flat().filter((version) => typeof version === "string");
}

/** Downloads `name@version`, checked against its integrity, into `folder`. @returns the archive's path, undefined on failure. */
export async function download(build: Asking, spec: string, folder: string): Promise<string | undefined> {
  const cache = join(folder, "npm-cache");
  const { code } = await askNpm(build, ["pack", spec, "--pack-destination", folder, "--cache", cache, ...PATIENCE]);
  rmSync(cache, { recursive: true, force: true });
  const archive = readdirSync(folder).find((name) => name.endsWith(".tgz"));
  return code === 0 && archive ? join(folder, archive) : undefined;
}

/** Installs `spec` with its dependencies into `folder`/node_modules. */
export async function installPackage(build: Asking, spec: string, folder: string): ReturnType<typeof capture> {
  return await askNpm(build, ["install", spec, "--prefix", folder, "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", ...PATIENCE]);
}

/** The registry's address as npm would use it, without a trailing slash. */
export async function registryUrl(build: Asking): Promise<string> {
  const { stdout } = await askNpm(build, ["config", "get", "registry"]);
  return stdout.trim().replace(/\/$/, "");
}

/** Always by the Node of the image, in a folder with nothing of the app's but its .npmrc: its package.json must not steer this. */
async function askNpm(build: Asking, args: string[]): ReturnType<typeof capture> {
  const cwd = mkdtempSync(join(tmpdir(), "npm-"));
  const npmrc = join(build.buildDir, ".npmrc");
  if (existsSync(npmrc)) copyFileSync(npmrc, join(cwd, ".npmrc"));
  const env = { ...build.env, PATH: `${BAKED}/bin:${build.env["PATH"]}`, HOME: cwd, NODE_OPTIONS: "", NPM_CONFIG_LOGLEVEL: "error" };
  try {
    return await capture(`${BAKED}/bin/npm`, args, { cwd, env });
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}
