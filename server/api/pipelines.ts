import type { FastifyInstance, FastifyRequest } from "fastify";
import { randomUUID } from "node:crypto";
import type { AppPipeline } from "../domain/model.ts";
import { invalidParams } from "../errors.ts";
import { mayUsePipeline } from "../identity/access.ts";
import { userRef } from "./account.ts";
import { pipelineOf, userOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";
import { GENERATION } from "./platform.ts";
import { sendPage, type SortKeys } from "./range.ts";
import { unlessTaken } from "./unless-taken.ts";

// Heroku's rule (devcenter: platform-api-reference#pipeline).
const NAME = { type: "string", pattern: "^[a-z][a-z0-9-]{2,29}$" };
const OWNER = { type: ["object", "null"], additionalProperties: false, required: ["id", "type"], properties: { id: { type: "string" }, type: { type: "string", const: "user" } } };
// Of one generation there is no choice: what clients send of it is let pass.
const CREATE = { type: "object", additionalProperties: false, required: ["name"], properties: { name: NAME, owner: OWNER, generation: { type: ["object", "string", "null"] } } };
const UPDATE = { type: "object", additionalProperties: false, properties: { name: NAME } };
const KEYS: SortKeys<AppPipeline> = { name: ({ name }) => name, id: ({ id }) => id };

type Named = { Body: { name?: string } };

/** Pipelines: create, list, info, rename, destroy. Their apps are couplings. */
export function servePipelines(api: FastifyInstance, { store }: ApiDeps): void {
  const view = (pipeline: AppPipeline) => ({
    created_at: pipeline.createdAt, generation: GENERATION, id: pipeline.id, name: pipeline.name, owner: { ...userRef(store, pipeline.ownerId), type: "user" }, updated_at: pipeline.updatedAt,
  });

  api.get<{ Querystring: Record<string, string> }>("/pipelines", { schema: { summary: "The pipelines that you may see; `?eq[name]=` looks for one" } }, async (request, reply) => {
    const wanted = request.query["eq[name]"];
    const pipelines = store.pipelines.list().filter((one) => mayUsePipeline(store, userOf(request), one) && (wanted === undefined || one.name === wanted));
    return sendPage(request, reply, pipelines, KEYS, view);
  });

  api.post<{ Body: { name: string; owner?: { id: string } | null } }>("/pipelines", { schema: { summary: "Create a pipeline", body: CREATE } }, async (request, reply) => {
    const now = new Date().toISOString();
    const pipeline: AppPipeline = { id: randomUUID(), name: request.body.name, ownerId: owner(request, request.body.owner?.id), createdAt: now, updatedAt: now };
    unlessTaken("name", pipeline.name, () => store.pipelines.insert(pipeline));
    return reply.code(201).send(view(pipeline));
  });

  api.get("/pipelines/:pipeline", { schema: { summary: "One pipeline, by id or name" } }, async (request) => view(pipelineOf(request)));

  api.patch<Named>("/pipelines/:pipeline", { schema: { summary: "Rename a pipeline", body: UPDATE } }, async (request) => {
    const pipeline = pipelineOf(request);
    const { name = pipeline.name } = request.body;
    unlessTaken("name", name, () => store.pipelines.rename(pipeline.id, name, new Date().toISOString()));
    return view(store.pipelines.find(pipeline.id) ?? pipeline);
  });

  api.delete("/pipelines/:pipeline", { schema: { summary: "Destroy a pipeline; its apps stay" } }, async (request) => {
    const pipeline = pipelineOf(request);
    store.pipelines.remove(pipeline.id);
    return view(pipeline);
  });

  function owner(request: FastifyRequest, given: string | undefined): string {
    const { id, admin } = userOf(request);
    if (given === undefined || given === id) return id;
    if (!admin || !store.users.find(given)) throw invalidParams("owner: must be yourself.");
    return given;
  }
}
