/** What one build works on; handed from step to step. */
export type Build = {
  buildDir: string;
  /** This buildpack's own part of CACHE_DIR, kept between builds of the app. */
  cacheDir: string;
  stack: string;
  env: NodeJS.ProcessEnv;
  rubyVersion: string;
  bundlerVersion: string;
  /** The text of Gemfile.lock. */
  lock: string;
};
