import type { FastifyInstance } from "fastify";
import { randomUUID } from "node:crypto";
import type { Account, App, PipelinePromotion, PromotionTarget } from "../domain/model.ts";
import { AppError, invalidParams, publicMessage } from "../errors.ts";
import { findApp, findPipeline, promotionOf, userOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";
import { sendPage, type SortKeys } from "./range.ts";

const REF = { type: "object", additionalProperties: false, required: ["id"], properties: { id: { type: "string", minLength: 1, maxLength: 100 } } };
const APP = { type: "object", additionalProperties: false, required: ["app"], properties: { app: REF } };
const CREATE = { type: "object", additionalProperties: false, required: ["pipeline", "source", "targets"], properties: { pipeline: REF, source: APP, targets: { type: "array", minItems: 1, maxItems: 50, items: APP } } };
const KEYS: SortKeys<PromotionTarget> = { id: ({ id }) => id };

type Ref = { id: string };
type Create = { Body: { pipeline: Ref; source: { app: Ref }; targets: { app: Ref }[] } };

/** Promotions: the release that serves in one app of a pipeline, released in others of it. It goes on after the answer; the targets tell how. */
export function servePipelinePromotions(api: FastifyInstance, { store, pipeline, log }: ApiDeps): void {
  const view = (promotion: PipelinePromotion) => ({
    created_at: promotion.createdAt, id: promotion.id, pipeline: { id: promotion.pipelineId }, source: { app: { id: promotion.sourceAppId }, release: { id: promotion.sourceReleaseId } },
    status: store.pipelinePromotions.targets(promotion.id).some(({ status }) => status === "pending") ? "pending" : "completed", updated_at: promotion.updatedAt,
  });
  const targetView = (target: PromotionTarget) => ({
    app: { id: target.appId }, error_message: target.errorMessage, id: target.id, pipeline_promotion: { id: target.promotionId }, release: target.releaseId === null ? null : { id: target.releaseId }, status: target.status,
  });

  api.post<Create>("/pipeline-promotions", { schema: { summary: "Release what serves in one app of a pipeline in others of it", body: CREATE } }, async (request, reply) => {
    const user = userOf(request);
    const { id: pipelineId, name } = findPipeline(store, user, request.body.pipeline.id);
    const coupled = (key: string): App => {
      const app = findApp(store, user, key);
      if (store.pipelines.couplingOf(app.id)?.pipelineId !== pipelineId) throw invalidParams(`app: ${app.name} is not in the pipeline ${name}.`);
      return app;
    };
    const source = coupled(request.body.source.app.id);
    const apps = [...new Map(request.body.targets.map(({ app }) => coupled(app.id)).map((app) => [app.id, app])).values()];
    if (apps.some(({ id }) => id === source.id)) throw invalidParams(`targets: ${source.name} is the source.`);
    const release = pipeline.current(source);
    if (release.slugId === null) throw new AppError("no_slug", `${source.name} has no slug to promote: nothing was deployed to it yet.`);

    const now = new Date().toISOString();
    const promotion: PipelinePromotion = { id: randomUUID(), pipelineId, sourceAppId: source.id, sourceReleaseId: release.id, createdAt: now, updatedAt: now };
    const targets = apps.map((app): PromotionTarget => ({ id: randomUUID(), promotionId: promotion.id, appId: app.id, releaseId: null, status: "pending", errorMessage: null }));
    store.pipelinePromotions.insert(promotion, targets);
    for (const [index, app] of apps.entries()) void promote(source, app, user, targets[index] as PromotionTarget);
    return reply.code(201).send(view(promotion));
  });

  api.get("/pipeline-promotions/:promotion", { schema: { summary: "One promotion" } }, async (request) => view(promotionOf(request)));

  api.get("/pipeline-promotions/:promotion/promotion-targets", { schema: { summary: "What came of a promotion, app by app" } }, async (request, reply) =>
    sendPage(request, reply, store.pipelinePromotions.targets(promotionOf(request).id), KEYS, targetView));

  /** Never throws: what goes wrong is the target's. */
  async function promote(source: App, app: App, user: Account, target: PromotionTarget): Promise<void> {
    const settle = (outcome: Partial<PromotionTarget>): void => store.pipelinePromotions.settle({ ...target, ...outcome }, new Date().toISOString());
    try {
      const { id } = await pipeline.promote(source, app, user);
      settle({ status: "succeeded", releaseId: id });
    } catch (error) {
      if (!(error instanceof AppError)) log.error({ app: app.name, err: error }, "promotion failed");
      settle({ status: "failed", errorMessage: publicMessage(error) });
    }
  }
}
