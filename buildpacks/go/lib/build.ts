/** What one build works on; handed from step to step. */

import type { ToolFolder } from "../../lib/tool-folder.ts";
import type { GoMod } from "./go-mod.ts";

export type Build = {
  buildDir: string;
  /** This buildpack's own part of CACHE_DIR, kept between builds of the app. */
  cacheDir: string;
  mod: GoMod;
  env: NodeJS.ProcessEnv;
  /** What was put into the app beside its own. */
  tools: ToolFolder[];
};
