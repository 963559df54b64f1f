import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { createBuildLogs } from "../../server/pipeline/build-log.ts";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "paas-build-log-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return join(path, "builds");
}

test("a reader gets what was printed before it came and what came after, and ends with the build", async () => {
  const logs = createBuildLogs(folder());
  const log = logs.open("b1");
  const early = text(logs.read("b1"));
  log.write("-----> one\n");
  const late = text(logs.read("b1"));
  log.write("-----> two é\n");
  await log.close();
  expect(await early).toBe("-----> one\n-----> two é\n");
  expect(await late).toBe("-----> one\n-----> two é\n");
});

test("a reader that comes after the end gets all, from the disk, also from another process's life", async () => {
  const dir = folder();
  const log = createBuildLogs(dir).open("b1");
  log.write("all of it\n");
  await log.close();
  expect(await text(createBuildLogs(dir).read("b1"))).toBe("all of it\n");
});

test("a reader that comes while the log is being put away gets all and ends", async () => {
  const logs = createBuildLogs(folder());
  const log = logs.open("b1");
  log.write("all of it\n");
  const closing = log.close();
  const reading = text(logs.read("b1"));
  await closing;
  expect(await reading).toBe("all of it\n");
});

test("a build that nobody knows has an empty log", async () => {
  expect(await text(createBuildLogs(folder()).read("b0"))).toBe("");
});

test("a reader that goes away disturbs nobody", async () => {
  const logs = createBuildLogs(folder());
  const log = logs.open("b1");
  const stays = text(logs.read("b1"));
  const goes = logs.read("b1");
  goes.on("error", () => undefined).destroy(new Error("the client hung up"));
  log.write("after\n");
  await log.close();
  expect(await stays).toBe("after\n");
});

test("two builds do not mix", async () => {
  const logs = createBuildLogs(folder());
  const [one, two] = [logs.open("b1"), logs.open("b2")];
  one.write("1");
  two.write("2");
  await Promise.all([one.close(), two.close()]);
  expect([await text(logs.read("b1")), await text(logs.read("b2"))]).toEqual(["1", "2"]);
});

test("a flood is cut at 4 MiB, and the reader is told so once", async () => {
  const logs = createBuildLogs(folder());
  const log = logs.open("b1");
  const live = text(logs.read("b1"));
  for (let i = 0; i < 50; i++) log.write(`${"x".repeat(100 * 1024)}\n`);
  await log.close();
  const kept = await live;
  expect(kept.length).toBeLessThan(4.1 * 1024 * 1024);
  expect(kept.match(/the rest is left out/g)).toHaveLength(1);
  expect(await text(logs.read("b1"))).toBe(kept);
});

test("logs are the owner's alone", async () => {
  const dir = folder();
  const log = createBuildLogs(dir).open("b1");
  log.write("x");
  await log.close();
  expect(readdirSync(dir)).toEqual(["b1.log"]);
  expect([dir, join(dir, "b1.log")].map((path) => (statSync(path).mode & 0o777).toString(8))).toEqual(["700", "600"]);
});
