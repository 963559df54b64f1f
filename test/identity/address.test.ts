import { expect, test } from "vitest";
import { senderOf } from "../../server/identity/address.ts";

test.each([
  ["192.0.2.7", "192.0.2.7"], ["::ffff:192.0.2.7", "192.0.2.7"], ["::FFFF:192.0.2.7", "192.0.2.7"], ["2001:db8::1", "2001:db8:0:0::/64"], ["2001:0DB8:0:0:ffff::9", "2001:db8:0:0::/64"],
  ["2001:db8:0:1::1", "2001:db8:0:1::/64"], ["fe80::1%eth0", "fe80:0:0:0::/64"], ["::1", "0:0:0:0::/64"], ["1:2:3:4:5:6:7:8", "1:2:3:4::/64"], [undefined, "unknown"],
])("%s counts as %s", (address, sender) => expect(senderOf(address)).toBe(sender));
