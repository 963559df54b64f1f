/** Builds side by side, at most so many: the others wait in a line, and are told their place in it. */

import { AppError } from "../errors.ts";

export type BuildQueue = {
  /**
   * Does the work when its turn has come, in the order of arrival.
   * @param onPlace told the place in the line, 1 being next, at first and whenever it changes; never called where there is no wait
   * @throws AppError build_failed, or the signal's own, when that fires while it waits; and what the work throws
   */
  run<T>(work: () => Promise<T>, onPlace: (place: number) => void, signal: AbortSignal): Promise<T>;
};

type Waiter = { begin(): void; onPlace(place: number): void; told: number };

/** @param most that may work at a time */
export function createBuildQueue(most: number): BuildQueue {
  const line: Waiter[] = [];
  let working = 0;

  function move(): void {
    while (working < most && line.length > 0) {
      working += 1;
      line.shift()?.begin();
    }
    for (const [index, waiter] of line.entries()) {
      if (waiter.told !== index + 1) waiter.onPlace(index + 1);
      waiter.told = index + 1;
    }
  }

  async function turn(onPlace: (place: number) => void, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = { begin: resolve, onPlace, told: 0 };
      const leave = (): void => {
        const index = line.indexOf(waiter);
        if (index < 0) return;
        line.splice(index, 1);
        reject(signal.reason instanceof AppError ? signal.reason : new AppError("build_failed", "The build was interrupted."));
        move();
      };
      line.push(waiter);
      signal.addEventListener("abort", leave, { once: true });
      if (signal.aborted) leave();
      move();
    });
  }

  return {
    async run(work, onPlace, signal) {
      await turn(onPlace, signal);
      try {
        return await work();
      } finally {
        working -= 1;
        move();
      }
    },
  };
}
