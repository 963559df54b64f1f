/** HTTPS to a certificate authority: bounded, interruptible, and with the authority's own words about what went wrong. */

import type { Agent } from "node:https";
import { text } from "node:stream/consumers";

/** An answer in the form that acme-client reads. */
export type AcmeResponse = { status: number; headers: Record<string, string | string[] | undefined>; data: unknown };

export type Transport = {
  ask(url: string, method: string, body: unknown): Promise<AcmeResponse>;
  /** The last refusal: its problem type (RFC 8555 section 6.7), and how long to wait. */
  refusal(): { status: number; type: string; retryAfterMs: number } | undefined;
  close(): void;
};

const ASK_MS = 30_000;
const MAX_BYTES = 1_000_000;

/**
 * @param ca PEM of the authorities to trust instead of the public ones
 * @param signal breaks off what is under way
 */
export function createTransport(ca: string | undefined, signal: AbortSignal): Transport {
  const agent = new (https().Agent)({ keepAlive: true, ...(ca === undefined ? {} : { ca }) });
  let refusal: ReturnType<Transport["refusal"]>;
  return {
    async ask(url, method, body) {
      if (URL.parse(url)?.protocol !== "https:") throw new Error(`the authority names a URL that is not https: ${url.slice(0, 200)}`);
      const response = await exchange(agent, url, method, body === undefined ? undefined : JSON.stringify(body), AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)]));
      refusal = response.status < 400 ? undefined : { status: response.status, type: problemType(response.data), retryAfterMs: retryAfter(response.headers["retry-after"]) };
      return response;
    },
    refusal: () => refusal,
    close: () => agent.destroy(),
  };
}

/** Loaded with the first certificate that is wanted, and without its fetch: see node-http.ts. */
function https(): typeof import("node:https") {
  return process.getBuiltinModule("node:https");
}

function exchange(agent: Agent, url: string, method: string, body: string | undefined, signal: AbortSignal): Promise<AcmeResponse> {
  return new Promise((resolve, reject) => {
    // RFC 8555 section 6.1 asks for a User-Agent, section 6.2 for the media type.
    const headers = { "user-agent": "paas", "accept-language": "en", ...(body === undefined ? {} : { "content-type": "application/jose+json", "content-length": Buffer.byteLength(body) }) };
    const asking = https().request(url, { method, headers, agent, signal }, (response) => {
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_BYTES) response.destroy(new Error("the authority's answer is too long"));
      });
      text(response).then((data) => resolve({ status: response.statusCode ?? 0, headers: response.headers, data: parsed(data) }), reject);
    });
    asking.on("error", reject);
    asking.end(body);
  });
}

/** JSON where it is JSON, text where it is not: a certificate chain. */
function parsed(data: string): unknown {
  try {
    return JSON.parse(data) as unknown;
  } catch {
    return data;
  }
}

function problemType(data: unknown): string {
  const type = typeof data === "object" && data !== null && "type" in data ? data.type : undefined;
  return typeof type === "string" ? type.replace("urn:ietf:params:acme:error:", "") : "";
}

/** RFC 9110 section 10.2.3: seconds, or a date. */
function retryAfter(header: string | string[] | undefined): number {
  if (typeof header !== "string") return 0;
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}
