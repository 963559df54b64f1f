import type { FastifyInstance, FastifyRequest } from "fastify";
import { randomBytes, randomUUID } from "node:crypto";
import { isIP } from "node:net";
import type { App, Webhook, WebhookAttempt, WebhookDelivery, WebhookEvent } from "../domain/model.ts";
import { parseWebhookUrl, WEBHOOK_ENTITIES, type WebhookEntity } from "../domain/webhook.ts";
import { invalidParams, notFound } from "../errors.ts";
import { appOf, permittedOf } from "./auth.ts";
import { deedOf } from "./audit-trail.ts";
import type { ApiDeps } from "./deps.ts";
import { sendPage, type SortKeys } from "./range.ts";

const FIELDS = {
  url: { type: "string", minLength: 1 }, include: { type: "array", minItems: 1, maxItems: 20, items: { type: "string", enum: WEBHOOK_ENTITIES } }, level: { type: "string", enum: ["notify", "sync"] },
  // What is sent in a header holds no line break.
  secret: { type: ["string", "null"], minLength: 1, maxLength: 200, pattern: "^[\\x21-\\x7e]*$" }, authorization: { type: ["string", "null"], maxLength: 1000, pattern: "^[\\x20-\\x7e]*$" },
};
const CREATE = { type: "object", additionalProperties: false, required: ["url", "include", "level"], properties: FIELDS };
const UPDATE = { type: "object", additionalProperties: false, properties: FIELDS };
const MAX_WEBHOOKS = 20;
const KEYS: SortKeys<Webhook> = { id: ({ id }) => id, created_at: ({ createdAt }) => createdAt };
const EVENT_KEYS: SortKeys<WebhookEvent> = { seq: ({ seq }) => seq, id: ({ id }) => id, created_at: ({ createdAt }) => createdAt };
const DELIVERY_KEYS: SortKeys<WebhookDelivery> = { seq: ({ seq }) => seq, id: ({ id }) => id, created_at: ({ createdAt }) => createdAt };
const ENTITY_OF: Record<string, WebhookEntity> = { app: "api:app", domain: "api:domain", formation: "api:formation", collaborator: "api:collaborator", "sni-endpoint": "api:sni-endpoint" };
const ACTION_OF: Record<string, "create" | "update" | "destroy"> = { POST: "create", PATCH: "update", DELETE: "destroy" };

type Fields = { url: string; include: string[]; level: Webhook["level"]; secret?: string | null; authorization?: string | null };
type ById = { Params: { webhook: string } };

/** Tells webhooks of changes that the API itself made; builds, releases and dynos are told by the pipeline. */
export function tellWebhooks(api: FastifyInstance, { webhooks }: ApiDeps): void {
  api.addHook("onSend", async (request, reply, payload) => {
    const [permitted, app, action] = [permittedOf(request), request.getDecorator<App | null>("app"), ACTION_OF[request.method]];
    if (!permitted || !app || action === undefined || reply.statusCode >= 300) return payload;
    const include = ENTITY_OF[deedOf(request.routeOptions.url ?? "", action).type];
    if (include) webhooks.tell({ app, include, action, actor: permitted.user, data: JSON.parse(String(payload)) as unknown });
    return payload;
  });
}

