/** What one build works on; handed from step to step. */

import type { PackageJson } from "./package-json.ts";
import type { ToolFolder } from "./tool-folder.ts";

export type Build = {
  buildDir: string;
  /** This buildpack's own part of CACHE_DIR, kept between builds of the app. */
  cacheDir: string;
  stack: string;
  pkg: PackageJson;
  env: NodeJS.ProcessEnv;
  /** What was put into the slug beside the dependencies. */
  tools: ToolFolder[];
};

export type Manager = "npm" | "yarn" | "berry" | "pnpm";

/** What is installed with, and for: `/opt/paas/node` is part of the image, anything else of the slug. */
export type Toolchain = {
  node: { version: string; home: string };
  manager: Manager;
  managerVersion: string;
  lockFile: string | undefined;
};

/** The Node of the image, with npm and its libraries. */
export const BAKED = "/opt/paas/node";
