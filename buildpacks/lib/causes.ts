/** What tools say when they fail, and what it means: cause and fix, for the pusher. */

import { BuildFailure } from "./output.ts";

export type Cause = { said: RegExp; means: (found: RegExpExecArray) => string[] };

/** The first cause that the output shows; nothing when none is known. */
export function causeOf(causes: Cause[], output: string): string[] {
  for (const { said, means } of causes) {
    const found = said.exec(output);
    if (found) return means(found);
  }
  return [];
}

/** @throws BuildFailure when `what` has failed: with the cause where the tool's words are known, else pointing at them. */
export function failing(what: string, { code, output }: { code: number; output: string }, causes: Cause[]): void {
  if (code === 0) return;
  const cause = causeOf(causes, output);
  throw new BuildFailure(...(cause.length ? cause : [`${what} failed (exit code ${code}): see its words above.`]));
}
