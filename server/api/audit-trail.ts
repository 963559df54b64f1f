/** Every change through the API goes into the audit trail here, so that no route can forget it; and admins read the trail. */

import type { FastifyInstance, FastifyRequest } from "fastify";
import type { App, AuditEvent } from "../domain/model.ts";
import { permittedOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";
import { policyOf } from "./policies.ts";
import { parseRange, sendPage, type SortKeys } from "./range.ts";

const ACTIONS: Record<string, string> = { POST: "create", PATCH: "update", PUT: "update", DELETE: "destroy" };
/** What takes no more than these changes nothing, by whatever method it is asked. */
const READING = new Set<string>(["identity", "read", "read-protected"]);
/** Ids, names, hosts: whatever a path names that cannot hold a secret. A drain's URL could. */
const PLAIN = /^[\w.:@~ -]{1,254}$/;
const MAX_RECORDED = 2000;

const WORD = { type: "string", maxLength: 254 };
const TIME = { type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,9})?Z)?$" };
const QUERY = { type: "object", additionalProperties: false, properties: { type: WORD, action: WORD, actor: WORD, app: WORD, after: TIME, before: TIME } };

type Query = { type?: string; action?: string; actor?: string; app?: string; after?: string; before?: string };
const KEYS: SortKeys<AuditEvent> = { seq: ({ seq }) => seq };

/** Records every request of this context that may change something and was permitted, however it ended. */
export function recordChanges(api: FastifyInstance, { audit }: ApiDeps): void {
  api.addHook("onSend", async (request, reply, payload) => {
    const permitted = permittedOf(request);
    const action = ACTIONS[request.method];
    const path = request.routeOptions.url ?? "";
    if (!permitted || action === undefined || READING.has(policyOf(request.method, path).scope)) return payload;
    audit.record({
      actor: permitted.user, ...deedOf(path, action), app: appOf(request, payload), address: request.socket.remoteAddress,
      data: { status: reply.statusCode, ...plainParams(request), ...recorded(request, path), ...(reply.statusCode === 201 ? named(payload) : {}) },
    });
    return payload;
  });
}

/** The trail, newest first. */
export function serveAuditTrail(api: FastifyInstance, { store }: ApiDeps): void {
  api.get<{ Querystring: Query }>("/audit-trail/events", { schema: { summary: "Who changed what, newest first", querystring: QUERY } }, async (request, reply) => {
    const range = parseRange(request.headers.range?.trim() || "seq ..; order=desc", ["seq"]);
    const bounds = [range.start, range.end].map((text) => (/^\d{1,15}$/.test(text) ? Number(text) : undefined));
    const [start, end] = range.order === "desc" ? [bounds[1], bounds[0]] : bounds;
    // `1..5` with order=desc means the same as `5..1`: both ends are taken in, and sendPage cuts.
    const [lowest, highest] = start !== undefined && end !== undefined && start > end ? [end, start] : [start ?? 0, end ?? Number.MAX_SAFE_INTEGER];
    const events = store.auditEvents.list({ ...request.query, lowest, highest, newestFirst: range.order === "desc", limit: range.max + 2 });
    return sendPage(request, reply, events, KEYS, eventView, range);
  });
}

/** `/apps/:app/dynos/:dyno/actions/stop` → dyno, stop; `/apps/:app/config-vars` → config-var, update. */
export function deedOf(path: string, action: string): { type: string; action: string } {
  const words = path.split("/").filter((word) => word !== "" && !word.startsWith(":"));
  const at = words.indexOf("actions");
  const noun = words[(at < 0 ? words.length : at) - 1] ?? "";
  return { type: noun.replace(/s$/, ""), action: at < 0 ? action : words[at + 1] ?? action };
}

function plainParams(request: FastifyRequest): Record<string, unknown> {
  const params = Object.entries((request.params ?? {}) as Record<string, string>).filter(([name]) => name !== "app");
  return Object.fromEntries(params.map(([name, value]) => [name, PLAIN.test(value) ? value : "…"]));
}

function recorded(request: FastifyRequest, path: string): Record<string, unknown> {
  const body = typeof request.body === "object" && request.body !== null ? (request.body as Record<string, unknown>) : {};
  const fields = (policyOf(request.method, path).records ?? []).filter((field) => Object.hasOwn(body, field));
  return Object.fromEntries(fields.map((field) => [field, JSON.stringify(body[field]).length > MAX_RECORDED ? "…" : body[field]]));
}

/** The app that the path names, or that was just made. */
function appOf(request: FastifyRequest, payload: unknown): Pick<App, "id" | "name"> | undefined {
  const app = request.getDecorator<App | null>("app");
  if (app) return app;
  const { made } = request.routeOptions.url === "/apps" ? named(payload) : { made: undefined };
  return made?.name === undefined ? undefined : { id: made.id, name: made.name };
}

/** Id and name of what an answer shows; the rest of it may be secret. */
function named(payload: unknown): { made?: { id: string; name?: string } } {
  try {
    const { id, name } = JSON.parse(String(payload)) as { id?: unknown; name?: unknown };
    return typeof id === "string" ? { made: { id, ...(typeof name === "string" ? { name } : {}) } } : {};
  } catch {
    return {};
  }
}

/** Heroku's enterprise audit events have this shape. */
function eventView(event: AuditEvent) {
  return {
    action: event.action, actor: { email: event.actorEmail, id: event.actorId }, app: event.appId === null ? null : { id: event.appId, name: event.appName }, created_at: event.createdAt,
    data: event.data, enterprise_account: null, id: event.id, request: { ip_address: event.address }, seq: event.seq, team: null, type: event.type,
  };
}
