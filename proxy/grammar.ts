/** The character classes of HTTP/1.1 heads, as tables indexed by octet (RFC 9110 5.5, 5.6.2; RFC 3986). */

export const CR = 13;
export const LF = 10;
export const SPACE = 32;
export const TAB = 9;
export const COLON = 58;

/** tchar, RFC 9110 5.6.2. The underscore is 2: legal, but some servers read `X_Y` as `X-Y` (see field-names.ts). */
export const TOKEN = table((c) => (c === 95 ? 2 : /[!#$%&'*+\-.^`|~0-9A-Za-z]/.test(String.fromCharCode(c)) ? 1 : 0));

/** Octets of a field value, RFC 9110 5.5: visible, obs-text, space and tab. Never CR, LF, NUL or another control. */
export const FIELD_VALUE = table((c) => (c === TAB || (c >= SPACE && c !== 127) ? 1 : 0));

/** Octets of a request target. `#` is refused: a fragment is never sent (RFC 9112 3.2), and rules on paths trip over it. */
export const TARGET = table((c) => (c > SPACE && c < 127 && c !== 35 ? 1 : 0));

/** Each hexadecimal digit's value plus one; 0 for anything else. */
export const HEX = table((c) => {
  const digit = "0123456789abcdef".indexOf(String.fromCharCode(c).toLowerCase());
  return c < 128 ? digit + 1 : 0;
});

function table(value: (octet: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, octet) => value(octet));
}
