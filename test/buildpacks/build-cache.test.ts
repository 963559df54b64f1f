import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { boundFolder } from "../../buildpacks/lib/build-cache.ts";

let cache: string;
let folder: string;

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), "paas-cache-"));
  folder = join(cache, "modules");
  mkdirSync(folder);
  writeFileSync(join(folder, "big"), Buffer.alloc(3 * 2 ** 20));
});
afterEach(() => rmSync(cache, { recursive: true }));

it("empties a folder of the cache that has outgrown its bound, but only once other things are wanted", async () => {
  await boundFolder(folder, "lock one", 10);
  expect(readdirSync(folder)).toEqual(["big"]);
  await boundFolder(folder, "lock one", 2);
  expect(readdirSync(folder)).toEqual(["big"]);
  await boundFolder(folder, "lock two", 2);
  expect(readdirSync(folder)).toEqual([]);
});
