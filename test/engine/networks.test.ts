import fc from "fast-check";
import { expect, test } from "vitest";
import { freeSubnets } from "../../server/engine/networks.ts";

const RANGE = "10.213.0.0/16";

const first = (taken: string[], range = RANGE): string | undefined => freeSubnets(range, taken).next().value ?? undefined;

test.each<[string[], string | undefined]>([
  [[], "10.213.0.0/26"],
  [["10.213.0.0/26"], "10.213.0.64/26"],
  [["10.213.0.64/26"], "10.213.0.0/26"],
  [["172.17.0.0/16", "192.168.0.0/20", "10.212.0.0/16", "10.214.0.0/16"], "10.213.0.0/26"],
  [["10.213.0.0/24"], "10.213.1.0/26"],
  [["10.213.0.37/32"], "10.213.0.64/26"],
  [["10.213.0.0/26", "10.213.0.128/26"], "10.213.0.64/26"],
  [["10.0.0.0/8"], undefined],
  [["0.0.0.0/0"], undefined],
])("beside %j the first free subnet is %s", (taken, expected) => {
  expect(first(taken)).toBe(expected);
});

test("a /16 has room for 1,024 apps, each subnet once and inside the range", () => {
  const all = [...freeSubnets(RANGE, [])];
  expect(all).toHaveLength(1024);
  expect(new Set(all).size).toBe(1024);
  expect([all.at(0), all.at(-1)]).toEqual(["10.213.0.0/26", "10.213.255.192/26"]);
});

test("the top of the address space is no edge to fall off", () => {
  expect(first(["192.168.240.0/21"], "192.168.240.0/20")).toBe("192.168.248.0/26");
  expect([...freeSubnets("172.16.0.0/12", [])].at(-1)).toBe("172.31.255.192/26");
});

test("no subnet given overlaps a taken one, whatever is taken, and none that is free is left out", () => {
  const taken = fc.array(fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 255 }), fc.integer({ min: 18, max: 32 })), { maxLength: 20 })
    .map((list) => list.map(([third, fourth, size]) => ({ base: Math.floor((third * 256 + fourth) / 2 ** (32 - size)) * 2 ** (32 - size), size })));
  fc.assert(fc.property(taken, (blocks) => {
    const used = new Set<number>();
    for (const { base, size } of blocks) for (let address = base; address < base + 2 ** (32 - size); address += 1) used.add(Math.floor(address / 64));
    const cidrs = blocks.map(({ base, size }) => `10.213.${Math.floor(base / 256)}.${base % 256}/${size}`);
    const free = [...freeSubnets(RANGE, cidrs)].map((subnet) => subnet.split(/[./]/).map(Number)).map(([, , third = 0, fourth = 0]) => (third * 256 + fourth) / 64);
    return free.length === 1024 - used.size && free.every((slot) => !used.has(slot));
  }), { numRuns: 30 });
});
