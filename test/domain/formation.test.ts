import { expect, test } from "vitest";
import { nextFormation, parseQuantity, type Formation } from "../../server/domain/formation.ts";
import { refusal } from "../support/refusal.ts";

const size = "standard";

test.each<[string, string[], Formation, Parameters<typeof nextFormation>[2], Formation]>([
  ["the first deploy starts one web and nothing else", ["web", "worker"], {}, {}, { web: { quantity: 1, size }, worker: { quantity: 0, size } }],
  ["an app without web starts nothing", ["worker"], {}, {}, { worker: { quantity: 0, size } }],
  ["what was scaled stays", ["web", "worker"], { web: { quantity: 0, size }, worker: { quantity: 3, size } }, {}, { web: { quantity: 0, size }, worker: { quantity: 3, size } }],
  ["app.json speaks for types never seen before", ["web", "worker"], {}, { web: { quantity: 2 }, worker: { quantity: 1, size: "large" } }, { web: { quantity: 2, size }, worker: { quantity: 1, size: "large" } }],
  ["app.json may start no web", ["web"], {}, { web: { quantity: 0 } }, { web: { quantity: 0, size } }],
  ["app.json does not undo what somebody scaled", ["web", "worker"], { web: { quantity: 4, size } }, { web: { quantity: 2 }, worker: { quantity: 1 } }, { web: { quantity: 4, size }, worker: { quantity: 1, size } }],
  ["types that are gone go", ["web"], { web: { quantity: 2, size }, worker: { quantity: 1, size } }, {}, { web: { quantity: 2, size } }],
  ["the release phase is no dyno of the formation", ["web", "release"], {}, { release: { quantity: 1 } }, { web: { quantity: 1, size } }],
  ["what app.json asks for types that do not exist is not listened to", ["web"], {}, { clock: { quantity: 1 } }, { web: { quantity: 1, size } }],
  ["a type may have a name that every object has", ["constructor"], {}, {}, { constructor: { quantity: 0, size } }],
])("%s", (_, types, previous, requested, expected) => {
  expect(nextFormation(types, previous, requested)).toEqual(expected);
});

test.each<[unknown, number, number]>([
  [2, 0, 2],
  [0, 5, 0],
  [100, 0, 100],
  ["2", 7, 2],
  ["+1", 2, 3],
  ["-1", 2, 1],
  ["-2", 2, 0],
  ["+0", 2, 2],
])("%j of %i makes %i", (value, current, expected) => {
  expect(parseQuantity(value, current, "web")).toBe(expected);
});

test.each<[string, unknown, number]>([
  ["A41", -1, 5],
  ["A42", 1e9, 0],
  ["A43", 1.5, 0],
  ["A45", 9007199254740993, 0],
  ["one too many", 101, 0],
  ["one too many by a change", "+1", 100],
  ["below nothing", "-3", 2],
  ["nothing", "", 0],
  ["no number", "two", 0],
  ["blanks", " 2", 0],
  ["a line feed", "2\n", 0],
  ["hexadecimal", "0x2", 0],
  ["NaN", Number.NaN, 0],
  ["null", null, 0],
  ["undefined", undefined, 0],
  ["a list", [2], 0],
  ["true", true, 0],
])("%s: the quantity is refused by the type's name", (_, value, current) => {
  expect(refusal(() => parseQuantity(value, current, "web"))).toMatchObject({ id: "invalid_params", message: expect.stringMatching(/^quantity of web: must be /) as string });
});
