/** The one canonicaliser of host names: whatever a client spells, the table is asked for exactly one name. */

const DOT = 46;

/**
 * The canonical form of a Host value (RFC 9110 7.2) or authority: lower case, without port and one final dot.
 * Null when it is not `host [":" port]` with a host of letters, digits, `-`, `_` and `.` (an IPv6 literal passes as it
 * is): empty, userinfo, lists, percent-encoding and raw UTF-8 are all refused. International names come as `xn--`.
 */
export function canonicalHost(value: string): string | null {
  if (value.charCodeAt(0) === 91) return ipv6Literal(value);
  let end = value.length;
  let before = DOT;
  let upper = false;
  for (let i = 0; i < end; i++) {
    const c = value.charCodeAt(i);
    if ((c >= 97 && c <= 122) || (c >= 48 && c <= 57) || c === 45 || c === 95) {
      // The common octets.
    } else if (c === DOT) {
      if (before === DOT) return null;
    } else if (c >= 65 && c <= 90) {
      upper = true;
    } else if (c === 58) {
      if (!isPort(value, i + 1)) return null;
      end = i;
      break;
    } else {
      return null;
    }
    before = c;
  }
  if (end > 0 && before === DOT) end--;
  if (end === 0 || end > 253) return null;
  const host = end === value.length ? value : value.slice(0, end);
  return upper ? host.toLowerCase() : host;
}

function isPort(value: string, from: number): boolean {
  if (value.length - from > 5) return false;
  for (let i = from; i < value.length; i++) {
    const c = value.charCodeAt(i);
    if (c < 48 || c > 57) return false;
  }
  return true;
}

function ipv6Literal(value: string): string | null {
  const match = /^(\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{0,5})?$/.exec(value);
  return match === null ? null : match[1]!.toLowerCase();
}
