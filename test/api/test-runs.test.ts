/** Test runs as Heroku's clients read them, and the config vars that tests find. */

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { App, TestRun } from "../../server/domain/model.ts";
import { startApiServer, type ApiServer } from "../support/api-server.ts";

const AT = "2026-01-01T00:00:00.000Z";

let server: ApiServer;
let app: App;
let foreign: App;
const pipelineId = randomUUID();
beforeAll(async () => {
  server = await startApiServer();
  app = await server.pipeline.createApp("shop", server.ann.user);
  foreign = await server.pipeline.createApp("bobs", server.bob.user);
  server.store.pipelines.insert({ id: pipelineId, name: "way", ownerId: server.ann.user.id, createdAt: AT, updatedAt: AT });
  for (const { id } of [app, foreign]) server.store.pipelines.couple({ id: randomUUID(), pipelineId, appId: id, stage: "staging", createdAt: AT, updatedAt: AT });
  for (const one of [app, foreign, app]) run(one);
});
afterAll(() => server.stop());

function run(of: App, more: Partial<TestRun> = {}): TestRun {
  return server.store.testRuns.insert({
    id: randomUUID(), appId: of.id, pipelineId, status: "failed", commit: "c0ffee".padEnd(40, "0"), branch: "main", message: "Say hello", exitCode: 4, reason: "The tests exited with status 4.", userId: of.ownerId, createdAt: AT, updatedAt: AT, ...more,
  });
}

const get = <T = Record<string, unknown>>(path: string, options = {}) => server.ask<T>("GET", path, options);

test("a run is Heroku's object, of the app and of the pipeline, by its number", async () => {
  const { body } = await get(`/apps/shop/test-runs/1`);
  expect(body).toMatchObject({
    actor_email: "ann@example.com", app: { id: app.id, name: "shop" }, commit_branch: "main", commit_message: "Say hello", commit_sha: "c0ffee".padEnd(40, "0"), created_at: AT, debug: false, number: 1,
    message: "The tests exited with status 4.", pipeline: { id: pipelineId }, status: "failed", user: { id: server.ann.user.id, email: "ann@example.com" },
  });
  expect((await get("/pipelines/way/test-runs/1")).body).toEqual(body);
  expect((await get(`/test-runs/${String(body["id"])}`)).body).toEqual(body);
});

test("the last one is asked for by a range, as heroku ci:last does", async () => {
  const { status, body } = await get<{ number: number }[]>("/pipelines/way/test-runs", { headers: { range: "number ..; order=desc,max=1" } });
  expect([status, body.map(({ number }) => number)]).toEqual([206, [3]]);
});

test("of a pipeline's runs one sees those of apps that one may use, by list, number and id", async () => {
  const numbers = async (as: ApiServer["ann"]) => (await get<{ number: number }[]>("/pipelines/way/test-runs", { as })).body.map(({ number }) => number);
  expect(await numbers(server.ann)).toEqual([1, 3]);
  expect(await numbers(server.bob)).toEqual([2]);
  expect(await numbers(server.admin)).toEqual([1, 2, 3]);
  const [of] = server.store.testRuns.ofApp(foreign.id);
  for (const path of ["/pipelines/way/test-runs/2", `/test-runs/${of?.id}`, `/test-runs/${of?.id}/test-nodes`, "/apps/bobs/test-runs"]) expect((await get(path)).status, path).toBe(404);
});

test.each(["0", "4", "x", "1.0", "-1", "%20", "1e0"])("a number that is none, %s, is not found", async (number) => {
  expect(await get(`/apps/shop/test-runs/${number}`)).toMatchObject({ status: 404, body: { id: "not_found", resource: "test_run" } });
});

test("a run has one node, whose output is read without a token, and only under its own URL", async () => {
  const [of] = server.store.testRuns.ofApp(app.id);
  const { body } = await get<{ setup_stream_url: string; output_stream_url: string }[]>(`/test-runs/${of?.id}/test-nodes`);
  expect(body).toEqual([expect.objectContaining({ index: 0, status: "failed", exit_code: 4, error_status: null, test_run: { id: of?.id }, pipeline: { id: pipelineId } })]);
  const [node] = body;
  expect(await (await fetch(node?.setup_stream_url ?? "")).text()).toBe("setup of 1\n");
  const output = await fetch(node?.output_stream_url ?? "");
  expect([output.headers.get("content-type"), await output.text()]).toEqual(["text/plain; charset=utf-8", "output of 1\n"]);
  const swapped = (node?.output_stream_url ?? "").replace(of?.id ?? "", `${of?.id}-setup`);
  expect((await fetch(swapped)).status).toBe(404);
});

test("test config vars are set by the pipeline's owner, judged as an app's are, and their values are in no trail", async () => {
  const path = "/pipelines/way/stage/test/config-vars";
  const patch = (json: unknown, as = server.ann) => server.ask("PATCH", path, { as, json });
  expect(await patch({ RAILS_ENV: "test", NPM_TOKEN: "hush-hush" })).toMatchObject({ status: 200, body: { RAILS_ENV: "test", NPM_TOKEN: "hush-hush" } });
  expect((await patch({ RAILS_ENV: null })).body).toEqual({ NPM_TOKEN: "hush-hush" });
  expect((await get(path, { as: server.bob })).body).toEqual({ NPM_TOKEN: "hush-hush" });
  expect(await patch({ A: "1" }, server.bob)).toMatchObject({ status: 403, body: { id: "forbidden" } });
  for (const [bad, sentence] of [[{ "A;id": "x" }, "a name has letters"], [{ PORT: "1" }, "set by the platform"], [{ A: "x\0" }, "NUL byte"], [{ A: 1 }, "must be a string"], [[], "object"]] as const)
    expect(await patch(bad)).toMatchObject({ status: 422, body: { id: "invalid_params", message: expect.stringContaining(sentence) as string } });
  expect((await get(path)).body).toEqual({ NPM_TOKEN: "hush-hush" });
  const { text } = await get("/audit-trail/events", { as: server.admin });
  expect(text).toMatch(/"pipeline":"way"/);
  expect(text).not.toContain("hush-hush");
});
