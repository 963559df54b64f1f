import type { FastifyInstance, FastifyRequest } from "fastify";
import { applyConfigChange } from "../domain/config-vars.ts";
import type { App, AppPipeline, ReviewApp } from "../domain/model.ts";
import { isBranchName } from "../domain/review-app.ts";
import { SOURCE_VERSION_PATTERN } from "../domain/source-version.ts";
import { AppError, invalidParams, notFound } from "../errors.ts";
import { mayUse } from "../identity/access.ts";
import type { ReviewOrder } from "../pipeline/review-apps.ts";
import type { Wanted } from "../sources/sources.ts";
import { userRef } from "./account.ts";
import { gitUrl } from "./apps.ts";
import { appOf, findPipeline, pipelineOf, reviewOf, userOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";
import { sendPage, type SortKeys } from "./range.ts";
import { capabilityOf } from "./sources.ts";

/** What Heroku's CLI sends as the URL where the server shall take the branch itself. */
const RESOLVE = "resolve";
const SOURCE_BLOB = {
  type: "object", additionalProperties: false, required: ["url"],
  properties: { url: { type: "string", minLength: 1 }, version: { type: ["string", "null"], pattern: SOURCE_VERSION_PATTERN } },
};
const CREATE = {
  type: "object", additionalProperties: false, required: ["branch", "pipeline", "source_blob"],
  properties: {
    branch: { type: "string", minLength: 1, maxLength: 200 }, pipeline: { type: "string", minLength: 1, maxLength: 100 }, source_blob: SOURCE_BLOB,
    pr_number: { type: ["integer", "null"], minimum: 1, maximum: 2_147_483_647 }, environment: { type: ["object", "null"], additionalProperties: { type: "string" } },
  },
};
const KEYS: SortKeys<ReviewApp> = { id: ({ id }) => id, created_at: ({ createdAt }) => createdAt };

type Create = { Body: { branch: string; pipeline: string; source_blob: Wanted; pr_number?: number | null; environment?: Record<string, string> | null } };

/** Review apps: create, list, info, discard; and what a pipeline's repository is. */
export function serveReviewApps(api: FastifyInstance, deps: ApiDeps): void {
  const { store, pipeline, branches } = deps;
  const view = (review: ReviewApp) => ({
    app: review.appId === null ? null : { id: review.appId }, app_setup: null, branch: review.branch, created_at: review.createdAt, creator: userRef(store, review.creatorId),
    error_status: review.status === "errored" ? "app_setup_errored" : null, fork_repo: null, id: review.id, message: review.message,
    pipeline: review.pipelineId === null ? null : { id: review.pipelineId }, pr_number: review.prNumber, status: review.status, updated_at: review.updatedAt, wait_for_ci: false,
  });

  api.post<Create>("/review-apps", { schema: { summary: "Make a review app of a branch, from its pipeline's repository or from an archive; it goes on after the answer", body: CREATE } }, async (request, reply) => {
    const { branch, source_blob: wanted, pr_number: prNumber = null, environment } = request.body;
    const into = findPipeline(store, userOf(request), request.body.pipeline);
    const parent = repositoryOf(deps, request, into);
    if (!isBranchName(branch)) throw invalidParams("branch: must be a branch's name of letters, digits and . _ - /.");
    const source = wanted.url === RESOLVE ? await branches.find(parent.id, branch) : undefined;
    if (wanted.url === RESOLVE && !source) throw notFound("branch", `There is no branch ${branch} in the repository of ${parent.name}. Push it first: git push paas ${branch}`);
    const order = source
      ? { version: source.commit, sourceBlob: { url: gitUrl(deps, request, parent), checksum: null, versionDescription: null }, open: async () => source, ended: async () => undefined, refused: () => undefined }
      : deps.sources.order(wanted, capabilityOf(wanted.url));
    const full: ReviewOrder = { ...order, parent, user: userOf(request), branch, prNumber, environment: applyConfigChange({}, environment ?? {}) };
    try {
      return reply.code(201).send(view(pipeline.reviews.create(full)));
    } catch (error) {
      order.refused();
      throw error;
    }
  });

  api.get("/review-apps/:review", { schema: { summary: "One review app" } }, async (request) => view(reviewOf(request)));

  api.delete("/review-apps/:review", { schema: { summary: "Discard a review app; it goes on after the answer" } }, async (request) => {
    const review = reviewOf(request);
    if (review.status === "deleting") throw new AppError("conflict", "This review app is being discarded already.");
    void pipeline.reviews.discard(review).catch((err: unknown) => deps.log.error({ review: review.id, err }, "a review app could not be discarded"));
    return view({ ...review, status: "deleting" });
  });

  api.get("/pipelines/:pipeline/review-apps", { schema: { summary: "The pipeline's review apps" } }, async (request, reply) => {
    const seen = store.reviewApps.list().filter((one) => one.pipelineId === pipelineOf(request).id && mayUseReview(request, one));
    return sendPage(request, reply, seen, KEYS, view);
  });

  api.get("/apps/:app/review-app", { schema: { summary: "What makes this app a review app" } }, async (request) => {
    const review = store.reviewApps.ofApp(appOf(request).id);
    if (!review) throw notFound("review_app", "This app is no review app.");
    return view(review);
  });

  api.get("/pipelines/:pipeline/repo", { schema: { summary: "The pipeline's repository: that of its staging, development or production app" } }, async (request) => {
    const parent = repositoryOf(deps, request, pipelineOf(request));
    return { clone_url: gitUrl(deps, request, parent), full_name: parent.name, id: parent.id, name: parent.name };
  });

  api.get<{ Params: { branch: string } }>("/pipelines/:pipeline/repo/branches/:branch", { schema: { summary: "A branch that was pushed to it" } }, async (request) => {
    const { branch } = request.params;
    const source = await branches.find(repositoryOf(deps, request, pipelineOf(request)).id, branch);
    if (!source) throw notFound("branch");
    return { commit: { sha: source.commit }, name: branch };
  });

  function mayUseReview(request: FastifyRequest, { parentId }: ReviewApp): boolean {
    const parent = store.apps.find(parentId);
    return parent !== undefined && mayUse(store, userOf(request), parent);
  }
}

/** The app whose repository is the pipeline's. @throws AppError not_found */
export function repositoryOf({ store }: ApiDeps, request: FastifyRequest, { id, name }: AppPipeline): App {
  const couplings = store.pipelines.couplings().filter(({ pipelineId }) => pipelineId === id);
  for (const stage of ["staging", "development", "production"]) {
    for (const coupling of couplings.filter((one) => one.stage === stage)) {
      const app = store.apps.find(coupling.appId);
      if (app && mayUse(store, userOf(request), app)) return app;
    }
  }
  throw notFound("repository", `The pipeline ${name} has no repository: it is that of its staging, development or production app, and it has none that you may use.`);
}
