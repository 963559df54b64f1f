/** Which requests count as one sender's. */

import { isIPv6 } from "node:net";

/**
 * The key under which a socket's address is counted: an IPv4 address is one sender, of IPv6 a whole /64 is, for that is what one line is given.
 * What headers say about the sender is never asked: anybody can write them.
 */
export function senderOf(address: string | undefined): string {
  const given = (address ?? "unknown").replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
  return isIPv6(given) ? `${groups(given).slice(0, 4).join(":")}::/64` : given;
}

/** The eight groups of an IPv6 address, without leading zeros (RFC 4291 section 2.2). */
function groups(address: string): string[] {
  const [head = "", tail] = address.toLowerCase().split("::");
  const [left, right] = [head.split(":").filter(Boolean), (tail ?? "").split(":").filter(Boolean)];
  const filled = tail === undefined ? left : [...left, ...Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => "0"), ...right];
  return filled.map((group) => group.replace(/^0+(?=.)/, ""));
}
