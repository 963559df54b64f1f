/** Review apps through a whole platform: by git and by the API, from their first push to their end. */

import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { deploy, type DeployedApp } from "../support/deployed-app.ts";
import { removeWorkspaces } from "../support/git-client.ts";
import { createInvariants, refOf } from "../support/invariants.ts";
import { startPaas, type Paas } from "../support/paas.ts";
import { smallApp } from "../support/small-app.ts";

vi.setConfig({ testTimeout: 200_000, hookTimeout: 150_000 });

type Review = { id: string; app: { id: string } | null; branch: string; status: string; message: string | null };

const APP_JSON = JSON.stringify({
  env: { GREETING: "hello", SECRET: { generator: "secret" } },
  environments: { review: { env: { GREETING: "reviewed" }, scripts: { postdeploy: "echo seeded $HEROKU_APP_NAME" } } },
});

let paas: Paas;
let shop: DeployedApp;
beforeAll(async () => {
  paas = await startPaas();
  shop = await deploy(paas, "shop", { text: "main" });
  await paas.api("PATCH", "/apps/shop/config-vars", { GREETING: "of the shop", BOTH: "inherited" });
});
afterAll(async () => {
  await paas.remove();
  await removeWorkspaces();
});

const push = async (refspec: string) => {
  const { code, output } = await shop.repository.start("push", "--force", paas.remote("shop"), refspec).done;
  return { code, output };
};
const names = async (): Promise<string[]> => (await paas.api<{ name: string }[]>("GET", "/apps")).body.map(({ name }) => name);
const change = (text: string, more: Record<string, string> = {}) => shop.repository.commit({ ...smallApp({ text }), ...more });

it("a pushed review branch has an app of its own, with the parent's config vars and what app.json says of reviews, until the branch is deleted", async () => {
  const first = await change("login", { "app.json": APP_JSON });
  const pushed = await push("main:review/login");
  expect(pushed.code, pushed.output).toBe(0);
  expect(pushed.output).toContain("Created review app shop-review-login");
  expect(pushed.output).toMatch(/remote: +http:\/\/shop-review-login\.localhost:\d+\/ deployed to paas/);
  expect(pushed.output).toContain("seeded shop-review-login");
  expect(refOf(paas.dataDir, shop.id, "refs/heads/review/login")).toBe(first);
  expect(await paas.get("shop-review-login")).toMatchObject({ status: 200, body: "login" });
  expect((await paas.get("shop")).body).toBe("main");
  expect((await paas.api("GET", "/apps/shop-review-login/config-vars")).body).toMatchObject({ GREETING: "reviewed", BOTH: "inherited", SECRET: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect((await paas.api("GET", "/apps/shop-review-login/review-app")).body).toMatchObject({ branch: "review/login", status: "created", pipeline: null });

  // What was set in the review app stays over its next push; the script ran once.
  await paas.api("PATCH", "/apps/shop-review-login/config-vars", { GREETING: "by hand" });
  await change("login, improved");
  const second = await push("main:review/login");
  expect(second.output).toContain("Deploying to the review app shop-review-login");
  expect(second.output).not.toContain("seeded");
  expect((await paas.get("shop-review-login", "/env/GREETING")).body).toBe("by hand");

  const served = refOf(paas.dataDir, shop.id, "refs/heads/review/login");
  await change("broken", { Procfile: "web: false\n" });
  expect((await push("main:review/login")).code).not.toBe(0);
  expect((await paas.get("shop-review-login")).body).toBe("login, improved");
  expect(refOf(paas.dataDir, shop.id, "refs/heads/review/login")).toBe(served);
  // One whose first push fails never was.
  expect((await push("main:review/broken")).code).not.toBe(0);
  expect(await names()).toEqual(["shop", "shop-review-login"]);
  expect(refOf(paas.dataDir, shop.id, "refs/heads/review/broken")).toBeUndefined();

  const gone = await push(":review/login");
  expect([gone.code, gone.output]).toEqual([0, expect.stringContaining("Discarded the review app shop-review-login")]);
  expect(await names()).toEqual(["shop"]);
  const trail = (await paas.api<{ action: string; data: object }[]>("GET", "/audit-trail/events?type=review-app")).body;
  expect(trail.map(({ action, data }) => ({ action, ...data }))).toMatchObject([{ action: "destroy", branch: "review/login", gone: true }, { action: "push", branch: "review/broken", served: false }, { action: "push", served: false }, { action: "push", served: true }, { action: "push", served: true }]);
  await createInvariants(paas).hold(20_000);
});

it("the API makes one of a pushed branch in the pipeline's stage review, tells why one failed, and all go with their parent", async () => {
  const pipeline = (await paas.api<{ id: string }>("POST", "/pipelines", { name: "shops" })).body.id;
  await paas.api("POST", "/pipeline-couplings", { app: "shop", pipeline, stage: "production" });
  await change("feature");
  expect((await push("main:feature")).output).toContain("skipping build");
  await change("failing", { Procfile: "web: echo it cannot start && false\n" });
  await push("main:failing");

  const settled = async (branch: string): Promise<Review> => {
    const made = await paas.api<Review>("POST", "/review-apps", { branch, pipeline: "shops", source_blob: { url: "resolve", version: null }, environment: { EXTRA: "1" } });
    expect(made).toMatchObject({ status: 201, body: { status: "pending", branch, app: null } });
    return vi.waitFor(async () => {
      const { body } = await paas.api<Review>("GET", `/review-apps/${made.body.id}`);
      expect(["created", "errored"]).toContain(body.status);
      return body;
    }, { timeout: 100_000, interval: 100 });
  };
  const review = await settled("feature");
  expect(review).toMatchObject({ status: "created", message: null, app: { id: expect.any(String) } });
  expect(await paas.get("shop-review-feature")).toMatchObject({ status: 200, body: "feature" });
  expect((await paas.get("shop-review-feature", "/env/EXTRA")).body).toBe("1");
  expect((await paas.api("GET", "/apps/shop-review-feature/pipeline-couplings")).body).toMatchObject({ stage: "review", pipeline: { name: "shops" } });
  expect(await settled("failing")).toMatchObject({ status: "errored", message: expect.stringContaining("it cannot start") });
  expect((await paas.api("GET", "/pipelines/shops/review-apps")).body).toHaveLength(2);

  // A push to a branch that has a review app updates it, wherever the branch lies.
  await change("feature, improved");
  expect((await push("main:feature")).output).toContain("Deploying to the review app shop-review-feature");
  expect((await paas.get("shop-review-feature")).body).toBe("feature, improved");

  expect((await paas.api("DELETE", "/apps/shop")).status).toBe(200);
  expect(await names()).toEqual([]);
  expect(await paas.containers()).toEqual([]);
});