/** Webhooks of an app: create, list, info, update, remove; and what became of their events. */
export function serveWebhooks(api: FastifyInstance, { store, webhooks }: ApiDeps): void {
  const find = (request: FastifyRequest, id: string): Webhook => {
    const webhook = store.webhooks.find(id);
    if (webhook?.appId !== appOf(request).id) throw notFound("webhook");
    return webhook;
  };
  const assertUrl = (given: string): void => {
    const host = parseWebhookUrl(given).hostname.replace(/^\[|\]$/g, "");
    try {
      if (isIP(host) !== 0) webhooks.assertAddress(host);
    } catch {
      throw invalidParams("url: must lead to the public internet.");
    }
    if (/(^|\.)(localhost|internal|local)\.?$/i.test(host)) throw invalidParams("url: must lead to the public internet.");
  };
  const view = (app: App, { id, url, include, level, createdAt, updatedAt }: Webhook) => ({ app: { id: app.id, name: app.name }, created_at: createdAt, id, include, level, updated_at: updatedAt, url });
  const deliveryView = (delivery: WebhookDelivery) => {
    const webhook = store.webhooks.find(delivery.webhookId);
    return {
      created_at: delivery.createdAt, event: { id: delivery.eventId, include: store.webhooks.event(delivery.eventId)?.include ?? "" }, id: delivery.id, last_attempt: delivery.lastAttempt && attemptView(delivery.lastAttempt),
      next_attempt_at: delivery.nextAttemptAt, num_attempts: delivery.attempts, seq: delivery.seq, status: delivery.status, updated_at: delivery.updatedAt, webhook: { id: delivery.webhookId, level: webhook?.level ?? "notify" },
    };
  };
  const eventView = (event: WebhookEvent) => ({ created_at: event.createdAt, id: event.id, include: event.include, payload: event.payload, seq: event.seq, updated_at: event.createdAt });

  api.get("/apps/:app/webhooks", { schema: { summary: "The app's webhooks" } }, async (request, reply) => sendPage(request, reply, store.webhooks.list(appOf(request).id), KEYS, (one) => view(appOf(request), one)));

  api.post<{ Body: Fields }>("/apps/:app/webhooks", { schema: { summary: "Send the app's events to a URL", body: CREATE } }, async (request, reply) => {
    const app = appOf(request);
    const { url, include, level, secret, authorization } = request.body;
    assertUrl(url);
    if (store.webhooks.list(app.id).length >= MAX_WEBHOOKS) throw invalidParams(`An app has at most ${MAX_WEBHOOKS} webhooks.`);
    const now = new Date().toISOString();
    const made: Webhook = { id: randomUUID(), appId: app.id, url, include: [...new Set(include)], level, secret: secret ?? randomBytes(32).toString("hex"), authorization: authorization ?? null, createdAt: now, updatedAt: now };
    store.webhooks.insert(made);
    // Shown once, in a header, as Heroku does: its CLI looks for it there.
    return reply.code(201).header("Heroku-Webhook-Secret", made.secret).send(view(app, made));
  });

  api.get<ById>("/apps/:app/webhooks/:webhook", { schema: { summary: "One webhook" } }, async (request) => view(appOf(request), find(request, request.params.webhook)));

  api.patch<ById & { Body: Partial<Fields> }>("/apps/:app/webhooks/:webhook", { schema: { summary: "Change a webhook", body: UPDATE } }, async (request, reply) => {
    const before = find(request, request.params.webhook);
    const { url = before.url, include = before.include, level = before.level, secret, authorization = before.authorization } = request.body;
    assertUrl(url);
    const changed: Webhook = { ...before, url, include: [...new Set(include)], level, secret: secret === undefined ? before.secret : secret ?? randomBytes(32).toString("hex"), authorization, updatedAt: new Date().toISOString() };
    store.webhooks.update(changed);
    if (changed.secret !== before.secret) reply.header("Heroku-Webhook-Secret", changed.secret);
    return view(appOf(request), changed);
  });

  api.delete<ById>("/apps/:app/webhooks/:webhook", { schema: { summary: "Remove a webhook, with its deliveries" } }, async (request) => {
    const webhook = find(request, request.params.webhook);
    store.webhooks.remove(webhook.id);
    return view(appOf(request), webhook);
  });

  api.get("/apps/:app/webhook-deliveries", { schema: { summary: "What became of the app's events" } }, async (request, reply) => sendPage(request, reply, store.webhooks.deliveries(appOf(request).id), DELIVERY_KEYS, deliveryView));

  api.get<{ Params: { delivery: string } }>("/apps/:app/webhook-deliveries/:delivery", { schema: { summary: "One delivery" } }, async (request) => {
    const delivery = store.webhooks.delivery(request.params.delivery);
    if (!delivery || store.webhooks.find(delivery.webhookId)?.appId !== appOf(request).id) throw notFound("webhook_delivery", "Couldn't find that webhook delivery.");
    return deliveryView(delivery);
  });

  api.get("/apps/:app/webhook-events", { schema: { summary: "The app's last events" } }, async (request, reply) => sendPage(request, reply, store.webhooks.events(appOf(request).id), EVENT_KEYS, eventView));

  api.get<{ Params: { event: string } }>("/apps/:app/webhook-events/:event", { schema: { summary: "One event" } }, async (request) => {
    const event = store.webhooks.event(request.params.event);
    if (event?.appId !== appOf(request).id) throw notFound("webhook_event", "Couldn't find that webhook event.");
    return eventView(event);
  });
}

function attemptView({ id, createdAt, code, succeeded, error }: WebhookAttempt) {
  return { code, created_at: createdAt, error_class: error === null ? null : "delivery", error_message: error, id, status: succeeded ? "succeeded" : "failed", updated_at: createdAt };
}
