import { expect, test } from "vitest";
import { assertPassword, hashPassword, verifyPassword } from "../../server/domain/password.ts";
import { canonicalEmail } from "../../server/domain/email.ts";

test("a password is known again, and no other is", async () => {
  const kept = await hashPassword("correct horse battery");
  expect(kept).toMatch(/^scrypt\$32768\$8\$3\$[\w-]{22}\$[\w-]{43}$/);
  expect(await verifyPassword("correct horse battery", kept)).toBe(true);
  for (const wrong of ["", "correct horse batterx", "correct horse battery ", "Correct horse battery", kept]) expect(await verifyPassword(wrong, kept)).toBe(false);
});

test("the same password is kept as something else each time, and the same letters from another keyboard are the same", async () => {
  const [one, other] = [await hashPassword("Passwörter über alles"), await hashPassword("Passwörter über alles")];
  expect(one).not.toBe(other);
  expect(await verifyPassword("Passwörter über alles".normalize("NFD"), one)).toBe(true);
});

test("where no password is kept, or none that can be read, every one is wrong", async () => {
  for (const kept of [undefined, "", "scrypt$1$1$1$$", "plain"]) expect(await verifyPassword("", kept)).toBe(false);
});

test("a password is at least ten characters long, whatever they are", () => {
  for (const short of ["", "123456789", "💥".repeat(9)]) expect(() => assertPassword(short, "password")).toThrow(/^password: must have at least 10/);
  for (const fine of ["1234567890", "💥".repeat(10), " ".repeat(10)]) expect(() => assertPassword(fine, "password")).not.toThrow();
  expect(() => assertPassword("x".repeat(1001), "new_password")).toThrow(/^new_password: can have at most/);
});

test.each([["Ann@Example.COM ", "ann@example.com"], ["a+b@x.y", "a+b@x.y"], ["admin@localhost", "admin@localhost"]])("the address %j is kept as %s", (given, kept) => expect(canonicalEmail(given)).toBe(kept));

test.each(["", "ann", "@example.com", "ann@", "a b@example.com", "ann@example.com\n.evil", "ann@exa mple.com", "a..b@example.com", "ann@-example.com", `${"a".repeat(65)}@example.com`, "аnn@example.com", "<x>@example.com"])(
  "%j is no address", (given) => expect(() => canonicalEmail(given)).toThrow(/^email: /));
