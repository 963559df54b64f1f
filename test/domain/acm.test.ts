import { expect, test } from "vitest";
import { nextTry, renewalTime, underAcm } from "../../server/domain/acm.ts";
import type { Domain } from "../../server/domain/model.ts";

const NOW = new Date("2026-01-01T00:00:00.000Z");
const waitMinutes = (failures: number, random = 0, retryAfterMs = 0): number => (Date.parse(nextTry(failures, NOW, random, retryAfterMs)) - NOW.getTime()) / 60_000;

test("a certificate is renewed when a third of its lifetime is left, however long that is", () => {
  expect(renewalTime({ startsAt: "2026-01-01T00:00:00.000Z", expiresAt: "2026-04-01T00:00:00.000Z" })).toBe("2026-03-02T00:00:00.000Z");
  expect(renewalTime({ startsAt: "2026-01-01T00:00:00.000Z", expiresAt: "2026-01-07T00:00:00.000Z" })).toBe("2026-01-05T00:00:00.000Z");
});

test("each failure doubles the wait, from five minutes to a day", () => {
  expect([1, 2, 3, 4, 9, 10, 100, 100_000].map((failures) => waitMinutes(failures))).toEqual([5, 10, 20, 40, 1280, 1440, 1440, 1440]);
});

test("five tries take more than an hour: an authority counts them", () => {
  expect([1, 2, 3, 4].map((failures) => waitMinutes(failures)).reduce((sum, wait) => sum + wait)).toBeGreaterThan(60);
});

test("tries are spread by a tenth, and none comes sooner than the authority asks for, up to a week", () => {
  expect(waitMinutes(1, 1)).toBeCloseTo(5.5);
  expect(waitMinutes(1, 0, 3_600_000)).toBe(60);
  expect(waitMinutes(3, 0, 60_000)).toBe(20);
  expect(waitMinutes(1, 0, 1e15)).toBe(7 * 24 * 60);
});

test("ACM begins with a domain that shows no certificate of a person's, goes on where it is, and ends otherwise", () => {
  const domain: Domain = { id: "d", appId: "a", hostname: "a.com", sniEndpointId: null, acmStatus: null, acmStatusReason: null, acmFailures: 0, acmDueAt: null, createdAt: "", updatedAt: "" };
  const begun = underAcm(domain, true, false, "now");
  expect(begun).toEqual({ ...domain, acmStatus: "pending", acmDueAt: "now" });
  const failing: Domain = { ...begun, acmStatus: "failing", acmStatusReason: "why", acmFailures: 3, acmDueAt: "later" };
  expect(underAcm(failing, true, false, "now")).toEqual(failing);
  expect(underAcm(failing, true, true, "now")).toEqual(domain);
  expect(underAcm(failing, false, false, "now")).toEqual(domain);
});
