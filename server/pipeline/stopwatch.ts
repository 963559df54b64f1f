/** Where the time of a deploy goes, stage by stage, so that the next second to save is visible. */

export type Stopwatch = {
  /** Ends the stage that began with the last call. */
  lap(stage: string): void;
  /** Whole milliseconds by stage, in the order of their ends. */
  stages(): Record<string, number>;
};

/** @param since when the first stage began, in ISO 8601; now, where that is not given */
export function createStopwatch(since?: string): Stopwatch {
  const stages: Record<string, number> = {};
  let last = performance.now() - (since === undefined ? 0 : Date.now() - Date.parse(since));
  return {
    lap(stage) {
      const now = performance.now();
      // One that had to be done twice counts with both.
      stages[stage] = (stages[stage] ?? 0) + Math.round(now - last);
      last = now;
    },
    stages: () => stages,
  };
}
