/** Pipelines: apps as stages, and a slug's way from one to the next. */

import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { App } from "../../server/domain/model.ts";
import { startApiServer, type ApiServer, type Ask } from "../support/api-server.ts";

let server: ApiServer;
let apps: Record<"dev" | "staging" | "production", App>;
let id: string;
const time = expect.any(String) as string;
beforeAll(async () => {
  server = await startApiServer();
  const app = (name: string) => server.pipeline.createApp(name, server.ann.user);
  apps = { dev: await app("shop-dev"), staging: await app("shop-staging"), production: await app("shop-production") };
  server.pipeline.deploy(apps.staging, server.ann.user);
  await server.ask("PATCH", "/apps/shop-production/config-vars", { json: { STAGE: "production" } });
});
afterAll(() => server.stop());

const couple = (app: string, stage: string, pipeline = id, as?: Ask["as"]) => server.ask<{ id: string }>("POST", "/pipeline-couplings", { json: { app, pipeline, stage }, ...(as === undefined ? {} : { as }) });

test("a pipeline is created as the CLI does, found by id and by name, and renamed", async () => {
  const { id: self } = (await server.ask("GET", "/users/~")).body;
  const made = await server.ask<{ id: string }>("POST", "/pipelines", { json: { name: "shop", owner: { id: self, type: "user" }, generation: { name: "cedar" } } });
  id = made.body.id;
  expect(made).toMatchObject({ status: 201 });
  expect(made.body).toEqual({ created_at: time, generation: { id: expect.any(String) as string, name: "cedar" }, id, name: "shop", owner: { id: self, email: "ann@example.com", type: "user" }, updated_at: time });
  for (const path of [`/pipelines/${id}`, "/pipelines/shop"]) expect((await server.ask("GET", path)).body).toEqual(made.body);
  expect((await server.ask("GET", "/pipelines?eq[name]=shop")).body).toEqual([made.body]);
  expect((await server.ask("GET", "/pipelines?eq[name]=nothing")).body).toEqual([]);
  expect((await server.ask("PATCH", `/pipelines/${id}`, { json: { name: "store" } })).body).toMatchObject({ name: "store" });
  expect((await server.ask("PATCH", `/pipelines/${id}`, { json: { name: "shop" } })).status).toBe(200);
});

test.each([["x"], ["-shop"], ["Shop"], ["a".repeat(31)], ["shop;id"], [""], [1], [null]])("%j is no name of a pipeline", async (name) => {
  expect(await server.ask("POST", "/pipelines", { json: { name } })).toMatchObject({ status: 422, body: { message: expect.stringMatching(/^name: /) as string } });
});

test("a name is one pipeline's, and an owner is oneself", async () => {
  expect(await server.ask("POST", "/pipelines", { json: { name: "shop" } })).toMatchObject({ status: 422, body: { message: "name: shop is already taken." } });
  expect(await server.ask("POST", "/pipelines", { json: { name: "for-bob", owner: { id: server.bob.user.id, type: "user" } } })).toMatchObject({ status: 422 });
});

test("apps are put into it, shown with it, moved between stages, and in one pipeline at most", async () => {
  const dev = await couple("shop-dev", "staging");
  expect(dev.body).toEqual({ app: { id: apps.dev.id, name: "shop-dev" }, created_at: time, id: dev.body.id, pipeline: { id, name: "shop" }, stage: "staging", updated_at: time });
  expect((await server.ask("PATCH", `/pipeline-couplings/${dev.body.id}`, { json: { stage: "development" } })).body).toMatchObject({ stage: "development" });
  await couple("shop-staging", "staging");
  await couple("shop-production", "production");
  expect(await couple("shop-dev", "review")).toMatchObject({ status: 422 });
  expect(await couple("shop-dev", "nowhere")).toMatchObject({ status: 422, body: { message: expect.stringMatching(/^stage: must be one of/) as string } });
  const stages = async (path: string, as: Ask["as"] = server.ann) => (await server.ask<{ stage: string }[]>("GET", path, { as })).body.map(({ stage }) => stage).toSorted();
  expect(await stages(`/pipelines/${id}/pipeline-couplings`)).toEqual(["development", "production", "staging"]);
  expect(await stages("/pipeline-couplings", server.bob)).toEqual([]);
  expect((await server.ask("GET", "/apps/shop-dev/pipeline-couplings")).body).toMatchObject({ pipeline: { id }, stage: "development" });
  expect(await server.ask("GET", "/apps/shop-dev", { as: server.bob })).toMatchObject({ status: 404 });
  const filtered = await server.ask<{ name: string }[]>("POST", "/filters/apps", { json: { in: { id: [apps.dev.id, apps.production.id, crypto.randomUUID()] } }, headers: { range: "id ..; max=1000;" } });
  expect([filtered.status, filtered.body.map(({ name }) => name).toSorted()]).toEqual([200, ["shop-dev", "shop-production"]]);
  expect((await server.ask("POST", "/filters/apps", { as: server.bob, json: { in: { id: [apps.dev.id] } } })).body).toEqual([]);
});

