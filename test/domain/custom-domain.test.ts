import { describe, expect, test } from "vitest";
import { coversHost, customHostname } from "../../server/domain/custom-domain.ts";
import { AppError } from "../../server/errors.ts";

const PLATFORM = "apps.example.com";

function refusal(given: unknown): string {
  try {
    return `taken as ${customHostname(given, PLATFORM)}`;
  } catch (error) {
    if (error instanceof AppError && error.id === "invalid_params") return error.message;
    throw error;
  }
}

test.each([
  ["www.shop.test", "www.shop.test"], ["WWW.Shop.Test", "www.shop.test"], ["www.shop.test.", "www.shop.test"], ["www.shop.test:80", "www.shop.test"], ["WWW.SHOP.TEST.:8080", "www.shop.test"],
  ["münchen.de", "xn--mnchen-3ya.de"], ["MÜNCHEN.de", "xn--mnchen-3ya.de"], ["xn--mnchen-3ya.de", "xn--mnchen-3ya.de"], ["faß.de", "xn--fa-hia.de"], ["пример.com", "xn--e1afmkfd.com"], ["例え.テスト", "xn--r8jz45g.xn--zckzah"],
  ["ＡＢ.com", "ab.com"], ["a--b.com", "a--b.com"], ["1.com", "1.com"], ["xn--80a.com", "xn--80a.com"], ["myapps.example.com", "myapps.example.com"], ["example.com", "example.com"],
  [`${"a".repeat(63)}.com`, `${"a".repeat(63)}.com`], [`${"a.".repeat(125)}com`, `${"a.".repeat(125)}com`],
])("%s is kept as %s", (given, canonical) => {
  expect(customHostname(given, PLATFORM)).toBe(canonical);
  expect(customHostname(canonical, PLATFORM)).toBe(canonical);
});

describe("a name that cannot be a custom domain is refused with the field and the rule", () => {
  const REFUSED: [string, unknown, RegExp][] = [
    ["D1 empty", "", /must be a host name such as/],
    ["D2", "*", /wildcards are not routed here/],
    ["D3", "*.com", /wildcards are not routed here/],
    ["D4", "*.apps.example.com", /wildcards are not routed here/],
    ["D5 the platform's apex", "apps.example.com", /the platform's own/],
    ["D6 the dashboard's host", "dashboard.apps.example.com", /the platform's own/],
    ["another app's own host", "OTHER.apps.example.com.", /the platform's own/],
    ["D8", "a..b", /empty part/],
    ["D9", ".a", /empty part/],
    ["D10", "-a.com", /begins or ends with a dash/],
    ["D11 64-character label", `${"a".repeat(64)}.com`, /64 characters: at most 63/],
    ["D12 254 characters", `${"a.".repeat(125)}comm`, /at most 253 characters/],
    ["D12 far too long", "a".repeat(10_000), /too long/],
    ["D13", "a_b.com", /only contain letters, digits, dashes and dots/],
    ["D14", "http://a.com/", /host name alone/],
    ["D15", "a.com/x", /host name alone/],
    ["D16", "a.com?x", /host name alone/],
    ["D17", "u@a.com", /host name alone/],
    ["D18", "127.0.0.1", /not an IP address/],
    ["D18 with a port", "127.0.0.1:80", /not an IP address/],
    ["D19", "[::1]", /not an IP address/],
    ["D20", "0x7f.1", /not an IP address/],
    ["a short address", "127.1", /not an IP address/],
    ["an address as one number", "2130706433", /not an IP address/],
    ["a name that ends in hexadecimal", "a.0x", /not an IP address/],
    ["D21", "localhost", /at least two parts/],
    ["below localhost", "a.localhost", /public DNS/],
    ["D22", "x.internal", /public DNS/],
    ["a printer's name", "x.local", /public DNS/],
    ["D23 Caddy block", "evil.com {\n}", /only contain letters/],
    ["D24 a letter that only looks like Latin", "а.com", /only look like Latin/],
    ["two alphabets in one label", "pаypal.com", /different alphabets/],
    ["Greek in Latin", "gοogle.com", /different alphabets/],
    ["D25 emoji", "💩.com", /only contain letters/],
    ["D25 emoji in ASCII form", "xn--ls8h.com", /not a valid international name/],
    ["ASCII form of nothing", "xn--a.com", /not a valid international name/],
    ["invisible characters", "a\u200bb.com", /only contain letters/],
    ["right to left override", "a\u202eb.com", /only contain letters/],
    ["a NUL", "a\u0000.com", /only contain letters/],
    ["a blank", "a b.com", /only contain letters/],
    ["a dash at the end", "a-.com", /begins or ends with a dash/],
    ["a port that is none", "a.com:x", /only contain letters/],
    ["a percent", "a%2ecom", /only contain letters/],
    ["a semicolon", "a.com;id", /only contain letters/],
    ["a backslash", "a.com\\b", /host name alone/],
    ["a number", 123, /must be a host name/],
    ["a list", ["a.com"], /must be a host name/],
    ["nothing", undefined, /must be a host name/],
  ];
  test.each(REFUSED)("%s", (_id, given, rule) => {
    const message = refusal(given);
    expect(message).toMatch(rule);
    expect(message).toMatch(/^hostname: [^\n]{10,200}\.$/);
  });
});

test("a certificate covers its names, and with a wildcard names of one label more", () => {
  const names = ["example.com", "*.example.com"];
  for (const host of ["example.com", "www.example.com", "a-b.example.com"]) expect(coversHost(names, host), host).toBe(true);
  for (const host of ["a.b.example.com", "example.org", "xexample.com", "com", "*.com"]) expect(coversHost(names, host), host).toBe(false);
  expect(coversHost(["*.example.com"], "example.com")).toBe(false);
});
