import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseRange } from "../../server/api/range.ts";
import type { App } from "../../server/domain/model.ts";
import { startApiServer, type ApiServer } from "../support/api-server.ts";

let server: ApiServer;
let app: App;
beforeAll(async () => {
  server = await startApiServer();
  app = await server.pipeline.createApp("ranged", server.ann.user);
  for (let version = 2; version <= 25; version += 1) await server.pipeline.changeConfig(app, { N: String(version) }, server.ann.user);
});
afterAll(() => server.stop());

const releases = async (range?: string) => {
  const answer = await server.ask<{ version: number }[]>("GET", "/apps/ranged/releases", range === undefined ? {} : { headers: { range } });
  return { ...answer, versions: Array.isArray(answer.body) ? answer.body.map(({ version }) => version) : [] };
};
const from = (first: number, last: number): number[] => Array.from({ length: Math.abs(last - first) + 1 }, (_, index) => first + (last < first ? -index : index));

describe("a list of 25 releases", () => {
  test.each([
    ["none", undefined, 200, from(1, 25)],
    ["an empty one", "", 200, from(1, 25)],
    ["the last one, as config:set asks", "version ..; order=desc,max=1", 206, [25]],
    ["the last 15, as releases asks", "version ..; max=15, order=desc", 206, from(25, 11)],
    ["everything by id, as domains asks", "id ..; max=1000;", 200, undefined],
    ["a bounded one, both ends included", "version 3..6", 200, from(3, 6)],
    ["an exclusive start", "version ]3..6", 200, from(4, 6)],
    ["an open start", "version ..2", 200, [1, 2]],
    ["an open end", "version 24..", 200, [24, 25]],
    ["going down from a start", "version 3..; order=desc", 200, [3, 2, 1]],
    ["going down within two bounds", "version 3..6; order=desc", 200, from(6, 3)],
    ["going down within two bounds the other way", "version 6..3; order=desc", 200, from(6, 3)],
    ["exactly as many as there are", "version ..; max=25", 200, from(1, 25)],
    ["more than is ever given", "version ..;max=5000", 200, from(1, 25)],
    ["beyond the end", "version 26..", 200, []],
    ["no blanks", "version ..;order=desc;max=2", 206, [25, 24]],
    ["the attribute alone", "version; max=2", 206, [1, 2]],
  ])("%s", async (_name, range, status, versions) => {
    const answer = await releases(range);
    expect(answer.status, answer.text).toBe(status);
    if (versions) expect(answer.versions).toEqual(versions);
    else expect(answer.versions.toSorted((a, b) => a - b)).toEqual(from(1, 25));
    expect(answer.headers.get("accept-ranges")).toBe("version, id");
    expect(answer.headers.get("content-range")).toMatch(/^(version|id) [\w-]*\.\.[\w-]*$/);
    expect(answer.headers.has("next-range")).toBe(status === 206);
  });

  test.each(["nonsense", "bytes=0-99", "size ..", "version ..; max=0", "version ..; max=-1", "version ..; max=many", "version ..; max=", "version ..; order=sideways", "version ..; color=red", "version x..", "version ..1e3", "version 1", "..", "version ..\u00e9", `version ${".".repeat(12_000)} x`])(
    "%j cannot be satisfied, and that is known at once", async (range) => {
      const begun = performance.now();
      const answer = await server.ask("GET", "/apps/ranged/releases", { headers: { range } });
      expect(answer).toMatchObject({ status: 416, body: { id: "requested_range_not_satisfiable", message: expect.stringMatching(/^The Range header .*\.$/) as string } });
      expect(performance.now() - begun).toBeLessThan(30_000);
    });

  test.each(["version ..; max=7", "version ..; max=7, order=desc", "version 2..20; max=5", "version 2..20; max=5, order=desc", "id ..; max=9, order=desc"])(
    "following Next-Range from %j gives everything once and in order", async (range) => {
      const seen: number[] = [];
      for (let next: string | null = range; next !== null;) {
        const answer: Awaited<ReturnType<typeof releases>> = await releases(next);
        expect(answer.status).toBe(answer.headers.has("next-range") ? 206 : 200);
        seen.push(...answer.versions);
        next = answer.headers.get("next-range");
      }
      const all = range.includes("2..20") ? from(2, 20) : from(1, 25);
      if (range.startsWith("id")) expect(seen.toSorted((a, b) => a - b)).toEqual(all);
      else expect(seen).toEqual(range.includes("desc") ? all.toReversed() : all);
    });

  test("names where the page begins and ends, and how to go on", async () => {
    const { headers } = await releases("version ..; max=10, order=desc");
    expect(headers.get("content-range")).toBe("version 25..16");
    expect(headers.get("next-range")).toBe("version ]16..; max=10, order=desc");
  });
});

test("a page never parts items that are equal in what it is sorted by, for the next would skip them", async () => {
  for (const name of ["tie-one", "tie-two", "tie-three"]) {
    const { id } = await server.pipeline.createApp(name, server.bob.user);
    server.store.apps.touch(id, "2030-01-01T00:00:00.000Z");
  }
  const page = await server.ask<unknown[]>("GET", "/apps", { as: server.bob, headers: { range: "updated_at ..; max=2" } });
  expect(page.status).toBe(200);
  expect(page.body).toHaveLength(3);
});

test("every list accepts the range that Heroku's clients send with every request", async () => {
  const lists = ["/apps", "/users/~/apps", "/regions", "/stacks", ...["collaborators", "addons", "features", "builds", "releases", "formation", "dynos"].map((list) => `/apps/ranged/${list}`)];
  for (const list of lists) expect([list, (await server.ask("GET", list, { headers: { range: "id ..; max=1000" } })).status]).toEqual([list, 200]);
  expect((await server.ask("PATCH", "/apps/ranged/config-vars", { json: {}, headers: { range: "id ..; max=1000" } })).status).toBe(200);
});

test("a range of 200 is the default and 1000 the most", () => {
  expect(parseRange(undefined, ["id"]).max).toBe(200);
  expect(parseRange("id ..; max=1000", ["id"]).max).toBe(1000);
  expect(parseRange("id ..; max=999999", ["id"]).max).toBe(1000);
});
