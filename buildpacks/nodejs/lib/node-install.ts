/** Puts the chosen Node in place: the image's own where it is the right one, else one from the registry, kept in the cache. */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { BAKED } from "../../lib/baked-node.ts";
import { mustRun } from "../../lib/command.ts";
import { isBelow } from "../../lib/folders-below.ts";
import { BuildFailure, info } from "../../lib/output.ts";
import type { Build } from "./build.ts";
import { BAKED_VERSION, NODE_PACKAGE } from "./node-version.ts";
import { download } from "../../lib/npm-registry.ts";
import { putTool } from "../../lib/tool-folder.ts";

/** Headers of OpenSSL for machines that this is not: 60 MB. */
const OTHER_ARCHITECTURES = "package/include/node/openssl/archs/*";

/** @returns the folder whose bin/node the app runs with, at build and at run time. */
export async function installNode(build: Build, version: string): Promise<string> {
  // Before anything is fetched.
  isBelow(".heroku/node/bin", version === BAKED_VERSION ? undefined : keyOf(version));
  if (version === BAKED_VERSION) {
    info(`Using node ${version} of the stack`);
    setNodeHeaders(build.env, BAKED);
    return BAKED;
  }
  const kept = join(build.cacheDir, "node", version);
  if (existsSync(kept)) {
    info(`Installing node ${version} (cached)`);
  } else {
    info(`Downloading and installing node ${version}...`);
    await fetchNode(build, version, kept);
  }
  for (const other of readdirSync(join(build.cacheDir, "node"))) {
    if (other !== version) rmSync(join(build.cacheDir, "node", other), { recursive: true, force: true });
  }
  const bin = await putTool(build, ".heroku/node/bin", keyOf(version), `${kept}/bin`);
  setNodeHeaders(build.env, kept);
  return dirname(bin);
}

const keyOf = (version: string): string => `node-${version}`;

async function fetchNode(build: Build, version: string, kept: string): Promise<void> {
  mkdirSync(join(build.cacheDir, "node"), { recursive: true });
  const unfinished = mkdtempSync(join(build.cacheDir, "node", "fetch-"));
  try {
    const archive = await download(build, `${NODE_PACKAGE}@${version}`, unfinished);
    if (!archive) throw new BuildFailure(`Node ${version} could not be downloaded: the npm registry did not deliver ${NODE_PACKAGE}@${version}.`, "Push again; if it fails again, choose another version in engines.node.");
    await mustRun("tar", ["-xzf", archive, "-C", unfinished, "--strip-components=1", `--exclude=${OTHER_ARCHITECTURES}`, "package/bin", "package/include"]);
    rmSync(archive);
    renameSync(unfinished, kept);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** node-gyp would fetch them from Node's own site; its older versions read the first name, npm 11's the second. */
function setNodeHeaders(env: NodeJS.ProcessEnv, home: string): void {
  env["npm_config_nodedir"] = home;
  env["npm_package_config_node_gyp_nodedir"] = home;
}
