import { expect, test } from "vitest";
import { AppError } from "../../server/errors.ts";
import { createQuota } from "../../server/identity/quota.ts";

test("a token has its requests of the hour, and gets them back evenly", () => {
  let ms = 0;
  const quota = createQuota(60, () => ms);
  expect(Array.from({ length: 60 }, () => quota.take("one"))).toEqual(Array.from({ length: 60 }, (_, index) => 59 - index));
  const refusal = (): unknown => {
    try {
      return quota.take("one");
    } catch (error) {
      return error;
    }
  };
  expect(refusal()).toBeInstanceOf(AppError);
  expect(refusal()).toMatchObject({ id: "rate_limit", retryAfter: 60 });
  expect(quota.take("another")).toBe(59);
  ms = 60_000;
  expect(quota.take("one")).toBe(0);
  ms = 2 * 3_600_000;
  expect(quota.take("one")).toBe(59);
});

test("tokens that are not in use are not remembered", () => {
  let ms = 0;
  const quota = createQuota(10, () => ms);
  for (let round = 0; round < 3; round += 1) {
    for (let n = 0; n < 2000; n += 1) expect(quota.take(`${round}-${n}`)).toBe(9);
    ms += 3_600_000;
  }
});
