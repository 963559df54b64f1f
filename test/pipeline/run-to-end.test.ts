import { expect, test } from "vitest";
import { loadConfig } from "../../server/config.ts";
import type { DynoSpec, Engine } from "../../server/engine/engine.ts";
import { runToEnd } from "../../server/pipeline/run-to-end.ts";

type Ended = Awaited<ReturnType<Engine["runOnce"]>>;
const SPEC = { memoryMb: 512 } as DynoSpec;

test.each<[string, Partial<Ended>, string | undefined]>([
  ["that exits with 0", {}, undefined],
  ["P17, that exits with another status", { code: 1 }, "exited with status 1"],
  ["P18, that does not end", { code: 137, timedOut: true }, "took longer than 60 minutes and was stopped (PAAS_RELEASE_MINUTES)"],
  ["that is ended at its limit but exits with 0", { timedOut: true }, "took longer than 60 minutes and was stopped (PAAS_RELEASE_MINUTES)"],
  ["that needs too much memory", { code: 137, outOfMemory: true }, "used more than 512 MB of memory and was killed (PAAS_DYNO_MEMORY_MB)"],
])("a command %s is told as that, and its last line is ended", async (_, how, why) => {
  let printed = "";
  let limit = 0;
  const engine = {
    async runOnce(_spec, output, timeoutMs) {
      limit = timeoutMs;
      output.write("half a line");
      return { code: 0, outOfMemory: false, timedOut: false, ...how };
    },
  } satisfies Partial<Engine> as unknown as Engine;
  expect(await runToEnd({ engine, config: loadConfig({}) }, SPEC, { write: (text) => void (printed += text) })).toBe(why);
  expect([printed, limit]).toEqual(["half a line\n", 60 * 60_000]);
});

test("a command that is broken off is told as that", async () => {
  const engine = { runOnce: async () => ({ code: 137, outOfMemory: false, timedOut: false }) } as unknown as Engine;
  expect(await runToEnd({ engine, config: loadConfig({}) }, SPEC, { write: () => undefined }, AbortSignal.abort())).toBe("was interrupted");
});
