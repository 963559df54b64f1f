import { expect, test } from "vitest";
import { parseAppJson, type AppJson } from "../../server/domain/app-json.ts";
import { firstConfig, generateSecret, valuesOf } from "../../server/domain/first-config.ts";
import { refusal } from "../support/refusal.ts";

const env = (wanted: object): AppJson["env"] => parseAppJson(Buffer.from(JSON.stringify({ env: wanted }))).env;

test("an app's first config vars are the values of app.json and the secrets that it asks for", () => {
  const added = firstConfig(env({ PLAIN: "1", WITH: { value: "2" }, SECRET: { generator: "secret" } }), {}, "shop");
  expect(added).toEqual({ PLAIN: "1", WITH: "2", SECRET: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
});

test("no two secrets are the same", () => {
  expect(new Set(Array.from({ length: 100 }, generateSecret)).size).toBe(100);
});

test("a value wins over a generator", () => {
  expect(valuesOf(env({ SECRET: { value: "mine", generator: "secret" } }))).toEqual({ SECRET: "mine" });
});

test("what is set already is not touched, and counts as a value", () => {
  expect(firstConfig(env({ PLAIN: "1", ASKED: {} }), { PLAIN: "mine", ASKED: "x" }, "shop")).toEqual({});
});

test("what has no value and is not required is left out", () => {
  expect(firstConfig(env({ OPTIONAL: { required: false }, EMPTY: { value: "", required: false } }), {}, "shop")).toEqual({});
});

test("what is required and has no value is refused with every name, what it is for, and how to set it", () => {
  const { id, message } = refusal(() => firstConfig(env({ MAIL_URL: { description: "Where mail\nis sent" }, KEY: "", FINE: "1" }), { OTHER: "1" }, "shop"));
  expect(id).toBe("invalid_params");
  expect(message).toBe([
    "app.json: this app needs config vars that have no value:", "  MAIL_URL: Where mail is sent", "  KEY",
    "Set them, then push again: paas config:set -a shop MAIL_URL=… KEY=…", 'One that the app can do without is marked so: "required": false.',
  ].join("\n"));
});

test("names that every object has are names like others", () => {
  expect(firstConfig(env({ constructor: "1", toString: { generator: "secret" } }), {}, "shop")).toMatchObject({ constructor: "1" });
  expect(refusal(() => firstConfig(env({ valueOf: {} }), {}, "shop")).message).toContain("  valueOf\n");
});
