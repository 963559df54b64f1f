/** What one build works on; handed from step to step. */

export type Build = {
  buildDir: string;
  /** This buildpack's own part of CACHE_DIR, kept between builds of the app. */
  cacheDir: string;
  stack: string;
  forTests: boolean;
  env: NodeJS.ProcessEnv;
  /** The stack's Python, such as `3.11.2`. */
  pythonVersion: string;
  /** The virtual environment, part of the slug. */
  home: string;
};

/** Where Heroku has its Python, so that scripts which name the path find it. */
export const HOME = ".heroku/python";
