/** One plain line when something long begins, one every few seconds while it goes on, one when it is done. */

export type Write = (line: string) => void;

const TICK_MS = 10_000;

/**
 * Runs `task`, telling the operator about it.
 * @param name such as `making the stack image`.
 * @param expectation how long it takes, such as `about 45 s the first time`.
 * @throws whatever the task throws.
 */
export async function withProgress<T>(name: string, expectation: string, write: Write, task: () => Promise<T>, tickMs = TICK_MS): Promise<T> {
  const started = performance.now();
  const elapsed = (): number => Math.round((performance.now() - started) / 1000);
  write(`paas: ${name} (${expectation})…`);
  const ticks = setInterval(() => write(`paas: ${name}: ${elapsed()} s…`), tickMs);
  try {
    const result = await task();
    write(`paas: ${name}: done in ${elapsed()} s`);
    return result;
  } finally {
    clearInterval(ticks);
  }
}

export const writeLine: Write = (line) => {
  process.stdout.write(`${line}\n`);
};
