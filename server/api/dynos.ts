import type { FastifyInstance } from "fastify";
import type { App } from "../domain/model.ts";
import { notFound } from "../errors.ts";
import type { DynoView } from "../pipeline/pipeline.ts";
import { appOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";
import { sendPage, type SortKeys } from "./range.ts";

const KEYS: SortKeys<DynoView> = { name: (dyno) => dyno.name, id: (dyno) => dyno.id };

type DynoParams = { Params: { dyno: string } };
type TypeParams = { Params: { type: string } };

/** Dynos: list, info, restart, stop. Restart and stop answer 202 with an empty object. */
export function serveDynos(api: FastifyInstance, { pipeline }: ApiDeps): void {
  /** Clients name a dyno by id or name, and by older habit a whole type. */
  const nameOf = async (app: App, key: string): Promise<string> => (await pipeline.dynos(app)).find(({ id }) => id === key)?.name ?? key;

  api.get("/apps/:app/dynos", { schema: { summary: "The app's dynos" } }, async (request, reply) => {
    const app = appOf(request);
    return sendPage(request, reply, await pipeline.dynos(app), KEYS, (dyno) => dynoView(app, dyno));
  });

  api.get<DynoParams>("/apps/:app/dynos/:dyno", { schema: { summary: "One dyno, by id or name" } }, async (request) => {
    const app = appOf(request);
    const found = (await pipeline.dynos(app)).find(({ id, name }) => id === request.params.dyno || name === request.params.dyno);
    if (!found) throw notFound("dyno");
    return dynoView(app, found);
  });

  api.delete("/apps/:app/dynos", { schema: { summary: "Restart all dynos" } }, async (request, reply) => {
    await pipeline.restart(appOf(request));
    return reply.code(202).send({});
  });

  api.delete<DynoParams>("/apps/:app/dynos/:dyno", { schema: { summary: "Restart one dyno" } }, async (request, reply) => {
    const app = appOf(request);
    await pipeline.restart(app, await nameOf(app, request.params.dyno));
    return reply.code(202).send({});
  });

  api.delete<TypeParams>("/apps/:app/formations/:type", { schema: { summary: "Restart the dynos of a process type" } }, async (request, reply) => {
    await pipeline.restart(appOf(request), request.params.type);
    return reply.code(202).send({});
  });

  api.post<DynoParams>("/apps/:app/dynos/:dyno/actions/stop", { schema: { summary: "Stop one dyno" } }, async (request, reply) => {
    const app = appOf(request);
    await pipeline.stop(app, await nameOf(app, request.params.dyno));
    return reply.code(202).send({});
  });

  api.post<TypeParams>("/apps/:app/formations/:type/actions/stop", { schema: { summary: "Stop the dynos of a process type" } }, async (request, reply) => {
    await pipeline.stop(appOf(request), request.params.type);
    return reply.code(202).send({});
  });
}

function dynoView(app: App, dyno: DynoView) {
  return {
    app: { id: app.id, name: app.name }, attach_url: null, command: dyno.command, created_at: dyno.createdAt, id: dyno.id,
    name: dyno.name, release: dyno.release, size: dyno.size, state: dyno.state, type: dyno.type, updated_at: dyno.updatedAt,
  };
}
