/** Where the time of a deploy goes, stage by stage, so that the next second to save is visible. */

export type Stopwatch = {
  /** Ends the stage that began with the last call. */
  lap(stage: string): void;
  /** Whole milliseconds by stage, in the order of their ends. */
  stages(): Record<string, number>;
};

export function createStopwatch(): Stopwatch {
  const stages: Record<string, number> = {};
  let last = performance.now();
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
