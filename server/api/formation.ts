import type { FastifyInstance } from "fastify";
import { DEFAULT_SIZE } from "../domain/formation.ts";
import type { App, Release } from "../domain/model.ts";
import { shown } from "../domain/shown.ts";
import { notFound } from "../errors.ts";
import { appOf, userOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";
import { sendPage, type SortKeys } from "./range.ts";
import { stableId } from "./stable-id.ts";

// Quantities are judged by domain/formation.ts: 2, "2", "+1" and "-1" are all right.
const CHANGE = { quantity: { type: ["number", "string"], maxLength: 20 }, size: { type: "string", minLength: 1, maxLength: 40 } };
const ONE = { type: "object", additionalProperties: false, properties: CHANGE };
const UPDATE = { type: "object", additionalProperties: false, required: ["type"], properties: { type: { type: "string", minLength: 1, maxLength: 63 }, ...CHANGE } };
const BATCH = { type: "object", additionalProperties: false, required: ["updates"], properties: { updates: { type: "array", maxItems: 100, items: UPDATE } } };

type Change = { quantity?: number | string; size?: string };
type View = ReturnType<typeof formationView>[number];
const KEYS: SortKeys<View> = { type: (item) => item.type, id: (item) => item.id };

/** Formation: how many dynos of each process type run. */
export function serveFormation(api: FastifyInstance, deps: ApiDeps): void {
  const { pipeline } = deps;

  api.get("/apps/:app/formation", { schema: { summary: "The app's process types and their quantities" } }, async (request, reply) => {
    const app = appOf(request);
    return sendPage(request, reply, formationView(deps, app, pipeline.current(app)), KEYS, (item) => item);
  });

  api.get<{ Params: { type: string } }>("/apps/:app/formation/:type", { schema: { summary: "One process type" } }, async (request) => {
    const app = appOf(request);
    return only(formationView(deps, app, pipeline.current(app)), request.params.type);
  });

  api.patch<{ Body: { updates: ({ type: string } & Change)[] } }>("/apps/:app/formation", { schema: { summary: "Scale several process types", body: BATCH } }, async (request) => {
    const app = appOf(request);
    return formationView(deps, app, await pipeline.scale(app, request.body.updates, userOf(request)));
  });

  api.patch<{ Params: { type: string }; Body: Change }>("/apps/:app/formation/:type", { schema: { summary: "Scale one process type", body: ONE } }, async (request) => {
    const app = appOf(request);
    const { type } = request.params;
    return only(formationView(deps, app, await pipeline.scale(app, [{ type, ...request.body }], userOf(request))), type);
  });
}

/** Every process type of the release's slug; `release` is among them, for clients that retry a release look for it. */
function formationView({ store }: ApiDeps, app: App, release: Release) {
  const commands = release.slugId === null ? {} : store.slugs.find(release.slugId)?.processTypes ?? {};
  const types = new Set([...Object.keys(commands), ...Object.keys(release.formation)]);
  return [...types].map((type) => {
    const { quantity, size } = release.formation[type] ?? { quantity: 0, size: DEFAULT_SIZE };
    return {
      app: { id: app.id, name: app.name }, command: commands[type] ?? "", created_at: app.createdAt,
      dyno_size: { id: stableId("dyno-size", size), name: size }, id: stableId("formation", app.id, type), quantity, size, type,
      updated_at: release.createdAt,
    };
  });
}

function only(formation: View[], type: string): View {
  const found = formation.find((item) => item.type === type || item.id === type);
  if (!found) throw notFound("formation", `Couldn't find that process type (${shown(type)}).`);
  return found;
}
