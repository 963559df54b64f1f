/** A real application with real dependencies, deployed twice by `npm run test:languages`. */

import type { Files } from "./made-files.ts";

export type LanguageApp = {
  name: string;
  /** A folder of test/languages/apps; or what the files are, given the name of an image that a Dockerfile may stand on. */
  source: string | ((base: string) => Record<string, string>);
  /** Files beside those of the folder, made when the app is about to be pushed. */
  added?: () => Promise<Files>;
  /** What the push says it is: `-----> … app detected`, or any other line of it. */
  detected: string;
  /** What the app's own tests say in every push, where it has any: its app.json asks for them. */
  tested?: RegExp;
  path?: string;
  /** What the page at the path holds, before and after the change. */
  answers: [first: RegExp, second: RegExp];
  /** What the second push changes: source only. */
  change: Record<string, string>;
};
