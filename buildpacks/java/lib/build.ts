/** What one build works on; handed from step to step. */

export type Build = {
  buildDir: string;
  /** This buildpack's own part of CACHE_DIR, kept between builds of the app. */
  cacheDir: string;
  /** The app's tests shall run in what is built. */
  forTests: boolean;
  env: NodeJS.ProcessEnv;
};

/** All but what every Java of a build says first, and the empty lines in which Maven turns colours off that it never turned on. */
export const isForPusher = (line: string): boolean => !line.startsWith("Picked up JAVA_TOOL_OPTIONS:") && !/^(?:\u001b\[0?m)+$/.test(line);

/** The words of a config var; those of `standard` where it is empty or not set. */
export const words = (text: string | undefined, standard: string): string[] => (text?.trim() || standard).split(/\s+/);
