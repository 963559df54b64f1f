import fc from "fast-check";
import { expect, test } from "vitest";
import { parseProcfile } from "../../server/domain/procfile.ts";
import { AppError } from "../../server/errors.ts";
import { refusal } from "../support/refusal.ts";

const parse = (text: string | Uint8Array): Record<string, string> => parseProcfile(Buffer.from(text as string));

test.each<[string, string, Record<string, string>]>([
  ["P2, an empty file", "", {}],
  ["P3, only comments and blank lines", "# web: x\n\n   # worker: y\n\t\n", {}],
  ["P4, a byte-order mark", "\ufeffweb: node s.js\n", { web: "node s.js" }],
  ["P5, CRLF", "web: a\r\nworker: b\r\n", { web: "a", worker: "b" }],
  ["P6, no web", "worker: b\n", { worker: "b" }],
  ["P20, a command that no shell would take", "web: echo 'unterminated\n", { web: "echo 'unterminated" }],
  ["P19, a command with &", "web: node s.js & disown\n", { web: "node s.js & disown" }],
  ["P17, a release phase", "release: exit 1\nweb: x", { release: "exit 1", web: "x" }],
  ["no line feed at the end", "web: a", { web: "a" }],
  ["colons and hashes in a command", "web: env A=b:c run # really", { web: "env A=b:c run # really" }],
  ["blanks around type and command", "  web :  node s.js \t", { web: "node s.js" }],
  ["no blank behind the colon", "web:node s.js", { web: "node s.js" }],
  ["digits, dashes and underscores in a type", "web2-a_b: x", { "web2-a_b": "x" }],
  ["a type of 63 characters", `${"w".repeat(63)}: x`, { ["w".repeat(63)]: "x" }],
  ["a type that every object has", "constructor: x", { constructor: "x" }],
])("%s is read", (_, text, types) => {
  expect(parse(text)).toEqual(types);
  expect(Object.keys(parse(text))).toEqual(Object.keys(types));
});

test.each<[string, string | Uint8Array, string]>([
  ["P7, web without a command", "web:\n", 'Procfile, line 1: the process type "web" has no command.'],
  ["P8, web twice", "web: a\n\nweb: b\n", 'Procfile, line 3: the process type "web" stands there twice.'],
  ["P9, a type in capitals", "WEB: x", 'Procfile, line 1: "WEB" is no process type'],
  ["P10, a path", "../x: y", 'Procfile, line 1: "../x" is no process type'],
  ["P11, a command in the type", "web;id: y", 'Procfile, line 1: "web;id" is no process type'],
  ["P12, a type of 65 characters", `${"w".repeat(65)}: y`, "Procfile, line 1: "],
  ["P13, 10,000 types", Array.from({ length: 5000 }, (_, i) => `t${i}: x`).join("\n"), "Procfile: more than 100 process types."],
  ["P14, a line of 1 MB", `web: ${"x".repeat(1024 * 1024)}`, "Procfile: larger than 64 KiB."],
  ["a command of 8,193 characters", `web: ${"x".repeat(8193)}`, "Procfile, line 1: the command is longer than 8192 characters."],
  ["P15, a NUL byte", "web: a\0b", "Procfile: holds a NUL byte."],
  ["P15, invalid UTF-8", Uint8Array.of(0x77, 0x65, 0x62, 0x3a, 0xff, 0xfe), "Procfile: is not valid UTF-8 text."],
  ["a line without a colon", "web: a\nnode s.js\n", 'Procfile, line 2: must read "<process type>: <command>".'],
  ["__proto__", "__proto__: x", 'Procfile, line 1: "__proto__" is no process type'],
  ["no type", ": x", 'Procfile, line 1: "" is no process type'],
])("%s is refused, naming the line", (_, text, message) => {
  const error = refusal(() => parse(text));
  expect(error).toMatchObject({ id: "invalid_params" });
  expect(error.message.slice(0, message.length)).toBe(message);
  expect(error.message.length).toBeLessThan(300);
});

test("whatever the bytes are, the answer is a reading or a refusal", () => {
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.string({ unit: fc.constantFrom("w", ":", "\n", "\r", " ", "#", "\0", "é", "_"), maxLength: 60 }).map((text) => Buffer.from(text)));
  fc.assert(fc.property(bytes, (file) => {
    try {
      for (const [type, command] of Object.entries(parseProcfile(file))) {
        if (!/^[a-z][a-z0-9_-]{0,62}$/.test(type) || command === "" || command.trim() !== command || /[\0\n]/.test(command)) return false;
      }
      return true;
    } catch (error) {
      return error instanceof AppError && error.id === "invalid_params";
    }
  }), { numRuns: 500 });
});
