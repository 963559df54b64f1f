import fc from "fast-check";
import { expect, test } from "vitest";
import { assertAppName, randomAppName } from "../../server/domain/app-name.ts";
import { refusal } from "../support/refusal.ts";

const RULE = "name: must start with a letter, end with a letter or digit and can only contain lowercase letters, digits, and dashes (2 to 30 characters).";

test.each(["ab", "a1", "my-app", "a--b", "app-2026", "a".repeat(30), "constructor", "true", "null"])("%j is a name", (name) => {
  expect(() => assertAppName(name)).not.toThrow();
});

test.each([
  ["A1", ""],
  ["A2", "a"],
  ["A3", "a".repeat(31)],
  ["A4", "a".repeat(64)],
  ["A5", "-rf"],
  ["A6", "--help"],
  ["A7", "a;id"],
  ["A8", "$(id)"],
  ["A9", "`id`"],
  ["A10", "a|id"],
  ["A11", "a&&id"],
  ["A12", "a\nid"],
  ["A12, a line feed behind it", "app\n"],
  ["A13", "a\u0000b"],
  ["A14", "../../etc"],
  ["A15", "..%2f..%2fetc"],
  ["A16", "%2e%2e"],
  ["A17", "App"],
  ["A18", "app."],
  ["A19", "app_1"],
  ["A20", "\u0430pp"],
  ["A21", "\uff41\uff50\uff50"],
  ["A23", "__proto__"],
  ["A26", "a\u202eb"],
  ["A27", "' OR 1=1--"],
  ["A28", "<img src=x onerror=alert(1)>"],
  ["A29", "{{7*7}}${7*7}"],
  ["A30", "a".repeat(10_000_000)],
  ["A31", 123],
  ["A32", ["a"]],
  ["A33", { $gt: "" }],
  ["no name", undefined],
  ["null", null],
  ["a dash last", "app-"],
  ["a digit first", "1app"],
])("%s is refused with the rule, and without repeating it", (_, name) => {
  expect(refusal(() => assertAppName(name))).toMatchObject({ id: "invalid_params", status: 422, message: RULE });
});

test.each(["api", "git", "www", "admin", "dashboard", "localhost", "xn--80ak6aa92e"])("A22, A25: %s is reserved", (name) => {
  expect(refusal(() => assertAppName(name)).message).toBe(`name: "${name}" is reserved; choose another.`);
});

test("a name that was made up is always a good one", () => {
  fc.assert(fc.property(fc.noShrink(fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }))), (numbers) => {
    const name = randomAppName(() => numbers.next().value as number);
    expect(name).toMatch(/^[a-z]+-[a-z]+-\d{5}$/);
    expect(() => assertAppName(name)).not.toThrow();
  }));
});
