/** The Go toolchain: a module like any other (https://go.dev/doc/toolchain), fetched from the module proxy and kept in the cache. */

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { UNFINISHED } from "../../lib/build-cache.ts";
import { mustRun } from "../../lib/command.ts";
import { BuildFailure, info } from "../../lib/output.ts";
import type { Build } from "./build.ts";
import { knownVersions, noSuchGo, outOfReach, PLATFORM, TOOLCHAIN } from "./go-version.ts";
import { fetchFromProxy } from "./module-proxy.ts";
import { recordedSum } from "./sum-database.ts";

/** @returns GOROOT. @throws BuildFailure when the proxy has no such Go, or another one than the checksum database has recorded. */
export async function installToolchain(build: Build, version: string): Promise<string> {
  const folder = join(build.cacheDir, "toolchains");
  const home = join(folder, version);
  mkdirSync(folder, { recursive: true });
  if (existsSync(home)) {
    info(`Using Go ${version} (cached)`);
  } else {
    info(`Downloading and installing Go ${version}...`);
    await fetchToolchain(build, version, home);
  }
  for (const other of readdirSync(folder)) {
    if (other !== version) rmSync(join(folder, other), { recursive: true, force: true });
  }
  return home;
}

async function fetchToolchain(build: Build, version: string, home: string): Promise<void> {
  const unfinished = mkdtempSync(join(build.cacheDir, UNFINISHED));
  const name = `v0.0.1-go${version}.${PLATFORM}`;
  const zip = join(unfinished, "toolchain.zip");
  const [fetched, recorded] = await Promise.all([
    fetchFromProxy(build.env, `${TOOLCHAIN}/@v/${name}.zip`, zip),
    recordedSum(build.env, TOOLCHAIN, name).catch((error: Error) => error),
  ]);
  if (fetched === "not there") throw noSuchGo(version, (await knownVersions(build)) ?? []);
  if (fetched === "out of reach") throw outOfReach(version);
  await mustRun("unzip", ["-q", zip, "-d", unfinished]);
  rmSync(zip);
  checkSum(name, await sumOf(unfinished), recorded);
  const unpacked = join(unfinished, `${TOOLCHAIN}@${name}`);
  // A module's zip carries no modes.
  await mustRun("chmod", ["-R", "a+x", join(unpacked, "bin"), join(unpacked, "pkg/tool")]);
  renameSync(unpacked, home);
  rmSync(unfinished, { recursive: true, force: true });
}

function checkSum(name: string, sum: string, recorded: string | undefined | Error): void {
  if (recorded instanceof Error) throw new BuildFailure(`${TOOLCHAIN}@${name} could not be checked: ${recorded.message}.`, "Push again; where no checksum database may be asked, the config var GOSUMDB=off does without.");
  if (recorded !== undefined && recorded !== sum) {
    throw new BuildFailure(`${TOOLCHAIN}@${name} is not what the Go checksum database has recorded.`, "The module proxy (GOPROXY) has delivered something else: do not use it before you know why.");
  }
}

/** `h1:`, the go command's hash of an unpacked module (golang.org/x/mod/sumdb/dirhash). */
async function sumOf(folder: string): Promise<string> {
  const listed = await mustRun("find", [".", "-type", "f", "-exec", "sha256sum", "{}", "+"], folder);
  const lines = listed.split("\n").filter(Boolean).map((line) => line.replace("  ./", "  "));
  const name = (line: string): string => line.slice(66);
  lines.sort((a, b) => Buffer.compare(Buffer.from(name(a)), Buffer.from(name(b))));
  return `h1:${createHash("sha256").update(lines.map((line) => `${line}\n`).join("")).digest("base64")}`;
}
