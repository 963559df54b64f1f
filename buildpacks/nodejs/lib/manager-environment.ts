/** What package managers are told by their variables: where they keep downloads, and to be quiet. */

import { join } from "node:path";
import type { Build, Manager } from "./build.ts";
import { readOwnFile } from "../../lib/own-file.ts";

/** Adds to the build's environment; what the app sets itself stays. */
export function setManagerEnvironment(build: Build, manager: Manager): void {
  const cache = (name: string) => join(build.cacheDir, name);
  const variables = {
    npm: { NPM_CONFIG_CACHE: cache("npm"), npm_config_logs_max: "0", npm_config_update_notifier: "false" },
    yarn: { YARN_CACHE_FOLDER: cache("yarn") },
    berry: { YARN_GLOBAL_FOLDER: cache("berry"), YARN_ENABLE_TELEMETRY: "0", YARN_ENABLE_PROGRESS_BARS: "0", ...(isPlugAndPlay(build) ? IN_THE_SLUG : {}) },
    // pnpm 11 and later read their own prefix. The version that we install is the one asked for: no other shall take over.
    pnpm: { npm_config_store_dir: cache("pnpm"), pnpm_config_store_dir: cache("pnpm"), npm_config_manage_package_manager_versions: "false", pnpm_config_manage_package_manager_versions: "false" },
  };
  build.env = { ...variables.npm, ...variables[manager], COREPACK_HOME: cache("corepack"), ...build.env };
}

/** Plug'n'Play runs packages out of their archives: these must be part of the slug. */
const IN_THE_SLUG = { YARN_ENABLE_GLOBAL_CACHE: "false" };

export function isPlugAndPlay({ buildDir }: Build): boolean {
  return !/^nodeLinker:\s*["']?(node-modules|pnpm)\b/m.test(readOwnFile(buildDir, ".yarnrc.yml") ?? "");
}
