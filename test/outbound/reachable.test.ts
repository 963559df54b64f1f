/** Drains reach the public internet and what the operator allows: nothing of the machine, nothing of its networks, however it is spelled. */

import { networkInterfaces } from "node:os";
import { describe, expect, test } from "vitest";
import { parseDrainUrl } from "../../server/logs/drains/drain-url.ts";
import { createReach, Unreachable } from "../../server/outbound/reachable.ts";

const resolve = (host: string, reach = createReach([])): Promise<unknown> =>
  new Promise((resolved, reject) => reach.lookup(host, {}, (error, address) => (error ? reject(error) : resolved(address))));

describe("addresses that are refused", () => {
  test.each([
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "10.213.0.2", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192", "198.18.0.1", "224.0.0.1", "239.1.1.1", "255.255.255.255",
    "::1", "::", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:a9fe:a9fe", "0:0:0:0:0:ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "2002:7f00:1::", "2001::1", "2001:db8::1", "fec0::1", "100::1",
  ])("%s", (address) => expect(() => createReach([]).assertAddress(address)).toThrow(Unreachable));

  test("the machine's own, public ones too", () => {
    for (const { address } of Object.values(networkInterfaces()).flat().filter((one) => one !== undefined)) expect(() => createReach([]).assertAddress(address), address).toThrow(Unreachable);
  });

  test.each(["localhost", "0x7f.1", "2130706433", "0177.0.0.1", "127.1", "0", "0x7f000001", "017700000001"])("the name %s", async (host) => {
    await expect(resolve(host)).rejects.toThrow();
  });
});

test.each(["1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00::1", "::ffff:8.8.8.8"])("%s is of the public internet", (address) => {
  expect(() => createReach([]).assertAddress(address)).not.toThrow();
});

test("what the operator allows is let through, and nothing beside it", async () => {
  const reach = createReach(["127.0.0.1", "10.1.0.0/16", "fd00::/8"]);
  for (const address of ["127.0.0.1", "::ffff:127.0.0.1", "10.1.2.3", "fd12::1"]) expect(() => reach.assertAddress(address), address).not.toThrow();
  for (const address of ["127.0.0.2", "10.2.0.1", "fc00::1", "::1"]) expect(() => reach.assertAddress(address), address).toThrow(Unreachable);
  expect(await resolve("127.1", reach)).toBe("127.0.0.1");
});

describe("URLs of drains", () => {
  test.each([
    ["syslog://logs.example.com:514", { protocol: "syslog", tls: false, host: "logs.example.com", port: 514 }],
    ["syslog+tls://logs.example.com", { protocol: "syslog", tls: true, port: 6514 }],
    ["https://user:p%40ss@logs.example.com/a/b?c=d", { protocol: "https", tls: true, port: 443, path: "/a/b?c=d", user: "user", password: "p@ss" }],
    ["fluent://logs.example.com", { protocol: "fluent", tls: false, port: 24224, path: "", sharedKey: undefined }],
    ["fluent+tls://ann:secret@[2606:4700::1111]:24225/app.web?shared_key=k%2B1", { protocol: "fluent", tls: true, host: "2606:4700::1111", port: 24225, path: "app.web", user: "ann", password: "secret", sharedKey: "k+1" }],
  ])("%s", (url, target) => expect(parseDrainUrl(url)).toMatchObject(target));

  test.each(["", "x", "http://logs.example.com", "syslog://logs.example.com", "syslog://:514", "syslog+tls://", "https://", "file:///etc/passwd", "gopher://x:1", "https://x/#y", "syslog://x:0", "syslog://x:99999", "https://x y/", "https://x/\n", "https://é/", "https://%zz@x/", `https://x/${"y".repeat(2000)}`, 5, null])("%j is refused", (url) =>
    expect(() => parseDrainUrl(url)).toThrow(/^url: /));
});
