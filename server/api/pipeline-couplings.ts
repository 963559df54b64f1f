import type { FastifyInstance, FastifyRequest } from "fastify";
import { randomUUID } from "node:crypto";
import type { PipelineCoupling, PipelineStage } from "../domain/model.ts";
import { invalidParams, notFound } from "../errors.ts";
import { mayUse } from "../identity/access.ts";
import { appView } from "./apps.ts";
import { appOf, couplingOf, findApp, findPipeline, pipelineOf, userOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";
import { sendPage, type SortKeys } from "./range.ts";

const KEY = { type: "string", minLength: 1, maxLength: 100 };
const STAGE = { type: "string", enum: ["test", "review", "development", "staging", "production"] };
const CREATE = { type: "object", additionalProperties: false, required: ["app", "pipeline", "stage"], properties: { app: KEY, pipeline: KEY, stage: STAGE } };
const UPDATE = { type: "object", additionalProperties: false, properties: { stage: STAGE } };
const FILTER = {
  type: "object", additionalProperties: false, required: ["in"],
  properties: { in: { type: "object", additionalProperties: false, properties: { id: { type: "array", maxItems: 1000, items: { type: "string", maxLength: 100 } } } } },
};
const KEYS: SortKeys<PipelineCoupling> = { id: ({ id }) => id, created_at: ({ createdAt }) => createdAt };

/** Couplings: which app is which stage of which pipeline. One sees those of apps that one may use. */
export function servePipelineCouplings(api: FastifyInstance, deps: ApiDeps): void {
  const { store } = deps;
  const view = (coupling: PipelineCoupling) => ({
    app: { id: coupling.appId, name: store.apps.find(coupling.appId)?.name ?? "" }, created_at: coupling.createdAt, id: coupling.id,
    pipeline: { id: coupling.pipelineId, name: store.pipelines.find(coupling.pipelineId)?.name ?? "" }, stage: coupling.stage, updated_at: coupling.updatedAt,
  });
  const visible = (request: FastifyRequest): PipelineCoupling[] => store.pipelines.couplings().filter(({ appId }) => {
    const app = store.apps.find(appId);
    return app !== undefined && mayUse(store, userOf(request), app);
  });

  api.get("/pipeline-couplings", { schema: { summary: "Which of your apps are in which pipeline" } }, async (request, reply) => sendPage(request, reply, visible(request), KEYS, view));

  api.get("/pipelines/:pipeline/pipeline-couplings", { schema: { summary: "The apps of a pipeline" } }, async (request, reply) =>
    sendPage(request, reply, visible(request).filter(({ pipelineId }) => pipelineId === pipelineOf(request).id), KEYS, view));

  api.post<{ Body: { app: string; pipeline: string; stage: PipelineStage } }>("/pipeline-couplings", { schema: { summary: "Put an app into a pipeline", body: CREATE } }, async (request, reply) => {
    const user = userOf(request);
    const [app, pipeline] = [findApp(store, user, request.body.app), findPipeline(store, user, request.body.pipeline)];
    if (store.pipelines.couplingOf(app.id)) throw invalidParams(`app: ${app.name} is in a pipeline already.`);
    const now = new Date().toISOString();
    const made: PipelineCoupling = { id: randomUUID(), appId: app.id, pipelineId: pipeline.id, stage: request.body.stage, createdAt: now, updatedAt: now };
    store.pipelines.couple(made);
    return reply.code(201).send(view(made));
  });

  api.get("/pipeline-couplings/:coupling", { schema: { summary: "One coupling" } }, async (request) => view(couplingOf(request)));

  api.patch<{ Body: { stage?: PipelineStage } }>("/pipeline-couplings/:coupling", { schema: { summary: "Make an app another stage", body: UPDATE } }, async (request) => {
    const { id, stage } = couplingOf(request);
    store.pipelines.move(id, request.body.stage ?? stage, new Date().toISOString());
    return view(store.pipelines.coupling(id) ?? couplingOf(request));
  });

  api.delete("/pipeline-couplings/:coupling", { schema: { summary: "Take an app out of its pipeline" } }, async (request) => {
    store.pipelines.uncouple(couplingOf(request).id);
    return view(couplingOf(request));
  });

  api.get("/apps/:app/pipeline-couplings", { schema: { summary: "The app's pipeline" } }, async (request) => {
    const coupling = store.pipelines.couplingOf(appOf(request).id);
    if (!coupling) throw notFound("pipeline_coupling", "This app is in no pipeline.");
    return view(coupling);
  });

  // How Heroku's CLI gets the apps of a pipeline.
  api.post<{ Body: { in: { id?: string[] } } }>("/filters/apps", { schema: { summary: "Those of these apps that you may see", body: FILTER } }, async (request, reply) => {
    const ids = new Set(request.body.in.id ?? []);
    const apps = store.apps.list().filter((app) => ids.has(app.id) && mayUse(store, userOf(request), app));
    return sendPage(request, reply, apps, { id: ({ id }) => id, name: ({ name }) => name }, (app) => appView(deps, request, app));
  });
}
