import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { isStatus, unlessGone, within } from "../../server/engine/docker-call.ts";
import { AppError } from "../../server/errors.ts";

/** An error as dockerode makes it of an answer. */
function answered(statusCode: number, message: string): Error {
  return Object.assign(new Error(`(HTTP code ${statusCode}) ${message}`), { statusCode });
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(() => undefined, (reason: unknown) => reason);
}

test("a call that is answered in time hands on the answer and leaves no timer", async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  expect(await within(60_000, "ping", Promise.resolve("OK"))).toBe("OK");
  expect(timers()).toBe(before);
});

test("a call that hangs ends as engine_unavailable, with its name and its time", async () => {
  const error = await rejection(within(20, "ping", new Promise(() => undefined)));
  expect(error).toMatchObject({ id: "engine_unavailable", status: 503, message: "The container engine did not answer in time (ping, 0.02 s). Try again; if it lasts, restart the engine." });
});

test("an engine that refuses connections or is not there is unavailable; the cause is kept for the log", async () => {
  for (const path of ["/nonexistent/docker.sock", "/dev/null"]) {
    const failed = new Promise((_resolve, reject) => connect(path).on("error", reject));
    const error = await rejection(within(60_000, "list", failed));
    expect(error).toMatchObject({ id: "engine_unavailable", message: "The container engine is not reachable (list). Start it and try again." });
    expect((error as AppError).cause).toHaveProperty("syscall", "connect");
  }
});

test("what the engine itself objects to stays its own error", async () => {
  const conflict = answered(409, "name in use");
  expect(await rejection(within(60_000, "create", Promise.reject(conflict)))).toBe(conflict);
});

test("a file of ours that is missing is not taken for the engine's absence", async () => {
  expect(await rejection(within(60_000, "build image", readFile("/nonexistent/file")))).not.toBeInstanceOf(AppError);
});

test.each([
  [404, "no such container", true],
  [304, "container already stopped", true],
  [409, "removal of container x is already in progress", true],
  [409, "Container x is not running", true],
  [409, "conflict: unable to remove repository reference", false],
  [500, "server error - unrecognized image ID sha256:51dda2c13e06", true],
  [500, "server error", false],
])("%i %s: gone is %s", async (status, message, gone) => {
  const error = answered(status, message);
  const outcome = await unlessGone(Promise.reject(error)).catch((reason: unknown) => reason);
  expect(outcome).toBe(gone ? undefined : error);
});

test("a status is only read from an error that has one", () => {
  expect([isStatus(answered(404, ""), 404), isStatus(answered(404, ""), 409), isStatus(new Error("404"), 404), isStatus(undefined, 404), isStatus("404", 404)]).toEqual([true, false, false, false, false]);
});
