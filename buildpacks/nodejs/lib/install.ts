/** Installs the dependencies, or brings them back from the cache. */

import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { failing } from "../../lib/causes.ts";
import { run } from "../../lib/command.ts";
import { listFolders, type Listing } from "../../lib/folder-listing.ts";
import { hasBelow } from "../../lib/folders-below.ts";
import { info, step, warn } from "../../lib/output.ts";
import type { Build, Toolchain } from "./build.ts";
import { CAUSES } from "./causes.ts";
import { dependencyKey, forgetDependencies, installedPaths, keepDependencies, namesAtTop, restoreDependencies, type Kept } from "./dependency-cache.ts";
import { bringBack, modulesBelow, type ModulesBelow } from "./modules-below.ts";
import { isPlugAndPlay } from "./manager-environment.ts";
import { major } from "../../lib/npm-library.ts";
import { readOwnFile } from "../../lib/own-file.ts";
import { registryUrl } from "../../lib/npm-registry.ts";
import { canRunPlainly, hasInstallScripts, runInstallScripts } from "./scripts.ts";
import { isWorkspace, onlyLinks, workspaceManifests } from "./workspaces.ts";

export type Installed = {
  /** Under which they are kept; undefined where they are not. */
  key: string | undefined;
  /** Set when nothing had to be installed. */
  restored?: Kept | undefined;
  /** Set when they lay in the layer below. */
  below?: ModulesBelow;
  /** They are as pruning leaves them. */
  isPruned?: boolean;
  /** What was installed, before any script saw it, where the next build may keep it. */
  installed?: { paths: string[]; before: Listing };
};

/** @throws BuildFailure with the cause and the fix where the package manager's words are known. */
export async function installDependencies(build: Build, tools: Toolchain): Promise<Installed> {
  const { buildDir, pkg } = build;
  if (existsSync(join(buildDir, "node_modules")) && !hasBelow("node_modules")) {
    const handled = await handleCommittedModules(build, tools);
    if (handled) return { key: undefined };
  }
  if (!tools.lockFile && hasDependencies(build)) warn("No lock file: every build may install other versions than you have tested.", `Run \`${tools.manager === "berry" ? "yarn" : tools.manager} install\` and commit the lock file that it writes.`);

  const manifests = await workspaceManifests(build);
  const key = canBeKept(build, tools) ? await dependencyKey(build, tools, manifests) : undefined;
  const isExact = tools.lockFile !== undefined && canSkipInstall(build, tools, manifests);
  const below = modulesBelow(isExact ? key : undefined);
  const restored = key && !below ? await restore(build, key) : undefined;
  step("Installing dependencies");
  if (isExact && (below || restored)) {
    info(`${tools.lockFile} is unchanged: using the dependencies of the last build`);
    const found: Installed = key && below ? { key, below, ...(await bringBack(build, key, below)) } : { key, restored, ...(await noted(build, restored)) };
    await runInstallScripts(build);
    return found;
  }
  if (!hasDependencies(build) && !tools.lockFile && !hasInstallScripts(pkg)) {
    info("package.json names no dependencies");
    return { key: undefined };
  }
  const before = namesAtTop(build);
  await install(build, tools);
  if (!key) {
    forgetDependencies(build);
    return { key };
  }
  const put = await keepDependencies(build, key, await installedPaths(build, before));
  return { key, ...(isExact ? await noted(build, put) : {}) };
}

async function noted({ buildDir }: Build, put: Kept | undefined): Promise<Pick<Installed, "installed">> {
  return put ? { installed: { paths: put.paths, before: await listFolders(buildDir, put.paths) } } : {};
}

/** As Heroku: npm makes committed modules fit this machine; yarn and pnpm start afresh. */
async function handleCommittedModules(build: Build, tools: Toolchain): Promise<boolean> {
  warn("node_modules checked into source control", "Remove it: `git rm -r --cached node_modules`, and add it to .gitignore.");
  if (tools.manager !== "npm") {
    rmSync(join(build.buildDir, "node_modules"), { recursive: true, force: true });
    return false;
  }
  step("Installing dependencies");
  info("Prebuild detected (node_modules already exists)");
  info("Rebuilding any native modules");
  failing("npm rebuild", await run("npm", ["rebuild"], { cwd: build.buildDir, env: build.env }), CAUSES);
  return true;
}

