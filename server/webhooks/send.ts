/** One attempt to deliver an event: a POST to a host of the public internet, redirects not followed. */

import type { ClientRequest, IncomingMessage } from "node:http";
import { isIP } from "node:net";
import type { Webhook, WebhookAttempt } from "../domain/model.ts";
import { parseWebhookUrl, webhookSignature } from "../domain/webhook.ts";
import { Unreachable, type Reach } from "../outbound/reachable.ts";

const ANSWER_MS = 10_000;

/** @returns how it went; never throws */
export async function sendEvent({ url: given, secret, authorization }: Webhook, attemptId: string, body: string, reach: Reach, signal: AbortSignal): Promise<WebhookAttempt> {
  const attempt = { id: attemptId, createdAt: new Date().toISOString() };
  try {
    const url = parseWebhookUrl(given);
    const host = url.hostname.replace(/^\[|\]$/g, "");
    if (isIP(host) !== 0) reach.assertAddress(host);
    const headers = {
      "content-type": "application/json", "content-length": Buffer.byteLength(body), "user-agent": "paas-webhooks", "heroku-webhook-hmac-sha256": webhookSignature(secret, body),
      ...(authorization === null ? {} : { authorization }),
    };
    const code = await post(url, { host, headers, lookup: reach.lookup, signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]) }, body);
    const succeeded = code >= 200 && code < 300;
    return { ...attempt, code, succeeded, error: succeeded ? null : `It answered ${code}.` };
  } catch (error) {
    return { ...attempt, code: null, succeeded: false, error: reasonOf(error) };
  }
}

type Options = { host: string; headers: Record<string, string | number>; lookup: Reach["lookup"]; signal: AbortSignal };

function post(url: URL, options: Options, body: string): Promise<number> {
  // Loaded here, and without their fetch: most installations have no webhook (see node-http.ts).
  const { request } = process.getBuiltinModule(url.protocol === "https:" ? "node:https" : "node:http") as { request(options: object, answered: (response: IncomingMessage) => void): ClientRequest };
  return new Promise((resolve, reject) => {
    const asking = request({ ...options, method: "POST", port: url.port || undefined, path: url.pathname + url.search, agent: false }, (response) => {
      // What it says is not read.
      response.on("error", () => undefined).destroy();
      resolve(response.statusCode ?? 0);
    });
    asking.on("error", reject).end(body);
  });
}

/** For the app's people: which address was refused is theirs to know, what is inside the machine is not. */
function reasonOf(error: unknown): string {
  if (error instanceof Unreachable) return "The URL does not lead to the public internet.";
  if (error instanceof Error && error.name === "TimeoutError") return `No answer within ${ANSWER_MS / 1000} s.`;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return /^[A-Z][A-Z_0-9]{2,40}$/.test(code) ? `The connection failed (${code}).` : "The connection failed.";
}
