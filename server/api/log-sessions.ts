/** Log sessions (devcenter: platform-api-reference#log-session), and an app's lines without one. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { randomUUID } from "node:crypto";
import type { Readable } from "node:stream";
import type { App } from "../domain/model.ts";
import { invalidParams, notFound } from "../errors.ts";
import type { LogFilter } from "../logs/line.ts";
import { DEFAULT_LINES, MAX_LINES, SESSION_MS } from "../logs/session.ts";
import type { StreamRequest } from "../logs/stream.ts";
import { appOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";
import { ownUrl } from "./own-url.ts";
import { findRelease } from "./releases.ts";

const WORD = { type: ["string", "null"], maxLength: 100 };
const LINES = { anyOf: [{ type: "integer", minimum: 0 }, { type: "string", pattern: "^\\d{1,9}$" }, { type: "null" }] };
const RELEASE = { type: ["string", "integer", "null"], maxLength: 100 };
// Heroku's field is dyno_name; its CLI sends dyno.
const CREATE = {
  type: "object", additionalProperties: false,
  properties: { lines: LINES, source: WORD, dyno: WORD, dyno_name: WORD, type: WORD, release: RELEASE, tail: { type: ["boolean", "null"] }, backlog: { type: ["boolean", "null"] } },
};
const QUERY = {
  type: "object", additionalProperties: false,
  properties: { lines: LINES, source: WORD, dyno: WORD, type: WORD, release: RELEASE, tail: { enum: ["true", "false", "1", "0", ""] } },
};

type Wanted = { lines?: number | string | null; source?: string | null; dyno?: string | null; dyno_name?: string | null; type?: string | null; release?: string | number | null };

/** Makes sessions; shows lines to whoever has a token. */
export function serveLogSessions(api: FastifyInstance, deps: ApiDeps): void {
  const show = createLineShow(api, deps);

  api.post<{ Body: Wanted & { tail?: boolean | null } }>("/apps/:app/log-sessions", { schema: { summary: "A URL that shows the app's log lines", body: CREATE } }, async (request, reply) => {
    const app = appOf(request);
    const now = new Date();
    const id = randomUUID();
    const sealed = deps.logs.sessions.seal({ id, appId: app.id, ...wanted(deps, app, request.body), tail: request.body.tail ?? false, expiresAt: now.getTime() + SESSION_MS });
    return reply.code(201).send({ created_at: now.toISOString(), id, logplex_url: `${ownUrl(request, deps)}/log-sessions/${sealed}`, updated_at: now.toISOString() });
  });

  api.get<{ Querystring: Wanted & { tail?: string } }>("/apps/:app/logs", { schema: { summary: "The app's log lines", querystring: QUERY }, exposeHeadRoute: false }, async (request, reply) => {
    const app = appOf(request);
    const { tail } = request.query;
    return show(request, reply, app.id, { ...wanted(deps, app, request.query), tail: tail !== undefined && tail !== "false" && tail !== "0" });
  });
}

/** A session's lines under a URL that is itself the permission: Heroku's CLI fetches it without a token. */
export function serveLogSession(fastify: FastifyInstance, deps: ApiDeps): void {
  const show = createLineShow(fastify, deps);

  fastify.get<{ Params: { capability: string } }>("/log-sessions/:capability", { schema: { summary: "The lines of a log session" }, exposeHeadRoute: false }, async (request, reply) => {
    const session = deps.logs.sessions.open(request.params.capability);
    if (!session || !deps.store.apps.find(session.appId)) throw notFound("log session", "This log session is over: ask for another one.");
    return show(request, reply, session.appId, session);
  });
}

/** Lines as server-sent events where the client takes them, else as plain text. Streams that are open when the server closes end then. */
function createLineShow(fastify: FastifyInstance, { logs }: ApiDeps) {
  const open = new Set<Readable>();
  fastify.addHook("preClose", async () => {
    for (const stream of open) stream.destroy();
  });
  return (request: FastifyRequest, reply: FastifyReply, appId: string, wants: LogFilter & Pick<StreamRequest, "lines" | "tail">): FastifyReply => {
    const events = /\btext\/event-stream\b/.test(request.headers.accept ?? "");
    const lastId = request.headers["last-event-id"];
    const after = typeof lastId === "string" && /^\d{1,16}$/.test(lastId) ? Number(lastId) : undefined;
    const stream = logs.stream(appId, { ...wants, events, after: events ? after : undefined });
    open.add(stream);
    stream.once("close", () => open.delete(stream));
    return reply
      .header("Content-Type", events ? "text/event-stream; charset=utf-8" : "text/plain; charset=utf-8")
      .header("Cache-Control", "no-store")
      .header("X-Content-Type-Options", "nosniff")
      // Proxies such as nginx hold a stream back otherwise.
      .header("X-Accel-Buffering", "no")
      .send(stream);
  };
}

/** @throws AppError invalid_params, not_found (no such release) */
function wanted(deps: ApiDeps, app: App, { lines, source, dyno, dyno_name: dynoName, type, release }: Wanted): LogFilter & { lines: number } {
  if (source !== undefined && source !== null && source !== "" && source !== "app" && source !== "heroku") throw invalidParams("source: must be app or heroku.");
  const found = release === undefined || release === null || release === "" ? undefined : findRelease(deps, app, String(release)).version;
  return { lines: Math.min(Number(lines ?? DEFAULT_LINES), MAX_LINES), source: source || undefined, dyno: dyno || dynoName || type || undefined, release: found };
}
