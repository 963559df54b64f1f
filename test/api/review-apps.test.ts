/** Review apps as clients see them. */

import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { App } from "../../server/domain/model.ts";
import { startApiServer, type ApiServer } from "../support/api-server.ts";

type Review = { id: string; app: { id: string } | null; status: string; message: string | null; branch: string };

let server: ApiServer;
let parent: App;
let pipeline: string;
beforeAll(async () => void (server = await startApiServer()));
afterAll(() => server.stop());
beforeEach(async () => {
  parent = await server.pipeline.createApp(undefined, server.ann.user);
  server.pipeline.deploy(parent, server.ann.user);
  pipeline = (await server.ask<{ id: string }>("POST", "/pipelines", { json: { name: `p-${randomUUID().slice(0, 8)}` } })).body.id;
  await server.ask("POST", "/pipeline-couplings", { json: { app: parent.id, pipeline, stage: "production" } });
  pushed("feature");
});

/** A branch that was pushed, with this app.json in it. */
function pushed(branch: string, appJson?: string, app = parent): void {
  server.pipeline.branches.set(`${app.id} ${branch}`, { commit: "c".repeat(40), epoch: async () => undefined, archive: () => Readable.from([]), readFile: async (path) => (path === "app.json" && appJson !== undefined ? Buffer.from(appJson) : undefined) });
}
const order = (more: object = {}) => ({ branch: "feature", pipeline, source_blob: { url: "resolve", version: null }, ...more });
const create = (json: object, as = server.ann) => server.ask<Review & { message: string }>("POST", "/review-apps", { json, as });
const settled = ({ id }: Pick<Review, "id">) => vi.waitFor(async () => {
  const { body } = await server.ask<Review>("GET", `/review-apps/${id}`);
  expect(["created", "errored"]).toContain(body.status);
  return body;
}, 30_000);
const configOf = async (id: string) => (await server.ask<Record<string, string>>("GET", `/apps/${id}/config-vars`)).body;

