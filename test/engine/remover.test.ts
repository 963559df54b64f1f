import type Dockerode from "dockerode";
import { expect, it } from "vitest";
import { createRemover } from "../../server/engine/remover.ts";

const NO_LOGS = { follows: () => false, read: async () => undefined, removed: () => undefined };

it("a container that is being removed is gone for whoever else has it removed, not only about to go", async () => {
  const calls: PromiseWithResolvers<void>[] = [];
  const container = { remove: () => (calls.push(Promise.withResolvers<void>()), calls.at(-1)?.promise) };
  const remover = createRemover({ getContainer: () => container } as unknown as Dockerode, NO_LOGS);
  const ended: string[] = [];
  const both = [remover.remove("one").then(() => ended.push("first")), remover.remove("one").then(() => ended.push("second"))];
  await new Promise(setImmediate);
  expect([calls.length, ended]).toEqual([1, []]);
  calls[0]?.resolve();
  await Promise.all(both);
  // A removal that is over is no reason not to try again.
  const again = remover.remove("one");
  calls[1]?.reject(Object.assign(new Error("no such container"), { statusCode: 404 }));
  await again;
  expect(calls).toHaveLength(2);
});
