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

type FeatureParams = { Params: { feature: string } };

/** Switches of an app that Heroku calls features. */
export function serveFeatures(api: FastifyInstance, deps: ApiDeps): void {
  // Of people there are none: what Heroku tries out on accounts is not here.
  api.get("/account/features", { schema: { summary: "Your account's features: none" } }, async (request, reply) => sendPage(request, reply, [] as { id: string; name: string }[], KEYS, (feature) => feature));

  api.get<FeatureParams>("/account/features/:feature", { schema: { summary: "One feature of your account: none is there" } }, async () => {
    throw notFound("feature");
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
