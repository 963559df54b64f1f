import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { newToken } from "../../server/domain/credentials.ts";
import { openStore } from "./test-store.ts";

test("a token is known by its text, and no other text is", () => {
  const store = openStore();
  const token = newToken();
  store.tokens.add(store.user.id, token, "admin");
  expect(store.tokens.userIdFor(token)).toBe(store.user.id);
  const wrong = ["", "paas_", token.slice(0, -1), `${token}x`, `${token} `, token.toUpperCase(), `${token.slice(0, 12)}${newToken().slice(12)}`, newToken()];
  for (const text of wrong) expect(store.tokens.userIdFor(text)).toBeUndefined();
});

test("two tokens with one prefix belong to their own users", () => {
  const store = openStore();
  const other = store.users.create("other@example.com", { admin: false });
  const [one, two] = ["paas_same-prefix-1".padEnd(48, "a"), "paas_same-prefix-1".padEnd(48, "b")];
  store.tokens.add(store.user.id, one, "x");
  store.tokens.add(other.id, two, "x");
  expect([store.tokens.userIdFor(one), store.tokens.userIdFor(two)]).toEqual([store.user.id, other.id]);
});

test("a token is refused from its last moment on", () => {
  const store = openStore();
  const [past, future] = [newToken(), newToken()];
  store.tokens.add(store.user.id, past, "x", new Date(Date.now() - 1));
  store.tokens.add(store.user.id, future, "x", new Date(Date.now() + 60_000));
  expect(store.tokens.userIdFor(past)).toBeUndefined();
  expect(store.tokens.userIdFor(future)).toBe(store.user.id);
});

test("tokens of one description are taken back together, others stay", () => {
  const store = openStore();
  const other = store.users.create("other@example.com", { admin: false });
  const [admin, laptop, others] = [newToken(), newToken(), newToken()];
  store.tokens.add(store.user.id, admin, "admin");
  store.tokens.add(store.user.id, laptop, "laptop");
  store.tokens.add(other.id, others, "admin");
  store.tokens.removeByDescription(store.user.id, "admin");
  expect([admin, laptop, others].map((token) => store.tokens.userIdFor(token))).toEqual([undefined, store.user.id, other.id]);
});

test("no byte of the database tells a token: only its prefix and its digest are there", () => {
  const store = openStore();
  const tokens = Array.from({ length: 20 }, newToken);
  for (const token of tokens) store.tokens.add(store.user.id, token, "x");
  const bytes = ["", "-wal"].map((suffix) => readFileSync(store.file + suffix).toString("latin1")).join("");
  for (const token of tokens) {
    expect(bytes.includes(token.slice(0, 12))).toBe(true);
    for (const piece of [token, token.slice(5), token.slice(0, 20), token.slice(-16)]) expect(bytes.includes(piece)).toBe(false);
  }
});
