import type { Webhook, WebhookAttempt, WebhookDelivery, WebhookEvent } from "../domain/model.ts";
import type { Db } from "./database.ts";

type Row = { id: string; app_id: string; url: string; include: string; level: Webhook["level"]; secret: string; authorization: string | null; created_at: string; updated_at: string };
type EventRow = { seq: number; id: string; app_id: string; include: string; payload: string; created_at: string };
type DeliveryRow = {
  seq: number; id: string; webhook_id: string; event_id: string; status: WebhookDelivery["status"]; attempts: number; next_attempt_at: string | null; last_attempt: string | null; created_at: string; updated_at: string;
};
const COLUMNS = "id, app_id, url, include, level, secret, authorization, created_at, updated_at";
const EVENT = "seq, id, app_id, include, payload, created_at";
const DELIVERY = "seq, id, webhook_id, event_id, status, attempts, next_attempt_at, last_attempt, created_at, updated_at";

export type Webhooks = ReturnType<typeof createWebhooks>;

/** Webhooks, the events that they are told of, and how each delivery stands. */
export function createWebhooks(db: Db) {
  const insert = db.prepare(`INSERT INTO webhooks (${COLUMNS}) VALUES (@id, @appId, @url, @include, @level, @secret, @authorization, @createdAt, @updatedAt)`);
  const update = db.prepare("UPDATE webhooks SET url = @url, include = @include, level = @level, secret = @secret, authorization = @authorization, updated_at = @updatedAt WHERE id = @id");
  const byId = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM webhooks WHERE id = ?`);
  const byApp = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM webhooks WHERE app_id = ? ORDER BY created_at, id`);
  const remove = db.prepare("DELETE FROM webhooks WHERE id = ?");
  const addEvent = db.prepare("INSERT INTO webhook_events (id, app_id, include, payload, created_at) VALUES (@id, @appId, @include, @payload, @createdAt)");
  const event = db.prepare<[string], EventRow>(`SELECT ${EVENT} FROM webhook_events WHERE id = ?`);
  const events = db.prepare<[string], EventRow>(`SELECT ${EVENT} FROM webhook_events WHERE app_id = ? ORDER BY seq`);
  const oldEvents = db.prepare("DELETE FROM webhook_events WHERE app_id = @appId AND seq <= (SELECT seq FROM webhook_events WHERE app_id = @appId ORDER BY seq DESC LIMIT 1 OFFSET @kept)");
  const addDelivery = db.prepare("INSERT INTO webhook_deliveries (id, webhook_id, event_id, status, attempts, next_attempt_at, created_at, updated_at) VALUES (@id, @webhookId, @eventId, 'pending', 0, @now, @now, @now)");
  const delivery = db.prepare<[string], DeliveryRow>(`SELECT ${DELIVERY} FROM webhook_deliveries WHERE id = ?`);
  const deliveries = db.prepare<[string], DeliveryRow>(`SELECT ${DELIVERY} FROM webhook_deliveries WHERE webhook_id IN (SELECT id FROM webhooks WHERE app_id = ?) ORDER BY seq`);
  // The oldest of each webhook that is due: one webhook gets one event at a time, in their order.
  const due = db.prepare<[string], DeliveryRow>(`SELECT ${DELIVERY} FROM webhook_deliveries WHERE seq IN (SELECT min(seq) FROM webhook_deliveries WHERE next_attempt_at <= ? GROUP BY webhook_id) ORDER BY seq`);
  const nextDue = db.prepare<[], { at: string | null }>("SELECT min(next_attempt_at) AS at FROM webhook_deliveries WHERE next_attempt_at IS NOT NULL");
  const settle = db.prepare("UPDATE webhook_deliveries SET status = @status, attempts = @attempts, next_attempt_at = @nextAttemptAt, last_attempt = @lastAttempt, updated_at = @updatedAt WHERE id = @id");
  return {
    insert: (webhook: Webhook): void => void insert.run({ ...webhook, include: JSON.stringify(webhook.include) }),
    update: (webhook: Webhook): void => void update.run({ ...webhook, include: JSON.stringify(webhook.include) }),
    find: (id: string): Webhook | undefined => toWebhook(byId.get(id)),
    /** Oldest first. */
    list: (appId: string): Webhook[] => byApp.all(appId).map((row) => toWebhook(row) as Webhook),
    remove: (id: string): void => void remove.run(id),
    /** Writes the event and a delivery of it to each of these webhooks; the app's oldest events beyond `kept` go. */
    addEvent(made: Omit<WebhookEvent, "seq">, to: { id: string; webhookId: string }[], kept: number): void {
      db.transaction(() => {
        addEvent.run({ ...made, payload: JSON.stringify(made.payload) });
        for (const one of to) addDelivery.run({ ...one, eventId: made.id, now: made.createdAt });
        oldEvents.run({ appId: made.appId, kept });
      }).immediate();
    },
    event: (id: string): WebhookEvent | undefined => toEvent(event.get(id)),
    /** Oldest first. */
    events: (appId: string): WebhookEvent[] => events.all(appId).map((row) => toEvent(row) as WebhookEvent),
    delivery: (id: string): WebhookDelivery | undefined => toDelivery(delivery.get(id)),
    /** Oldest first. */
    deliveries: (appId: string): WebhookDelivery[] => deliveries.all(appId).map((row) => toDelivery(row) as WebhookDelivery),
    due: (now: string): WebhookDelivery[] => due.all(now).map((row) => toDelivery(row) as WebhookDelivery),
    nextDue: (): string | undefined => nextDue.get()?.at ?? undefined,
    /** How the delivery stands after an attempt. */
    settle: (of: WebhookDelivery): void => void settle.run({ ...of, lastAttempt: of.lastAttempt === null ? null : JSON.stringify(of.lastAttempt) }),
  };
}

function toWebhook(row: Row | undefined): Webhook | undefined {
  return row && {
    id: row.id, appId: row.app_id, url: row.url, include: JSON.parse(row.include) as string[], level: row.level, secret: row.secret, authorization: row.authorization, createdAt: row.created_at, updatedAt: row.updated_at,
  };
}

function toEvent(row: EventRow | undefined): WebhookEvent | undefined {
  return row && { seq: row.seq, id: row.id, appId: row.app_id, include: row.include, payload: JSON.parse(row.payload) as Record<string, unknown>, createdAt: row.created_at };
}

function toDelivery(row: DeliveryRow | undefined): WebhookDelivery | undefined {
  return row && {
    seq: row.seq, id: row.id, webhookId: row.webhook_id, eventId: row.event_id, status: row.status, attempts: row.attempts, nextAttemptAt: row.next_attempt_at,
    lastAttempt: row.last_attempt === null ? null : JSON.parse(row.last_attempt) as WebhookAttempt, createdAt: row.created_at, updatedAt: row.updated_at,
  };
}
