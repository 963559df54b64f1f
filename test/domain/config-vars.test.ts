import fc from "fast-check";
import { expect, test } from "vitest";
import { applyConfigChange, describeConfigChange } from "../../server/domain/config-vars.ts";
import { refusal } from "../support/refusal.ts";

const AT_REST = { KEPT: "1", OLD: "x" };

test("a string sets, null and the empty string remove, what is not named stays", () => {
  expect(applyConfigChange(AT_REST, { NEW: "y", OLD: null })).toEqual({ KEPT: "1", NEW: "y" });
  expect(applyConfigChange(AT_REST, { OLD: "" })).toEqual({ KEPT: "1" });
  expect(applyConfigChange(AT_REST, { GONE_ALREADY: null })).toEqual(AT_REST);
});

test("the config before the change is left as it was", () => {
  const before = Object.freeze({ ...AT_REST });
  applyConfigChange(before, { OLD: null, NEW: "y" });
  expect(before).toEqual(AT_REST);
});

test.each([
  ["C1", ""],
  ["C2", "A B"],
  ["C3", "A=B"],
  ["C4", "1A"],
  ["C5", "A-B"],
  ["C6", "A;id"],
  ["C7", "A\nB"],
  ["C7, a line feed at its end", "A\n"],
  ["C8", "__proto__"],
  ["a NUL byte", "A\0"],
  ["256 characters", "A".repeat(256)],
])("%s: the name %j is refused", (_, key) => {
  expect(refusal(() => applyConfigChange(AT_REST, JSON.parse(JSON.stringify(Object.fromEntries([[key, "x"]]))))).message).toMatch(/^config var ".{0,80}/);
});

test.each(["PORT", "DYNO", "STACK", "SOURCE_VERSION", "PAAS_TOKEN", "PAAS_"])("C9: %s belongs to the platform", (key) => {
  expect(refusal(() => applyConfigChange({}, { [key]: "x" })).message).toBe(`config var ${key}: this name is set by the platform; choose another.`);
});

test.each(["PATH", "LD_PRELOAD", "NODE_OPTIONS", "BASH_ENV", "GIT_SSH_COMMAND", "DOCKER_HOST", "PORTS", "constructor", "a_1"])("C11-16: %s is the app's own affair", (key) => {
  expect(applyConfigChange({}, { [key]: "x" })).toEqual({ [key]: "x" });
});

test("C17: one entry has room in a string of execve, and not a byte more", () => {
  const largest = 128 * 1024 - 1 - "A=".length;
  expect(applyConfigChange({}, { A: "x".repeat(largest) })["A"]).toHaveLength(largest);
  expect(refusal(() => applyConfigChange({}, { A: "x".repeat(largest + 1) })).message).toBe("config var A: the value is larger than 128 KiB.");
  expect(refusal(() => applyConfigChange({}, { A: "é".repeat(largest / 2 + 1) })).message).toContain("larger than 128 KiB");
});

test("C18: all values of 2 MB together are refused", () => {
  const many = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`V${i}`, "x".repeat(100 * 1024)]));
  expect(refusal(() => applyConfigChange({}, many)).message).toBe("config vars: all names and values together may have 1024 KiB.");
});

test("C24: the 1,001st var is refused, also when it joins 1,000 that are there", () => {
  const thousand = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`V${i}`, "x"]));
  expect(Object.keys(applyConfigChange({}, thousand))).toHaveLength(1000);
  expect(refusal(() => applyConfigChange(thousand, { ONE_MORE: "x" })).message).toBe("config vars: at most 1000 are kept, this would make 1001.");
  expect(Object.keys(applyConfigChange(thousand, { ONE_MORE: "x", V0: null }))).toHaveLength(1000);
});

test("C19: a NUL byte in a value is refused", () => {
  expect(refusal(() => applyConfigChange({}, { A: "x\0y" })).message).toContain("NUL byte");
});

test.each([[1], [true], [["x"]], [{ x: 1 }]])("the value %j is no string and is refused", (value) => {
  expect(refusal(() => applyConfigChange({}, { A: value })).message).toBe("config var A: the value must be a string, or null to remove it.");
});

test.each([[null], ["A=b"], [["A"]], [1], [undefined]])("the change %j is no object and is refused", (change) => {
  expect(refusal(() => applyConfigChange({}, change)).message).toBe("config vars: must be an object of names and values.");
});

test("C20-22: any other text is kept byte for byte", () => {
  const texts = ["-----BEGIN X-----\nabc\n-----END X-----\n", "'\"$(id)\\`", "  =a = b=  ", "\u0085\u2028\ud83d\ude00"];
  for (const text of texts) expect(applyConfigChange({}, { A: text })).toEqual({ A: text });
  const anyText = fc.array(fc.integer({ min: 1, max: 0xffff }), { minLength: 1 }).map((codes) => String.fromCharCode(...codes));
  fc.assert(fc.property(anyText, (text) => applyConfigChange({ B: "b" }, { A: text })["A"] === text));
});

test.each<[Record<string, string>, Record<string, string>, string | undefined]>([
  [{}, { A: "1" }, "Set A config vars"],
  [{ A: "1" }, { A: "2", B: "1" }, "Set A, B config vars"],
  [{ A: "1" }, {}, "Remove A config vars"],
  [{ A: "1", B: "1" }, { A: "2" }, "Set A and remove B config vars"],
  [{ A: "1" }, { A: "1" }, undefined],
  [{ constructor: "1" }, {}, "Remove constructor config vars"],
  [{}, { constructor: "1" }, "Set constructor config vars"],
])("from %j to %j reads %j", (before, after, text) => {
  expect(describeConfigChange(before, after)).toBe(text);
});