test("whoever may use one of its apps sees the pipeline with those apps alone, and cannot rename it", async () => {
  await server.ask("POST", "/apps/shop-dev/collaborators", { json: { user: "bob@example.com" } });
  expect((await server.ask<{ app: { name: string } }[]>("GET", "/pipelines/shop/pipeline-couplings", { as: server.bob })).body.map(({ app }) => app.name)).toEqual(["shop-dev"]);
  expect((await server.ask("PATCH", "/pipelines/shop", { as: server.bob, json: { name: "bobs" } })).status).toBe(403);
  expect((await server.ask("DELETE", "/pipelines/shop", { as: server.bob })).status).toBe(403);
});

describe("a promotion", () => {
  const promote = (source: App, targets: App[], as: Ask["as"] = server.ann) =>
    server.ask<{ id: string }>("POST", "/pipeline-promotions", { as, json: { pipeline: { id }, source: { app: { id: source.id } }, targets: targets.map((app) => ({ app: { id: app.id } })) } });
  type Target = { status: string; release: { id: string } | null; error_message: string | null; app: { id: string } };
  const settled = (promotion: string): Promise<Target[]> => vi.waitFor(async () => {
    const { body } = await server.ask<Target[]>("GET", `/pipeline-promotions/${promotion}/promotion-targets`);
    expect(body.map(({ status }) => status)).not.toContain("pending");
    return body;
  }, 30_000);

  test("releases the slug of the source in the target, with the target's own config vars", async () => {
    const made = await promote(apps.staging, [apps.production]);
    expect(made).toMatchObject({ status: 201, body: { pipeline: { id }, source: { app: { id: apps.staging.id }, release: { id: server.pipeline.current(apps.staging).id } } } });
    const [target] = await settled(made.body.id);
    const release = server.pipeline.current(apps.production);
    expect(target).toMatchObject({ status: "succeeded", error_message: null, app: { id: apps.production.id }, release: { id: release.id }, pipeline_promotion: { id: made.body.id } });
    expect(release).toMatchObject({ description: "Promote shop-staging v2", config: { STAGE: "production" } });
    const slug = (app: App) => server.store.slugs.find(server.pipeline.current(app).slugId ?? "");
    expect(slug(apps.production)?.image).toBe(slug(apps.staging)?.image);
    expect(slug(apps.production)?.appId).toBe(apps.production.id);
    expect((await server.ask("GET", `/pipeline-promotions/${made.body.id}`)).body).toMatchObject({ status: "completed" });
  });

  test("that does not come up is the target's failure, with the reason", async () => {
    server.pipeline.deploy(apps.staging, server.ann.user, { web: "crashes" });
    const { body } = await promote(apps.staging, [apps.production]);
    expect(await settled(body.id)).toMatchObject([{ status: "failed", error_message: "web.1 crashed at boot.", release: null }]);
  });

  test("takes a source that was deployed, and apps of the pipeline that one may use", async () => {
    const outside = await server.pipeline.createApp("outside", server.ann.user);
    expect(await promote(apps.dev, [apps.production])).toMatchObject({ status: 422, body: { id: "no_slug" } });
    expect(await promote(apps.staging, [outside])).toMatchObject({ status: 422, body: { message: "app: outside is not in the pipeline shop." } });
    expect(await promote(apps.staging, [apps.staging])).toMatchObject({ status: 422 });
    expect(await promote(apps.staging, [])).toMatchObject({ status: 422 });
    expect(await promote(apps.dev, [apps.production], server.bob)).toMatchObject({ status: 404, body: { resource: "app" } });
  });

  test("that was cut off by a stop of the platform is told as failed", async () => {
    const now = new Date().toISOString();
    const promotion = { id: crypto.randomUUID(), pipelineId: id, sourceAppId: apps.staging.id, sourceReleaseId: crypto.randomUUID(), createdAt: now, updatedAt: now };
    server.store.pipelinePromotions.insert(promotion, [{ id: crypto.randomUUID(), promotionId: promotion.id, appId: apps.dev.id, releaseId: null, status: "pending", errorMessage: null }]);
    server.store.pipelinePromotions.abandon("stopped");
    expect(await settled(promotion.id)).toMatchObject([{ status: "failed", error_message: "stopped" }]);
  });
});

test("an app leaves it, and when it is destroyed its apps stay", async () => {
  const coupling = (await server.ask<{ id: string }>("GET", "/apps/shop-dev/pipeline-couplings")).body.id;
  expect((await server.ask("DELETE", `/pipeline-couplings/${coupling}`)).status).toBe(200);
  expect(await server.ask("GET", "/apps/shop-dev/pipeline-couplings")).toMatchObject({ status: 404, body: { resource: "pipeline_coupling" } });
  expect((await server.ask("DELETE", "/pipelines/shop", { body: "{}", headers: { "content-type": "application/json" } })).status).toBe(200);
  expect((await server.ask("GET", "/pipelines/shop")).status).toBe(404);
  expect((await server.ask("GET", "/apps/shop-staging")).status).toBe(200);
});
