import type { ComposerJson } from "./composer-json.ts";

/** What one build works on; handed from step to step. */
export type Build = {
  buildDir: string;
  /** This buildpack's own part of CACHE_DIR, kept between builds of the app. */
  cacheDir: string;
  stack: string;
  env: NodeJS.ProcessEnv;
  /** With the packages of require-dev. */
  forTests: boolean;
  phpVersion: string;
  composerVersion: string;
  manifest: ComposerJson;
  /** The text of composer.lock; undefined where nothing is required. */
  lock: string | undefined;
};