test("one is made of a pushed branch: pending, then an app in the stage review, with the parent's config vars under app.json's for reviews under the request's", async () => {
  await server.ask("PATCH", `/apps/${parent.id}/config-vars`, { json: { A: "parent", B: "parent", C: "parent" } });
  pushed("feature", JSON.stringify({ env: { A: "app.json" }, environments: { review: { env: { B: "review", C: "review", D: { generator: "secret" } } } } }));
  const made = await create(order({ pr_number: 12, environment: { C: "request" } }));
  expect(made).toMatchObject({ status: 201, body: { app: null, app_setup: null, branch: "feature", creator: { email: "ann@example.com" }, message: null, pipeline: { id: pipeline }, pr_number: 12, status: "pending", wait_for_ci: false } });
  const review = await settled(made.body);
  expect(review.status).toBe("created");
  const id = review.app?.id ?? "";
  expect(await configOf(id)).toEqual({ A: "parent", B: "review", C: "request", D: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect((await server.ask("GET", `/apps/${id}/pipeline-couplings`)).body).toMatchObject({ stage: "review", pipeline: { id: pipeline } });
  expect((await server.ask("GET", `/apps/${id}/review-app`)).body).toEqual(review);
  expect((await server.ask("GET", `/pipelines/${pipeline}/review-apps`)).body).toEqual([review]);
  expect((await server.ask("GET", `/apps/${parent.id}/review-app`)).status).toBe(404);
  expect(await create(order())).toMatchObject({ status: 409, body: { id: "conflict" } });

  expect(await server.ask("DELETE", `/review-apps/${review.id}`)).toMatchObject({ status: 200, body: { id: review.id, status: "deleting" } });
  await expect.poll(async () => (await server.ask("GET", `/apps/${id}`)).status).toBe(404);
  expect((await server.ask("GET", `/review-apps/${review.id}`)).status).toBe(404);
});

test.each<[string, string | undefined, string[]]>([
  ["the parent's", undefined, ["https://example.com/theirs.tgz"]],
  ["those of app.json where it names some for reviews", JSON.stringify({ environments: { review: { buildpacks: [{ url: "heroku/nodejs" }] } } }), []],
])("its buildpacks are %s", async (_what, appJson, expected) => {
  server.store.buildpackInstallations.replace(parent.id, ["https://example.com/theirs.tgz"]);
  pushed("feature", appJson);
  const review = await settled((await create(order())).body);
  expect(server.store.buildpackInstallations.list(review.app?.id ?? "")).toEqual(expected);
});

test("whoever may use the parent may use its review apps and make them, and they are the parent's owner's; nobody else sees them", async () => {
  await server.ask("POST", `/apps/${parent.id}/collaborators`, { json: { user: server.bob.user.email } });
  const review = await settled((await create(order(), server.bob)).body);
  const id = review.app?.id ?? "";
  expect((await server.ask("GET", `/apps/${id}`, { as: server.bob })).body).toMatchObject({ owner: { email: "ann@example.com" } });
  await server.ask("DELETE", `/apps/${parent.id}/collaborators/${server.bob.user.email}`);
  for (const path of [`/apps/${id}`, `/review-apps/${review.id}`]) expect((await server.ask("GET", path, { as: server.bob })).status).toBe(404);
});

test("one that fails says why and stands in nobody's way", async () => {
  pushed("feature", "{ not JSON");
  const failed = await settled((await create(order())).body);
  expect(failed).toMatchObject({ status: "errored", app: null, message: expect.stringContaining("app.json: is not valid JSON") });
  pushed("feature");
  expect(await settled((await create(order())).body)).toMatchObject({ status: "created" });
  expect((await server.ask("GET", `/review-apps/${failed.id}`)).status).toBe(404);
});

test("the repository is the staging app's before the development app's before the production app's", async () => {
  const repo = async () => (await server.ask<{ full_name: string }>("GET", `/pipelines/${pipeline}/repo`)).body.full_name;
  expect(await repo()).toBe(parent.name);
  for (const stage of ["development", "staging"]) {
    const app = await server.pipeline.createApp(undefined, server.ann.user);
    await server.ask("POST", "/pipeline-couplings", { json: { app: app.id, pipeline, stage } });
    expect(await repo()).toBe(app.name);
  }
  expect((await server.ask("GET", `/pipelines/${pipeline}/repo/branches/feature`)).status).toBe(404);
});

test("a branch with a slash is asked for as the CLI asks", async () => {
  pushed("feature/login");
  expect(await server.ask("GET", `/pipelines/${pipeline}/repo/branches/feature%2Flogin`)).toMatchObject({ status: 200, body: { name: "feature/login", commit: { sha: "c".repeat(40) } } });
  expect((await server.ask("GET", `/pipelines/${pipeline}/repo/branches/none`)).status).toBe(404);
});

describe("it is refused", () => {
  test.each<[string, object, number, string]>([
    ["a branch that nobody pushed", { branch: "none" }, 404, "There is no branch none in the repository of"],
    ["a branch with a bad name", { branch: "../../etc" }, 422, "branch: must be a branch's name"],
    ["a source that is nowhere", { source_blob: { url: "ftp://example.com/x" } }, 422, "source_blob.url: The URL must begin with https://"],
    ["no source", { source_blob: undefined }, 422, "source_blob"],
    ["a pipeline that is not there", { pipeline: "none" }, 404, "pipeline"],
    ["config vars with a bad name", { environment: { "A B": "1" } }, 422, "A B"],
    ["config vars that are no text", { environment: { A: 1 } }, 422, "must be string"],
    ["a pull request of minus one", { pr_number: -1 }, 422, "pr_number"],
  ])("%s", async (_what, more, status, message) => {
    const answer = await create(order(more));
    expect([answer.status, answer.body.message]).toEqual([status, expect.stringContaining(message)]);
    expect((await server.ask("GET", `/pipelines/${pipeline}/review-apps`)).body).toEqual([]);
  });

  test("where the pipeline has no repository", async () => {
    const empty = (await server.ask<{ id: string }>("POST", "/pipelines", { json: { name: `e-${randomUUID().slice(0, 8)}` } })).body.id;
    expect(await create(order({ pipeline: empty }))).toMatchObject({ status: 404, body: { resource: "repository" } });
  });
});

test("a pipeline says how its review apps are made: made, shown, changed, forgotten", async () => {
  const path = `/pipelines/${pipeline}/review-app-config`;
  expect((await server.ask("GET", path)).status).toBe(404);
  // What `heroku reviewapps:disable` sends, though nobody made one.
  expect(await server.ask("PATCH", path, { json: { automatic_review_apps: false } })).toMatchObject({ status: 200, body: { automatic_review_apps: false, stale_days: 7 } });
  await server.ask("DELETE", path);
  // What `heroku reviewapps:enable` sends.
  const made = await server.ask("POST", path, { json: { repo: parent.name, pipeline } });
  expect(made).toMatchObject({ status: 201, body: { automatic_review_apps: true, destroy_stale_apps: true, stale_days: 7, base_name: null, wait_for_ci: false, pipeline: { id: pipeline }, repo: { id: parent.id }, deploy_target: { type: "region" } } });
  expect((await server.ask("POST", path, { json: {} })).status).toBe(409);
  expect((await server.ask("PATCH", path, { json: { stale_days: 2, base_name: "demo", automatic_review_apps: false } })).body).toMatchObject({ stale_days: 2, base_name: "demo", automatic_review_apps: false });
  const review = await settled((await create(order())).body);
  expect((await server.ask<{ name: string }>("GET", `/apps/${review.app?.id}`)).body.name).toMatch(/^demo-review-feature/);
  for (const bad of [{ repo: "another" }, { pipeline: "another" }, { wait_for_ci: true }, { stale_days: 0 }, { base_name: "-" }, { deploy_target: {} }]) expect((await server.ask("PATCH", path, { json: bad })).status, JSON.stringify(bad)).toBe(422);
  expect((await server.ask("DELETE", path)).body).toMatchObject({ stale_days: 2 });
  expect((await server.ask("GET", path)).status).toBe(404);
});

test("what nobody pushes to goes after the days that the platform or the pipeline says, unless the pipeline keeps it", async () => {
  const make = async (branch: string): Promise<Review> => {
    pushed(branch);
    return settled((await create(order({ branch }))).body);
  };
  const there = async ({ id }: Review) => (await server.ask("GET", `/review-apps/${id}`)).status === 200;
  const [old, other] = [await make("old"), await make("other")];
  const days = (count: number) => Date.now() + count * 24 * 3_600_000;
  await server.ask("POST", `/pipelines/${pipeline}/review-app-config`, { json: { destroy_stale_apps: false } });
  await server.pipeline.reviews.tidy(days(8));
  expect([await there(old), await there(other)]).toEqual([true, true]);
  await server.ask("DELETE", `/pipelines/${pipeline}/review-app-config`);
  await server.pipeline.reviews.tidy(days(6));
  expect([await there(old), await there(other)]).toEqual([true, true]);
  await server.pipeline.reviews.tidy(days(8));
  expect([await there(old), await there(other)]).toEqual([false, false]);
  expect(server.pipeline.branches.has(`${parent.id} old`)).toBe(false);
});

test("one whose parent is gone goes with the next look", async () => {
  const review = await settled((await create(order())).body);
  server.store.apps.remove(parent.id);
  await server.pipeline.reviews.tidy();
  expect(server.store.apps.find(review.app?.id ?? "")).toBeUndefined();
  expect(server.store.reviewApps.find(review.id)).toBeUndefined();
});
