/** What one build works on; handed from step to step. */

import type { PackageJson } from "../../lib/package-json.ts";
import type { ToolFolder } from "../../lib/tool-folder.ts";

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
