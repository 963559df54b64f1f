import { expect, test } from "vitest";
import { AppError } from "../../server/errors.ts";
import { createTries } from "../../server/identity/tries.ts";

function clock() {
  const time = { ms: 0 };
  return { time, tries: createTries(() => time.ms) };
}

function thrown(work: () => unknown): AppError {
  try {
    work();
  } catch (error) {
    if (error instanceof AppError) return error;
  }
  return expect.unreachable("nothing was thrown");
}

test("ten tries in a minute are let through, the eleventh is told how long to wait", () => {
  const { tries, time } = clock();
  for (let n = 0; n < 10; n += 1) tries.take("192.0.2.1");
  time.ms = 12_500;
  expect(thrown(() => tries.take("192.0.2.1"))).toMatchObject({ id: "rate_limit", status: 429, retryAfter: 48 });
  expect(() => tries.assertLeft("192.0.2.2")).not.toThrow();
  time.ms = 59_999;
  expect(() => tries.assertLeft("192.0.2.1")).toThrow(AppError);
  time.ms = 60_000;
  expect(() => tries.take("192.0.2.1")).not.toThrow();
});

test("a try that was right is not counted", () => {
  const { tries } = clock();
  for (let n = 0; n < 100; n += 1) tries.take("192.0.2.1")();
  expect(() => tries.assertLeft("192.0.2.1")).not.toThrow();
});

test("tries at the same time are counted before any of them is judged", () => {
  const { tries } = clock();
  const begun = Array.from({ length: 10 }, () => tries.take("192.0.2.1"));
  expect(() => tries.take("192.0.2.1")).toThrow(AppError);
  begun[0]?.();
  expect(() => tries.take("192.0.2.1")).not.toThrow();
});

test("whoever owns a network of IPv6 is one sender", () => {
  const { tries } = clock();
  for (let n = 0; n < 10; n += 1) tries.take(`2001:db8::${n}`);
  expect(() => tries.take("2001:db8::ffff")).toThrow(AppError);
  expect(() => tries.take("2001:db8:0:1::1")).not.toThrow();
});

test("a flood of senders does not grow without end, and the newest are remembered", () => {
  const { tries } = clock();
  for (let n = 0; n < 10; n += 1) tries.take("192.0.2.1");
  for (let n = 0; n < 20_000; n += 1) tries.take(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
  expect(() => tries.assertLeft("192.0.2.1")).not.toThrow();
  for (let n = 0; n < 9; n += 1) tries.take("10.0.78.31");
  expect(() => tries.take("10.0.78.31")).toThrow(AppError);
});
