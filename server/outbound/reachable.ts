/** Which addresses a URL of a user may lead to: those of the public internet, and what the operator allows. Asked for every connection, of every address. */

import { BlockList, isIP } from "node:net";
import type { LookupFunction } from "node:net";
import { networkInterfaces } from "node:os";

/** IANA's special-purpose registries (RFC 6890): nothing in them is a host of the internet. */
const SPECIAL_V4: [string, number][] = [
  ["0.0.0.0", 8], ["10.0.0.0", 8], ["100.64.0.0", 10], ["127.0.0.0", 8], ["169.254.0.0", 16], ["172.16.0.0", 12], ["192.0.0.0", 24], ["192.0.2.0", 24], ["192.88.99.0", 24],
  ["192.168.0.0", 16], ["198.18.0.0", 15], ["198.51.100.0", 24], ["203.0.113.0", 24], ["224.0.0.0", 3],
];
/** Of IPv6 only 2000::/3 is given out; within it, what leads to IPv4 or is for papers. */
const SPECIAL_V6: [string, number][] = [["::", 3], ["4000::", 2], ["8000::", 1], ["2001::", 23], ["2001:db8::", 32], ["2002::", 16], ["3fff::", 20]];

/** The address is not one that a URL of a user may lead to. */
export class Unreachable extends Error {}

export type Reach = {
  /** @throws Unreachable */
  assertAddress(address: string): void;
  /** Resolves the name and refuses all of it when one of its addresses is refused; for `net.connect` and everything above it. */
  lookup: LookupFunction;
};

export type ReachOptions = {
  /** The operator's setting that `allowed` comes from: refusals name it. */
  setting?: string;
  /** False: what is allowed, and nothing else. */
  internet?: boolean;
};

/** @param allowed networks (CIDR, or single addresses) that are let through besides */
export function createReach(allowed: string[], { setting = "PAAS_DRAIN_ALLOW", internet = true }: ReachOptions = {}): Reach {
  // One for each family: in a list of both, every IPv4 address would count as one of ::/3.
  const special = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const [network, size] of SPECIAL_V4) special.ipv4.addSubnet(network, size, "ipv4");
  for (const [network, size] of SPECIAL_V6) special.ipv6.addSubnet(network, size, "ipv6");
  const exceptions = new BlockList();
  for (const network of allowed) {
    const [address = "", size] = network.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    exceptions.addSubnet(address, size === undefined ? (family === "ipv6" ? 128 : 32) : Number(size), family);
  }

  const assertAddress = (given: string): void => {
    const address = plain(given);
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (exceptions.check(address, family)) return;
    // What listens on all addresses of the machine listens on its public one as well.
    const own = Object.values(networkInterfaces()).some((list) => list?.some((one) => one.address === address));
    if (!internet) throw new Unreachable(`${address} is not allowed by ${setting}`);
    if (own || special[family].check(address, family)) throw new Unreachable(`${address} is not an address of the public internet (the operator may allow it by ${setting})`);
  };

  return {
    assertAddress,
    lookup(host, options, callback) {
      // Loaded here: most installations have no drain.
      process.getBuiltinModule("node:dns").lookup(host, { ...options, all: true }, (error, addresses) => {
        if (error) return callback(error, "", 0);
        try {
          for (const { address } of addresses) assertAddress(address);
        } catch (refused) {
          return callback(refused as Error, "", 0);
        }
        const [first] = addresses;
        if (options.all) callback(null, addresses);
        else callback(null, first?.address ?? "", first?.family ?? 0);
      });
    },
  };
}

/** `::ffff:10.0.0.1` and `::ffff:a00:1` as the IPv4 address that they are (RFC 4291 section 2.5.5.2); without a zone. */
function plain(address: string): string {
  const [bare = ""] = address.split("%");
  if (isIP(bare) !== 6) return bare;
  const canonical = new URL(`http://[${bare}]/`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical) ?? [];
  if (high === undefined || low === undefined) return canonical;
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [a >> 8, a & 255, b >> 8, b & 255].join(".");
}
