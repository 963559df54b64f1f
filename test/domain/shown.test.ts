import { expect, test } from "vitest";
import { shown } from "../../server/domain/shown.ts";

test.each([["web", "web"], ["a\nid", "a?id"], ["a\r\nb\u0000\u001b[31m", "a??b??[31m"], ["\u202Egnp.exe", "?gnp.exe"], ["\ud800", "\ufffd"], ["ž 👍", "ž 👍"], ["x".repeat(61), `${"x".repeat(60)}…`]])("%j is repeated as %j", (given, line) => expect(shown(given)).toBe(line));
