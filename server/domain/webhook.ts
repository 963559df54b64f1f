/** Webhooks: what they can be told of, where they may lead, how an event is signed, and when a failed one is tried again. */

import { createHmac } from "node:crypto";
import { invalidParams } from "../errors.ts";

/** Heroku's names of the things that events are about (devcenter: app-webhooks). */
export const WEBHOOK_ENTITIES = ["api:app", "api:build", "api:collaborator", "api:domain", "api:formation", "api:release", "api:sni-endpoint", "dyno"] as const;

export type WebhookEntity = (typeof WEBHOOK_ENTITIES)[number];

const MAX_URL = 2000;
/** From a few seconds to hours, about a day in all. */
const RETRY_SECONDS = [5, 30, 120, 600, 3600, 4 * 3600, 8 * 3600, 12 * 3600];

/** @throws AppError invalid_params */
export function parseWebhookUrl(given: string): URL {
  const url = /^[\x21-\x7e]+$/.test(given) && given.length <= MAX_URL ? URL.parse(given) : null;
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:")) throw invalidParams(`url: must be an http or https URL of at most ${MAX_URL} characters.`);
  if (url.username !== "" || url.password !== "") throw invalidParams("url: takes no user name or password; use the field authorization.");
  if (url.hash !== "" || given.includes("#")) throw invalidParams("url: takes no #fragment.");
  return url;
}

/** What stands in the header Heroku-Webhook-Hmac-SHA256. */
export function webhookSignature(secret: string, body: string): string {
  return createHmac("sha256", secret).update(body).digest("base64");
}

/** Seconds until the next attempt after so many failed ones; undefined: it is given up. One of level `notify` is tried once. */
export function webhookRetry(level: "notify" | "sync", failed: number): number | undefined {
  return level === "notify" ? undefined : RETRY_SECONDS[failed - 1];
}
