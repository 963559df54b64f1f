import type { FastifyInstance } from "fastify";
import type { App } from "../domain/model.ts";
import { FEATURES, isFeature, type Feature } from "../domain/switches.ts";
import { notFound } from "../errors.ts";
import { appOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";
import { sendPage } from "./range.ts";
import { stableId } from "./stable-id.ts";

const SWITCH = { type: "object", additionalProperties: false, required: ["enabled"], properties: { enabled: { type: "boolean" } } };
const KEYS = { name: (feature: { name: string }) => feature.name, id: (feature: { id: string }) => feature.id };

/** What Heroku tries out on accounts is not here. This one tells its CLI to ask this API for a pipeline's repository, and nobody else. */
const REPOSITORIES = {
  created_at: "2026-01-01T00:00:00Z", description: "A pipeline's repository is that of one of its apps", display_name: "Repositories", doc_url: "", enabled: true, feedback_email: null,
  id: stableId("feature", "account", "dashboard-repositories-api"), name: "dashboard-repositories-api", state: "general", updated_at: "2026-01-01T00:00:00Z",
};

type FeatureParams = { Params: { feature: string } };

/** Switches of an app that Heroku calls features. */
export function serveFeatures(api: FastifyInstance, deps: ApiDeps): void {
  api.get("/account/features", { schema: { summary: "Your account's features: one, which is on" } }, async (request, reply) => sendPage(request, reply, [REPOSITORIES], KEYS, (feature) => feature));

  api.get<FeatureParams>("/account/features/:feature", { schema: { summary: "One feature of your account" } }, async (request) => {
    if (request.params.feature !== REPOSITORIES.name && request.params.feature !== REPOSITORIES.id) throw notFound("feature");
    return REPOSITORIES;
  });

  api.get("/apps/:app/features", { schema: { summary: "The app's features" } }, async (request, reply) => {
    const app = appOf(request);
    return sendPage(request, reply, (Object.keys(FEATURES) as Feature[]).map((name) => featureView(deps, app, name)), KEYS, (feature) => feature);
  });

  api.get<FeatureParams>("/apps/:app/features/:feature", { schema: { summary: "One feature, by id or name" } }, async (request) => {
    const app = appOf(request);
    return featureView(deps, app, findFeature(app, request.params.feature));
  });

  api.patch<FeatureParams & { Body: { enabled: boolean } }>("/apps/:app/features/:feature", { schema: { summary: "Turn a feature on or off", body: SWITCH } }, async (request) => {
    const app = appOf(request);
    const feature = findFeature(app, request.params.feature);
    await deps.pipeline.turn(app, feature, request.body.enabled);
    return featureView(deps, app, feature);
  });
}

function featureId(app: App, name: string): string {
  return stableId("feature", app.id, name);
}

function findFeature(app: App, key: string): Feature {
  const name = Object.keys(FEATURES).find((one) => one === key || featureId(app, one) === key);
  if (name === undefined || !isFeature(name)) throw notFound("feature");
  return name;
}

function featureView({ store }: ApiDeps, app: App, name: Feature) {
  const times = store.switches.times(app.id, name);
  return {
    created_at: times?.createdAt ?? app.createdAt, description: FEATURES[name], display_name: name, doc_url: "", enabled: store.switches.of(app.id).has(name), feedback_email: null,
    id: featureId(app, name), name, state: "general", updated_at: times?.updatedAt ?? app.createdAt,
  };
}
