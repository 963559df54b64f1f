import { expect, test } from "vitest";
import { pageUrl } from "../../server/domain/error-page.ts";

test.each([
  ["https://pages.example.com/error.html", "https://pages.example.com/error.html"],
  [" http://pages.example.com ", "http://pages.example.com"],
  ["javascript:alert(1)", ""],
  ["//pages.example.com", ""],
  ["https://", ""],
  [`https://pages.example.com/${"x".repeat(2000)}`, ""],
  [undefined, ""],
])("an app's page %j is taken as %j", (value, page) => {
  expect(pageUrl(value)).toBe(page);
});
