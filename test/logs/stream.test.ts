/** An app's lines as a stream: what a reader gets that is slow, and what is left of one that went away. */

import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { createHistory } from "../../server/logs/history.ts";
import { createHub } from "../../server/logs/hub.ts";
import { createClock } from "../../server/logs/line.ts";
import { streamLines, type StreamRequest } from "../../server/logs/stream.ts";

function house() {
  const dir = mkdtempSync(join(tmpdir(), "paas-stream-"));
  const clock = createClock();
  const history = createHistory({ dir, maxBytes: 1024 * 1024, maxTotalBytes: 1024 * 1024, onFailure: () => undefined });
  const hub = createHub(history, clock);
  onTestFinished(async () => {
    await history.close();
    rmSync(dir, { recursive: true });
  });
  return {
    hub,
    say: (text: string): void => hub.write("a", { source: "app", ps: "web.1", text }),
    tail: (more: Partial<StreamRequest> = {}) => streamLines({ hub, history, clock }, "a", { lines: 0, tail: true, events: false, ...more }),
  };
}

test("a gap is told where it is: a line that comes after it, while the reader catches up, is not shown before", async () => {
  const { say, tail } = house();
  const stream = tail();
  const long = "x".repeat(500);
  for (let index = 0; index < 1005; index++) say(`${index} ${long}`);
  await once(stream, "readable");
  // What had room is on its way to the reader, the gap is not told yet.
  say("too early");
  let text = "";
  for await (const chunk of stream) {
    text += String(chunk);
    if (text.includes("Error L11") && !text.includes("after")) say("after");
    if (text.includes("after")) break;
  }
  const shown = text.trimEnd().split("\n").map((line) => line.slice(33).replace(` ${long}`, "").replace(/since .*/, ""));
  expect(shown).toEqual([...Array.from({ length: 1000 }, (_, index) => `app[web.1]: ${index}`), "heroku[logplex]: Error L11 (Tail buffer overflow) -> This tail session dropped 6 messages ", "app[web.1]: after"]);
});

test("a reader that goes away is forgotten at once, also while nothing is said", async () => {
  const { hub, say, tail } = house();
  const { subscribe } = hub;
  let listening = 0;
  hub.subscribe = (...args) => {
    const end = subscribe(...args);
    listening += 1;
    return () => {
      listening -= 1;
      end();
    };
  };
  const stream = tail();
  say("one");
  await once(stream, "data");
  expect(listening).toBe(1);
  const closed = once(stream, "close");
  stream.destroy();
  await closed;
  expect(listening).toBe(0);
});

test("a silent stream of events gives a sign of life every 20 seconds, a plain one none", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const { tail } = house();
  const [events, plain] = [tail({ events: true }), tail()];
  let [shown, silent] = ["", ""];
  events.on("data", (chunk: Buffer) => (shown += chunk.toString()));
  plain.on("data", (chunk: Buffer) => (silent += chunk.toString()));
  await vi.waitUntil(() => shown !== "", 30_000);
  const before = shown.split(":\n\n").length;
  for (let seconds = 0; seconds < 60; seconds += 20) {
    await vi.advanceTimersByTimeAsync(20_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(shown.split(":\n\n").length - before).toBe(3);
  expect(silent).toBe("");
  events.destroy();
  plain.destroy();
});
