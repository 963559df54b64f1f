import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ReviewAppConfig } from "../domain/model.ts";
import { AppError, invalidParams, notFound } from "../errors.ts";
import { pipelineOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";
import { REGION } from "./platform.ts";
import { repositoryOf } from "./review-apps.ts";

const MAX_DAYS = 365;
const FIELDS = {
  type: "object", additionalProperties: false,
  properties: {
    repo: { type: "string" }, pipeline: { type: "string" }, automatic_review_apps: { type: "boolean" }, destroy_stale_apps: { type: "boolean" },
    stale_days: { type: "integer", minimum: 1, maximum: MAX_DAYS }, wait_for_ci: { type: "boolean" }, base_name: { type: ["string", "null"], pattern: "^[a-z][a-z0-9-]{0,19}$" },
  },
};

type Fields = { repo?: string; pipeline?: string; automatic_review_apps?: boolean; destroy_stale_apps?: boolean; stale_days?: number; wait_for_ci?: boolean; base_name?: string | null };

/** How a pipeline makes its review apps. Without a config they are made by pushes all the same, with the platform's settings. */
export function serveReviewAppConfig(api: FastifyInstance, deps: ApiDeps): void {
  const { store, config: { reviewDays } } = deps;
  const view = (request: FastifyRequest, config: ReviewAppConfig) => ({
    automatic_review_apps: config.automatic, base_name: config.baseName, deploy_target: { id: REGION.id, type: "region" }, destroy_stale_apps: config.destroyStale,
    pipeline: { id: config.pipelineId }, repo: { id: repositoryOf(deps, request, pipelineOf(request)).id }, stale_days: config.staleDays, wait_for_ci: false,
  });

  /** What holds as long as nobody says otherwise. */
  const unsaid = (pipelineId: string): ReviewAppConfig => {
    const now = new Date().toISOString();
    return { pipelineId, automatic: true, destroyStale: true, staleDays: reviewDays, baseName: null, createdAt: now, updatedAt: now };
  };

  const find = (request: FastifyRequest): ReviewAppConfig => {
    const config = store.reviewApps.config(pipelineOf(request).id);
    if (!config) throw notFound("review_app_config", "Review apps have no config in this pipeline: they are made by pushes to branches review/… all the same.");
    return config;
  };

  const change = (request: FastifyRequest, before: ReviewAppConfig): ReviewAppConfig => {
    const { repo, pipeline, automatic_review_apps: automatic, destroy_stale_apps: destroyStale, stale_days: staleDays, wait_for_ci: waitForCi, base_name: baseName } = request.body as Fields;
    const [parent, { id, name }] = [repositoryOf(deps, request, pipelineOf(request)), pipelineOf(request)];
    if (repo !== undefined && repo !== parent.name) throw invalidParams(`repo: the pipeline's repository is ${parent.name}.`);
    if (pipeline !== undefined && pipeline !== id && pipeline !== name) throw invalidParams("pipeline: is another one than the path names.");
    if (waitForCi) throw invalidParams("wait_for_ci: what is pushed is tested before it is released, so there is nothing to wait for.");
    const next = { ...before, automatic: automatic ?? before.automatic, destroyStale: destroyStale ?? before.destroyStale, staleDays: staleDays ?? before.staleDays, baseName: baseName === undefined ? before.baseName : baseName, updatedAt: new Date().toISOString() };
    store.reviewApps.setConfig(next);
    return next;
  };

  api.get("/pipelines/:pipeline/review-app-config", { schema: { summary: "How the pipeline makes its review apps" } }, async (request) => view(request, find(request)));

  api.post("/pipelines/:pipeline/review-app-config", { schema: { summary: "Say how the pipeline makes its review apps", body: FIELDS } }, async (request, reply) => {
    const { id } = pipelineOf(request);
    if (store.reviewApps.config(id)) throw new AppError("conflict", "This pipeline has a config for review apps already: change it by PATCH.");
    return reply.code(201).send(view(request, change(request, unsaid(id))));
  });

  // `heroku reviewapps:enable` changes one that it never made.
  api.patch("/pipelines/:pipeline/review-app-config", { schema: { summary: "Change it, or what holds without one", body: FIELDS } }, async (request) => {
    const { id } = pipelineOf(request);
    return view(request, change(request, store.reviewApps.config(id) ?? unsaid(id)));
  });

  api.delete("/pipelines/:pipeline/review-app-config", { schema: { summary: "Forget it; the platform's settings hold" } }, async (request) => {
    const config = find(request);
    store.reviewApps.removeConfig(config.pipelineId);
    return view(request, config);
  });
}
