/** Webhooks: events are written down with their deliveries, and delivered from there, so that a restart loses none. */

import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import type { App, User, WebhookDelivery } from "../domain/model.ts";
import { webhookRetry, type WebhookEntity } from "../domain/webhook.ts";
import { createReach } from "../outbound/reachable.ts";
import type { PlatformEvent } from "../pipeline/events.ts";
import type { Store } from "../store/store.ts";
import { buildData, dynoData, releaseData } from "./event-data.ts";
import { sendEvent } from "./send.ts";

/** Of each app, with their deliveries. */
const EVENTS_KEPT = 1000;
const MAX_AT_ONCE = 20;
/** A timer cannot wait longer than 24 days; nobody has to. */
const MAX_WAIT_MS = 3_600_000;

export type Change = { app: Pick<App, "id" | "name">; include: WebhookEntity; action: "create" | "update" | "destroy"; actor: Pick<User, "id" | "email"> | undefined; data: unknown };

export type WebhooksOptions = {
  store: Store;
  log: Logger;
  /** Private networks that webhooks may reach all the same (CIDR). */
  allow: string[];
};

export type WebhookService = ReturnType<typeof createWebhookService>;

export function createWebhookService({ store, log, allow }: WebhooksOptions) {
  const reach = createReach(allow);
  const busy = new Set<string>();
  const running = new Set<Promise<void>>();
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let started = false;

  /** Tells those of the app's webhooks that asked for such events. */
  function tell({ app, include, action, actor, data }: Change): void {
    const to = store.webhooks.list(app.id).filter((webhook) => webhook.include.includes(include)).map(({ id }) => ({ id: randomUUID(), webhookId: id }));
    if (to.length === 0) return;
    const now = new Date().toISOString();
    const payload = {
      action, actor: actor ? { email: actor.email, id: actor.id } : null, created_at: now, data, id: randomUUID(), previous_data: {}, published_at: now,
      resource: include.replace(/^api:/, ""), sequence: null, updated_at: now, version: "application/vnd.heroku+json; version=3",
    };
    store.webhooks.addEvent({ id: payload.id, appId: app.id, include, payload, createdAt: now }, to, EVENTS_KEPT);
    look();
  }

  /** Sends what is due, and sleeps until the next is. */
  function look(): void {
    if (!started || stopping.signal.aborted) return;
    clearTimeout(timer);
    for (const delivery of store.webhooks.due(new Date().toISOString())) {
      if (busy.size >= MAX_AT_ONCE || busy.has(delivery.webhookId)) continue;
      busy.add(delivery.webhookId);
      const sending: Promise<void> = send(delivery).catch((error: unknown) => log.error({ err: error }, "a webhook's delivery could not be written down")).finally(() => {
        busy.delete(delivery.webhookId);
        running.delete(sending);
        look();
      });
      running.add(sending);
    }
    const next = store.webhooks.nextDue();
    if (next !== undefined) timer = setTimeout(look, Math.min(Math.max(Date.parse(next) - Date.now(), busy.size > 0 ? 1000 : 0), MAX_WAIT_MS)).unref();
  }

  async function send(delivery: WebhookDelivery): Promise<void> {
    const [webhook, event] = [store.webhooks.find(delivery.webhookId), store.webhooks.event(delivery.eventId)];
    if (!webhook || !event) return;
    const attemptId = randomUUID();
    const metadata = { attempt: { id: attemptId }, delivery: { id: delivery.id }, event: { id: event.id, include: event.include }, webhook: { id: webhook.id } };
    const lastAttempt = await sendEvent(webhook, attemptId, JSON.stringify({ ...event.payload, webhook_metadata: metadata }), reach, stopping.signal);
    // Cut off by our own stop: it was no attempt.
    if (stopping.signal.aborted && !lastAttempt.succeeded) return;
    const attempts = delivery.attempts + 1;
    const wait = lastAttempt.succeeded ? undefined : webhookRetry(webhook.level, attempts);
    const now = new Date();
    store.webhooks.settle({
      ...delivery, attempts, lastAttempt, status: lastAttempt.succeeded ? "succeeded" : wait === undefined ? "failed" : "retrying",
      nextAttemptAt: wait === undefined ? null : new Date(now.getTime() + wait * 1000).toISOString(), updatedAt: now.toISOString(),
    });
  }

  /** What the pipeline tells, as changes of an app's things. */
  function take(event: PlatformEvent): void {
    const appId = "dyno" in event ? event.dyno.appId : "appId" in event ? event.appId : undefined;
    if (appId === undefined || store.webhooks.list(appId).length === 0) return;
    const app = store.apps.find(appId);
    const change = app && changeOf(app, event);
    if (change) tell(change);
  }

  function changeOf(app: App, event: PlatformEvent): Change | undefined {
    const userOf = (id: string) => store.users.find(id);
    switch (event.kind) {
      case "build_started":
      case "build_ended":
        return { app, include: "api:build", action: event.kind === "build_started" ? "create" : "update", actor: userOf(event.build.userId), data: buildData(app, event.build, userOf(event.build.userId)) };
      case "release_created":
      case "release_failed":
        return {
          app, include: "api:release", action: event.kind === "release_created" ? "create" : "update", actor: userOf(event.release.userId),
          data: releaseData(app, event.release, userOf(event.release.userId), event.kind === "release_created" ? "pending" : "failed"),
        };
      case "dyno_starting": return { app, include: "dyno", action: "create", actor: undefined, data: dynoData(app, event.dyno, "starting") };
      case "dyno_up": return { app, include: "dyno", action: "update", actor: undefined, data: dynoData(app, event.dyno, "up") };
      case "dyno_failed":
      case "dyno_crashed": return { app, include: "dyno", action: "update", actor: undefined, data: dynoData(app, event.dyno, "crashed") };
      case "dyno_exited": return { app, include: "dyno", action: "destroy", actor: undefined, data: { ...dynoData(app, event.dyno, "down"), exit_status: event.code } };
      default: return undefined;
    }
  }

  return {
    tell, take,
    /** @throws Unreachable for an address that no webhook may lead to */
    assertAddress: reach.assertAddress,
    /** Takes up what was left, and delivers from then on. */
    start(): void {
      started = true;
      look();
    },
    /** What is on its way is broken off, and sent again at the next start. */
    async stop(): Promise<void> {
      stopping.abort();
      clearTimeout(timer);
      await Promise.allSettled(running);
    },
  };
}