async function restore(build: Build, key: string): Promise<Kept | undefined> {
  const restored = await restoreDependencies(build, key);
  if (restored) {
    step("Restoring cache");
    for (const path of restored.paths) info(`- ${path}`);
  }
  return restored;
}

/** Plug'n'Play has no node_modules to keep, and Yarn 1 copies local packages, whose content no lock file tells. */
function canBeKept(build: Build, tools: Toolchain): boolean {
  if (build.env["NODE_MODULES_CACHE"] === "false") return false;
  if (tools.manager === "berry" && isPlugAndPlay(build)) return false;
  return !(tools.manager === "yarn" && /"(?:file|link):/.test(JSON.stringify(build.pkg.raw)));
}

/** Only npm's own install scripts can be run in its place, and only those of a single package. */
function canSkipInstall(build: Build, tools: Toolchain, manifests: string[]): boolean {
  if (existsSync(join(build.buildDir, "binding.gyp"))) return false;
  if (isWorkspace(build)) return onlyLinks(build, tools, manifests);
  return !hasInstallScripts(build.pkg) || (tools.manager === "npm" && canRunPlainly(build));
}

function hasDependencies({ pkg }: Build): boolean {
  return ["dependencies", "devDependencies", "optionalDependencies", "workspaces"].some((field) => Object.keys(pkg.raw[field] ?? {}).length > 0);
}

async function install(build: Build, tools: Toolchain): Promise<void> {
  const env: NodeJS.ProcessEnv = { ...build.env };
  let args: string[];
  switch (tools.manager) {
    case "npm": {
      const isProduction = env["NPM_CONFIG_PRODUCTION"] === "true";
      const dev = major(tools.managerVersion) >= 7 ? (isProduction ? "--omit=dev" : "--include=dev") : `--production=${isProduction}`;
      args = [tools.lockFile ? "ci" : "install", dev, "--no-audit", "--no-fund", "--prefer-offline", "--progress=false"];
      info(tools.lockFile ? "Installing node modules" : "Installing node modules (package.json)");
      break;
    }
    case "yarn":
      args = ["install", `--production=${env["YARN_PRODUCTION"] === "true"}`, "--ignore-engines", "--prefer-offline", "--non-interactive", "--no-progress"];
      if (tools.lockFile) args.push("--frozen-lockfile");
      await useRegistry(build, env, "YARN_REGISTRY", [".npmrc", ".yarnrc"]);
      info(`Installing node modules${tools.lockFile ? " (yarn.lock)" : ""}`);
      break;
    case "berry":
      args = tools.lockFile ? ["install", "--immutable"] : ["install", "--no-immutable"];
      await useRegistry(build, env, "YARN_NPM_REGISTRY_SERVER", [".yarnrc.yml"]);
      info("Running 'yarn install' with yarn.lock");
      break;
    case "pnpm":
      args = ["install", "--prod=false", tools.lockFile ? "--frozen-lockfile" : "--no-frozen-lockfile"];
      info("Running 'pnpm install' with pnpm-lock.yaml");
      break;
  }
  const program = tools.manager === "berry" ? "yarn" : tools.manager;
  failing(`${program} ${args[0]}`, await run(program, args, { cwd: build.buildDir, env, shows: allButUsage() }), CAUSES);
}

/** npm follows a failed `ci` with a page about its options. */
function allButUsage(): (line: string) => boolean {
  let isUsage = false;
  return (line) => {
    if (/^npm (error|ERR!) (Clean install a project|Install a package)$/.test(line)) isUsage = true;
    return !isUsage;
  };
}

/** Yarn has a default registry of its own; without a word from the app it gets npm's setting. */
async function useRegistry(build: Build, env: NodeJS.ProcessEnv, variable: string, files: string[]): Promise<void> {
  const isNamed = env[variable] !== undefined || files.some((name) => /registry/i.test(readOwnFile(build.buildDir, name) ?? ""));
  if (!isNamed) env[variable] = await registryUrl(build);
}
