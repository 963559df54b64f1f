/** For what the outside world does without telling: processes that end, files that appear. */

import { setTimeout as sleep } from "node:timers/promises";

/** @throws Error when it does not become true within the time. */
export async function eventually(what: string, isSo: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`Not within ${withinMs} ms: ${what}`);
    await sleep(10);
  }
}
