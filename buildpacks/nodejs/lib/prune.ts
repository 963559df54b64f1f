/** Takes devDependencies out of the slug again, once the build no longer needs them. */

import { lstatSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../lib/command.ts";
import { compareListings, listFolders, topmost, type Listing } from "../../lib/folder-listing.ts";
import { BuildFailure, info, step } from "../../lib/output.ts";
import type { Build, Toolchain } from "./build.ts";
import { notePruned, pruneAsBefore } from "./dependency-cache.ts";
import type { Installed } from "./install.ts";
import { isWorkspace } from "./workspaces.ts";
import { major, semver } from "../../lib/npm-library.ts";

export async function pruneDevDependencies(build: Build, tools: Toolchain, installed: Installed): Promise<void> {
  if (!hasSomethingToPrune(build)) return;
  step("Pruning devDependencies");
  const skipped = reasonToSkip(build, tools);
  if (skipped) return info(`Skipping because ${skipped}`);
  const known = installed.restored?.pruned;
  if (known) {
    if (!installed.isPruned) await pruneAsBefore(build, known);
    return info(`Removed what the last build removed (${known.length} paths)`);
  }
  const before = await modules(build);
  await prune(build, tools);
  const after = await modules(build);
  const { added, removed, changed } = compareListings(before, after);
  if (installed.key && added.length === 0) await notePruned(build, installed.key, topmost(removed), changed.filter((path) => !after.get(path)?.startsWith("d")));
}

function hasSomethingToPrune(build: Build): boolean {
  return Object.keys(build.pkg.raw["devDependencies"] ?? {}).length > 0 || isWorkspace(build);
}

/** Heroku's rules and variables. */
function reasonToSkip({ env, buildDir }: Build, { manager, managerVersion }: Toolchain): string | undefined {
  if (env["NODE_ENV"] === "test") return "NODE_ENV is 'test'";
  if (env["NODE_ENV"] !== "production") return "NODE_ENV is not 'production'";
  if (!lstatSync(join(buildDir, "node_modules"), { throwIfNoEntry: false }) && manager !== "berry") return "there is no node_modules";
  const variable = { npm: "NPM_CONFIG_PRODUCTION", yarn: "YARN_PRODUCTION", berry: "YARN2_SKIP_PRUNING", pnpm: "PNPM_SKIP_PRUNING" }[manager];
  const value = env[variable];
  if (manager === "npm" || manager === "yarn" ? value : value === "true") return `${variable} is '${value}'`;
  if (manager === "berry" && /^[23]\./.test(managerVersion)) return "this version of Yarn cannot leave devDependencies out";
  if (manager === "pnpm" && semver().compare(managerVersion, "8.15.6") < 0) return `pnpm ${managerVersion} runs lifecycle scripts while pruning`;
  return undefined;
}

async function prune(build: Build, { manager, managerVersion }: Toolchain): Promise<void> {
  const [program, ...args] = {
    npm: ["npm", "prune", major(managerVersion) >= 7 ? "--omit=dev" : "--production", "--ignore-scripts", "--no-audit", "--no-fund"],
    yarn: ["yarn", "install", "--production=true", "--frozen-lockfile", "--ignore-engines", "--ignore-scripts", "--prefer-offline", "--non-interactive", "--no-progress"],
    berry: ["yarn", "workspaces", "focus", "--all", "--production"],
    // It removes the module folders first, which pnpm asks about: nobody is there to answer.
    pnpm: isWorkspace(build) ? ["pnpm", "install", "--prod", "--frozen-lockfile", "--offline", "--ignore-scripts", "--config.confirmModulesPurge=false"] : ["pnpm", "prune", "--prod", "--ignore-scripts"],
  }[manager];
  const { code } = await run(program ?? "", args, { cwd: build.buildDir, env: build.env });
  if (code !== 0) throw new BuildFailure(`${program} could not remove devDependencies: see its words above.`);
}

/** All that lies in a node_modules. */
function modules({ buildDir }: Build): Promise<Listing> {
  return listFolders(buildDir, ["."], ["-path", "*/.heroku", "-prune", "-o", "-path", "*node_modules/*"]);
}
