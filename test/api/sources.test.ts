/** Sources and builds of them, as clients send them. */

import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startApiServer, type ApiServer } from "../support/api-server.ts";

type Source = { source_blob: { get_url: string; put_url: string } };
type Build = { id: string; status: string; source_blob: Record<string, unknown>; output_stream_url: string };

let server: ApiServer;
beforeAll(async () => void (server = await startApiServer()));
afterAll(() => server.stop());

const create = async (): Promise<Source["source_blob"]> => (await server.ask<Source>("POST", "/sources")).body.source_blob;

/** A request with exactly these headers: fetch would add a media type. */
function put(url: string, body: string, headers: Record<string, string>): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    request(url, { method: "PUT", headers: { ...(headers["transfer-encoding"] === undefined ? { "content-length": Buffer.byteLength(body) } : {}), ...headers } }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString())).on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    }).on("error", reject).end(body);
  });
}

describe("an archive is sent as clients send it, with no token, and comes back as it was", () => {
  test.each<[string, Record<string, string>]>([["no media type", {}], ["an empty one", { "content-type": "" }], ["JSON's", { "content-type": "application/json" }], ["one of its own", { "content-type": "application/gzip" }], ["chunks", { "transfer-encoding": "chunked" }]])("%s", async (_what, headers) => {
    const { get_url, put_url } = await create();
    expect(get_url).toMatch(new RegExp(`^${server.url}/sources/[A-Za-z0-9_-]{43}$`));
    expect(await put(put_url, "not { JSON", headers)).toEqual({ status: 200, text: "{}" });
    const back = await fetch(get_url);
    expect([back.status, await back.text(), back.headers.get("content-type")]).toEqual([200, "not { JSON", "application/octet-stream"]);
    expect((await put(put_url, "again", {})).status).toBe(409);
    expect((await put(get_url, "by the wrong URL", {})).status).toBe(404);
  });
});

test("the request for a source may have no body, an empty one under JSON's media type, or `{}`", async () => {
  for (const options of [{}, { headers: { "content-type": "application/json" } }, { json: {} }]) expect((await server.ask("POST", "/sources", options)).status).toBe(201);
});

test("an archive that is too large is refused with the reason, and the source can take another", async () => {
  const { put_url } = await create();
  expect(await put(put_url, "x".repeat((1 << 20) + 1), {})).toMatchObject({ status: 422, text: expect.stringContaining("The archive is larger than 1 MB.") });
  expect((await put(put_url, "", {})).status).toBe(422);
  expect((await put(put_url, "x", {})).status).toBe(200);
});

test("a build is made of a source, shows what its sender said, and can be cancelled once", async () => {
  const app = await server.pipeline.createApp(undefined, server.ann.user);
  const { get_url, put_url } = await create();
  await put(put_url, "archive", {});
  const blob = { url: get_url, version: "v1.2 (blue)", version_description: "the blue one" };
  const { status, body } = await server.ask<Build>("POST", `/apps/${app.name}/builds`, { json: { source_blob: blob } });
  expect(status).toBe(201);
  expect(body).toMatchObject({ status: "pending", buildpacks: [], release: null, slug: null, source_blob: { ...blob, checksum: null }, output_stream_url: expect.stringContaining("/build-output/") });
  expect((await server.ask<Build>("GET", `/apps/${app.name}/builds/${body.id}`)).body).toEqual(body);
  expect(await server.ask("DELETE", `/apps/${app.name}/builds/${body.id}`)).toMatchObject({ status: 200, body: { id: body.id, status: "failed" } });
  expect(await server.ask("DELETE", `/apps/${app.name}/builds/${body.id}`)).toMatchObject({ status: 409, body: { id: "conflict" } });
});

describe("a build is refused", () => {
  test.each<[string, (urls: Source["source_blob"]) => unknown, string]>([
    ["without a source", () => ({}), "source_blob"],
    ["with an empty URL", () => ({ source_blob: { url: "" } }), "url"],
    ["of a source that nothing was sent to", ({ get_url }) => ({ source_blob: { url: get_url } }), "source_blob.url: nothing was sent there yet"],
    ["of the URL that takes the archive", ({ put_url }) => ({ source_blob: { url: put_url } }), "There is no such source"],
    ["of a file", () => ({ source_blob: { url: "file:///etc/passwd" } }), "source_blob.url: The URL must begin with https://"],
    ["with a checksum of another kind", ({ get_url }) => ({ source_blob: { url: get_url, checksum: "MD5:d41d8cd98f00b204e9800998ecf8427e" } }), "checksum"],
    ["with a version of two lines", ({ get_url }) => ({ source_blob: { url: get_url, version: "v1\nPATH=/x" } }), "version"],
    ["with a version of 101 characters", ({ get_url }) => ({ source_blob: { url: get_url, version: "v".repeat(101) } }), "version"],
  ])("%s", async (_what, body, message) => {
    const app = await server.pipeline.createApp(undefined, server.ann.user);
    const answer = await server.ask("POST", `/apps/${app.name}/builds`, { json: body(await create()) });
    expect(answer.status === 404 || answer.status === 422).toBe(true);
    expect(answer.body["message"]).toContain(message);
    expect(server.store.builds.list(app.id)).toEqual([]);
  });
});

test("a slug is shown, and released again with the config vars of now; it is the app's own or it is not found", async () => {
  const [app, other] = [await server.pipeline.createApp(undefined, server.ann.user), await server.pipeline.createApp(undefined, server.ann.user)];
  const { slugId } = server.pipeline.deploy(app, server.ann.user);
  expect((await server.ask("GET", `/apps/${app.name}/slugs/${slugId}`)).body).toMatchObject({
    id: slugId, checksum: expect.stringMatching(/^SHA256:[0-9a-f]{64}$/) as string, commit: "b".repeat(40), process_types: { web: "npm start" }, size: 1234, stack: { name: "debian-12" }, buildpack_provided_description: "Node.js", blob: { method: "get" },
  });
  expect(await server.ask("GET", `/apps/${other.name}/slugs/${slugId}`)).toMatchObject({ status: 404, body: { resource: "slug" } });
  await server.ask("PATCH", `/apps/${app.name}/config-vars`, { json: { NOW: "1" } });
  const again = await server.ask<{ version: number }>("POST", `/apps/${app.name}/releases`, { json: { slug: slugId, description: "Retry of v2" } });
  expect(again).toMatchObject({ status: 201, body: { description: "Retry of v2", slug: { id: slugId }, version: 4 } });
  expect((await server.ask("GET", `/apps/${app.name}/releases/4/config-vars`)).body).toEqual({ NOW: "1" });
  for (const [json, status] of [[{ slug: "none" }, 404], [{}, 422], [{ slug: slugId, release: "2" }, 422], [{ slug: slugId, description: "a\nb" }, 422]] as const) expect((await server.ask("POST", `/apps/${app.name}/releases`, { json })).status, JSON.stringify(json)).toBe(status);
});
