import type { FastifyInstance, FastifyRequest } from "fastify";
import { applyConfigChange } from "../domain/config-vars.ts";
import { DEFAULT_SIZE } from "../domain/formation.ts";
import type { App } from "../domain/model.ts";
import { invalidParams, notFound } from "../errors.ts";
import type { RunRequest } from "../pipeline/one-offs.ts";
import type { DynoView } from "../pipeline/dyno.ts";
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

const RUN = {
  type: "object", additionalProperties: false, required: ["command"],
  properties: {
    command: { type: "string", minLength: 1, maxLength: 30_000 }, attach: { type: ["boolean", "null"] }, env: { type: ["object", "null"], additionalProperties: { type: ["string", "number"] } },
    force_no_tty: { type: ["boolean", "null"] }, size: { type: ["string", "null"] }, type: { type: ["string", "null"] }, time_to_live: { type: ["integer", "null"], minimum: 1, maximum: 2_592_000 },
  },
};

type RunBody = { command: string; attach?: boolean | null; env?: Record<string, string | number> | null; force_no_tty?: boolean | null; size?: string | null; time_to_live?: number | null };

/** One-off dynos: started on their own, or kept waiting for their client at a URL that works once. */
export function serveOneOffs(api: FastifyInstance, { pipeline, config, tlsPort }: ApiDeps): void {
  const attachUrl = (request: FastifyRequest, secret: string): string => `rendezvous://${hostNameOf(request, config.domain)}:${tlsPort() ?? 0}/${secret}`;
  const assertTls = (): void => {
    if (tlsPort() === undefined) throw invalidParams("attach: one-off dynos are reached over TLS, which is switched off here (PAAS_API_TLS_PORT). Use attach: false.");
  };

  api.post<{ Body: RunBody }>("/apps/:app/dynos", { schema: { summary: "Run a one-off dyno", body: RUN } }, async (request, reply) => {
    const app = appOf(request);
    const asked = runRequest(request.body);
    if (request.body.attach !== true) return reply.code(201).send(dynoView(app, await pipeline.oneOffs.detach(app, { ...asked, terminal: undefined })));
    assertTls();
    const { view, secret } = await pipeline.oneOffs.attach(app, asked);
    return reply.code(201).send(dynoView(app, view, attachUrl(request, secret)));
  });

  api.post<DynoParams & { Body: RunBody }>("/apps/:app/dynos/:dyno", { schema: { summary: "Run a command in a running dyno", body: RUN } }, async (request, reply) => {
    const app = appOf(request);
    assertTls();
    const { view, secret } = await pipeline.oneOffs.inside(app, request.params.dyno, runRequest(request.body));
    return reply.code(201).send(dynoView(app, view, attachUrl(request, secret)));
  });
}

/** Clients at a terminal say so by TERM, COLUMNS and LINES, the last two as numbers. */
function runRequest({ command, env, force_no_tty: noTerminal, size, time_to_live: timeToLive }: RunBody): RunRequest {
  if (command.includes("\0")) throw invalidParams("command: must not hold a NUL.");
  if (size && size.toLowerCase() !== DEFAULT_SIZE) throw invalidParams(`size: only "${DEFAULT_SIZE}" is offered here.`);
  const given = Object.fromEntries(Object.entries(env ?? {}).map(([key, value]) => [key, String(value)]));
  const { COLUMNS, LINES, ...others } = given;
  const checked = applyConfigChange({}, others);
  const columns = Number(COLUMNS) || 80;
  const rows = Number(LINES) || 24;
  return { command, env: checked, timeToLive: timeToLive ?? undefined, terminal: noTerminal === true || given["TERM"] === undefined || COLUMNS === undefined ? undefined : { columns: Math.min(columns, 1000), rows: Math.min(rows, 1000) } };
}

function hostNameOf(request: FastifyRequest, fallback: string): string {
  const host = /^([a-z0-9.-]+|\[[0-9a-f:.]+\])(:\d+)?$/i.exec(request.headers.host ?? "")?.[1];
  return host ?? fallback;
}

function dynoView(app: App, dyno: DynoView, attachUrl: string | null = null) {
  return {
    app: { id: app.id, name: app.name }, attach_url: attachUrl, command: dyno.command, created_at: dyno.createdAt, id: dyno.id,
    name: dyno.name, release: dyno.release, size: dyno.size, state: dyno.state, type: dyno.type, updated_at: dyno.updatedAt,
  };
}
