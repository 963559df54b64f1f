import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startApiServer, type ApiServer } from "../support/api-server.ts";

let server: ApiServer;
beforeAll(async () => void (server = await startApiServer()));
afterAll(() => server.stop());

const installations = (name: string): string => `/apps/${name}/buildpack-installations`;
const put = (name: string, ...buildpacks: unknown[]) => server.ask("PUT", installations(name), { json: { updates: buildpacks.map((buildpack) => ({ buildpack })) }, headers: { range: "" } });

describe("an app's buildpacks", () => {
  test("are none, then those that are set, in order and under their proper names, then none again", async () => {
    const { name } = await server.pipeline.createApp("packed", server.ann.user);
    expect((await server.ask("GET", installations(name))).body).toEqual([]);
    const set = await put(name, "nodejs", "https://example.com/b.git#v1", "https://buildpack-registry.s3.amazonaws.com/buildpacks/heroku/nodejs.tgz");
    const node = { name: "heroku/nodejs", url: "urn:buildpack:heroku/nodejs" };
    const expected = [{ buildpack: node, ordinal: 0 }, { buildpack: { name: "https://example.com/b.git#v1", url: "https://example.com/b.git#v1" }, ordinal: 1 }, { buildpack: node, ordinal: 2 }];
    expect(set).toMatchObject({ status: 200, body: expected });
    expect((await server.ask("GET", installations(name))).body).toEqual(expected);
    expect(await put(name)).toMatchObject({ status: 200, body: [] });
    expect((await server.ask("GET", installations(name))).body).toEqual([]);
  });

  test("are the one that was found where none is set, so that one more can be added to it", async () => {
    const app = await server.pipeline.createApp("found", server.ann.user);
    server.pipeline.deploy(app, server.ann.user);
    expect((await server.ask("GET", installations("found"))).body).toEqual([{ buildpack: { name: "heroku/nodejs", url: "urn:buildpack:heroku/nodejs" }, ordinal: 0 }]);
  });

  test("are refused whole when one of them is wrong, by its number", async () => {
    const { name } = await server.pipeline.createApp("wrong", server.ann.user);
    await put(name, "heroku/nodejs");
    expect(await put(name, "heroku/nodejs", "file:///etc")).toMatchObject({ status: 422, body: { id: "invalid_params", message: expect.stringMatching(/^updates\[1\]\.buildpack: must be a name such as heroku\/nodejs/) } });
    for (const json of [{}, { updates: "x" }, { updates: [{}] }, { updates: [{ buildpack: 7 }] }, { updates: Array.from({ length: 21 }, () => ({ buildpack: "nodejs" })) }, []])
      expect(await server.ask("PUT", installations(name), { json })).toMatchObject({ status: expect.toSatisfy((status: number) => status === 400 || status === 422) });
    expect((await server.ask<unknown[]>("GET", installations(name))).body).toHaveLength(1);
  });
});

describe("the registry", () => {
  type Found = { namespace: string; name: string; description: string; blob_url: string }[];
  const search = async (query: string): Promise<string[]> => (await server.ask<Found>("GET", `/buildpacks?${query}`, { as: null })).body.map(({ namespace, name }) => `${namespace}/${name}`);

  test("is searched by namespace, name and words, without a token", async () => {
    expect(await search("")).toEqual(expect.arrayContaining(["heroku/nodejs", "paas/procfile", "paas/static"]));
    expect(await search("in[name][]=static&in[name][]=nodejs")).toEqual(["heroku/nodejs", "paas/static"]);
    expect(await search("in[namespace][]=paas&in[name][]=nodejs")).toEqual([]);
    expect(await search("like[description]=NGINX")).toEqual(["paas/static"]);
  });

  test("tells of one what Heroku's client reads: how to name it, its versions, what is written about it", async () => {
    const one = await server.ask("GET", "/buildpacks/heroku%2Fnodejs", { as: null });
    expect(one).toMatchObject({ status: 200, body: { namespace: "heroku", name: "nodejs", blob_url: "urn:buildpack:heroku/nodejs", two_factor_authentication: false } });
    expect((await server.ask("GET", "/buildpacks/heroku%2Fnodejs/revisions", { as: null })).body).toMatchObject([{ release: 1, status: "published", license: "MIT" }]);
    const { body } = await server.ask<{ content: string }>("GET", "/buildpacks/paas%2Fstatic/readme", { as: null });
    expect(Buffer.from(body.content, "base64").toString()).toMatch(/^nginx serves/);
  });

  test("knows nobody else's", async () => {
    for (const path of ["heroku%2Fcobol", "nodejs", "x%2Fy%2Fz", "..%2Fnodejs", "https%3A%2F%2Fexample.com%2Fb.git", "heroku%2Fcobol/revisions", "heroku%2Fcobol/readme"])
      expect(await server.ask("GET", `/buildpacks/${path}`, { as: null })).toMatchObject({ status: 404, body: { id: "not_found", resource: "buildpack" } });
  });
});
