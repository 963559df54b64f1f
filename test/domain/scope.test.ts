import { expect, test } from "vitest";
import { permits, SCOPES } from "../../server/domain/scope.ts";

test.each([
  [["global"], [...SCOPES]], [["identity"], ["identity"]], [["read"], ["read"]], [["write"], ["read", "write"]], [["read-protected"], ["read", "read-protected"]],
  [["write-protected"], ["read", "write", "read-protected", "write-protected"]], [["identity", "read"], ["identity", "read"]], [[], []],
] as const)("%j gives %j", (granted, given) => expect(SCOPES.filter((scope) => permits([...granted], scope))).toEqual(given));
