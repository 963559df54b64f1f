import { expect, test } from "vitest";
import { newToken, tokenDigest, tokenFromAuthorization } from "../../server/domain/credentials.ts";

const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;

test.each<[string, string, string]>([
  ["Bearer", "Bearer paas_abc", "paas_abc"],
  ["Bearer in any case, after several blanks", "bEARER   paas_abc", "paas_abc"],
  ["Basic with the token as password", basic("paas:paas_abc"), "paas_abc"],
  ["Basic without a user name, as Heroku's clients send it", basic(":paas_abc"), "paas_abc"],
  ["Basic with colons in the password", basic("paas:a:b"), "a:b"],
  ["basic in small letters", basic("paas:x").replace("Basic", "basic"), "x"],
])("%s carries the token", (_, header, token) => {
  expect(tokenFromAuthorization(header)).toBe(token);
});

test.each<[string, string | undefined]>([
  ["no header", undefined],
  ["an empty header", ""],
  ["A48, Bearer and nothing", "Bearer "],
  ["Bearer alone", "Bearer"],
  ["G4, Basic and nothing", "Basic "],
  ["Basic without a colon", basic("paas_abc")],
  ["Basic with an empty password", basic("paas:")],
  ["another scheme", "Digest abc"],
  ["two tokens", "Bearer a b"],
  ["A49, a token of 1 MB", `Bearer ${"a".repeat(1024 * 1024)}`],
  ["a line feed", "Bearer a\n"],
  ["no scheme", "paas_abc"],
])("%s carries none", (_, header) => {
  expect(tokenFromAuthorization(header)).toBeUndefined();
});

test("a new token has 256 random bits behind a word that scanners know", () => {
  const tokens = Array.from({ length: 100 }, newToken);
  for (const token of tokens) expect(token).toMatch(/^paas_[A-Za-z0-9_-]{43}$/);
  expect(new Set(tokens).size).toBe(100);
});

test("what is stored finds the row and proves the token, and is neither", () => {
  const token = newToken();
  const { prefix, sha256 } = tokenDigest(token);
  expect(token.startsWith(prefix)).toBe(true);
  expect(prefix.length).toBeLessThanOrEqual(12);
  expect(sha256).toHaveLength(32);
  expect(tokenDigest(`${token}x`)).toMatchObject({ prefix });
  expect(tokenDigest(`${token}x`).sha256.equals(sha256)).toBe(false);
  expect(tokenDigest("").sha256).toHaveLength(32);
});
