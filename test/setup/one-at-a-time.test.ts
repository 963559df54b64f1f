import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { oneAtATime } from "../../bin/setup/one-at-a-time.ts";

const MODULE = join(import.meta.dirname, "../../bin/setup/one-at-a-time.ts");

test("runs tasks of one name one after the other, and gives back what each returns", async () => {
  const name = `paas-test ${process.pid} turns`;
  let inside = 0;
  const seen: number[] = [];
  const task = (result: string) => async (): Promise<string> => {
    seen.push(++inside);
    await new Promise((resolve) => setImmediate(resolve));
    inside--;
    return result;
  };
  const results = await Promise.all(["a", "b", "c"].map((result) => oneAtATime(name, task(result))));
  expect(results).toEqual(["a", "b", "c"]);
  expect(seen).toEqual([1, 1, 1]);
});

test("gives the turn back when the task throws", async () => {
  const name = `paas-test ${process.pid} throws`;
  await expect(oneAtATime(name, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await oneAtATime(name, async () => "next")).toBe("next");
});

test("waits for another process, and goes on when that one is killed", async () => {
  const name = `paas-test ${process.pid} killed`;
  const holder = await holdElsewhere(name);
  const order: string[] = [];
  const next = oneAtATime(name, async () => order.push("ours"));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(order).toEqual([]);
  holder.kill("SIGKILL");
  await next;
  expect(order).toEqual(["ours"]);
});

async function holdElsewhere(name: string): Promise<ChildProcess> {
  const code = `const { oneAtATime } = await import("${MODULE}");
    await oneAtATime("${name}", () => new Promise(() => { setInterval(() => {}, 1000); console.log("held"); }));`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(createInterface(child.stdout), "line");
  return child;
}
