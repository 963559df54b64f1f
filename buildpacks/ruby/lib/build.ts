/** As Rails and Rack have them: a build for tests is one in test mode. */
export type Mode = "production" | "test";

/** The groups of a Gemfile that are not installed. */
export const LEFT_OUT = { production: "development:test", test: "development" };

/** What one build works on; handed from step to step. */
export type Build = {
  buildDir: string;
  /** This buildpack's own part of CACHE_DIR, kept between builds of the app. */
  cacheDir: string;
  stack: string;
  mode: Mode;
  env: NodeJS.ProcessEnv;
  rubyVersion: string;
  bundlerVersion: string;
  /** The text of Gemfile.lock. */
  lock: string;
};
