/** Fetches a file that a user named by its URL: from the public internet and what the operator allows, never from the machine or its networks. */

import type { ClientRequest, IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { Transform, type Readable } from "node:stream";
import { AppError, invalidParams } from "../errors.ts";
import { createReach, Unreachable, type Reach } from "./reachable.ts";

export type FetcherOptions = {
  /** Networks (CIDR) that are let through besides, by plain http as well: PAAS_FETCH_ALLOW. */
  allow: string[];
  /** PEM of all the authorities that are trusted; undefined: Node's own. Read with the first fetch. */
  authorities?: () => Promise<string | undefined>;
};

export type FetchOptions = { maxBytes: number; signal: AbortSignal };

export type Fetcher = {
  /**
   * GET. Redirects are followed, each address checked anew; a user name and password in the URL are sent to its own host alone.
   * @returns the body. It fails with an AppError when it is larger than `maxBytes` or when nothing comes for a minute
   * @throws AppError invalid_params in words for whoever gave the URL; of the URL they hold the host alone, for the rest may be secret
   */
  get(url: string, options: FetchOptions): Promise<Readable>;
};

const MAX_URL = 4096;
const MAX_REDIRECTS = 5;
const SILENCE_MS = 60_000;

export function createFetcher({ allow, authorities = async () => undefined }: FetcherOptions): Fetcher {
  const reach = { "https:": createReach(allow, { setting: "PAAS_FETCH_ALLOW" }), "http:": createReach(allow, { setting: "PAAS_FETCH_ALLOW", internet: false }) };
  let trusted: Promise<string | undefined> | undefined;
  return {
    async get(given, { maxBytes, signal }) {
      const ca = await (trusted ??= authorities());
      let url = parseFetchUrl(given);
      for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
        const response = await ask(url, reach[url.protocol as "http:" | "https:"], ca, signal);
        const location = redirectOf(response);
        if (location === undefined) return bodyOf(url, response, maxBytes);
        response.destroy();
        url = parseFetchUrl(URL.parse(location, url.href)?.href ?? "");
      }
      throw invalidParams(`${url.host} redirects too often.`);
    },
  };
}

/**
 * Checks a URL before anything is asked of it.
 * @throws AppError invalid_params
 */
export function parseFetchUrl(given: string): URL {
  const url = given.length <= MAX_URL && /^[\x21-\x7e]+$/.test(given) ? URL.parse(given) : null;
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:")) throw invalidParams(`The URL must begin with https:// and have at most ${MAX_URL} printable ASCII characters.`);
  if (/%(?![0-9a-f]{2})/i.test(url.username + url.password)) throw invalidParams("The URL's user name or password has a % that begins no escape.");
  return url;
}

function ask(url: URL, reach: Reach, ca: string | undefined, signal: AbortSignal): Promise<IncomingMessage> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  // Loaded here, and without their fetch: most installations fetch nothing (see node-http.ts).
  const { request } = process.getBuiltinModule(url.protocol === "https:" ? "node:https" : "node:http") as { request(options: object, answered: (response: IncomingMessage) => void): ClientRequest };
  const auth = url.username === "" && url.password === "" ? {} : { auth: `${unescape(url.username)}:${unescape(url.password)}` };
  const headers = { accept: "*/*", "accept-encoding": "identity", "user-agent": "paas" };
  return new Promise<IncomingMessage>((resolve, reject) => {
    if (isIP(host) !== 0) reach.assertAddress(host);
    const asking = request({ host, port: url.port || undefined, path: url.pathname + url.search, headers, ...auth, agent: false, lookup: reach.lookup, timeout: SILENCE_MS, signal, ...(ca === undefined ? {} : { ca }) }, resolve);
    asking.on("timeout", () => asking.destroy(new Error("silence")));
    asking.on("error", reject).end();
  }).catch((error: unknown) => {
    throw failure(url, error);
  });
}

/** Octets, whatever they mean. */
function unescape(text: string): string {
  return Buffer.from(text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))), "latin1").toString("utf8");
}

function redirectOf({ statusCode = 0, headers }: IncomingMessage): string | undefined {
  return [301, 302, 303, 307, 308].includes(statusCode) ? headers.location : undefined;
}

function bodyOf(url: URL, response: IncomingMessage, maxBytes: number): Readable {
  const tooLarge = invalidParams(`${url.host} sent more than ${Math.floor(maxBytes / (1 << 20))} MB.`);
  if (response.statusCode !== 200 || Number(response.headers["content-length"] ?? 0) > maxBytes) {
    response.destroy();
    throw response.statusCode === 200 ? tooLarge : invalidParams(`${url.host} answered ${response.statusCode}.`);
  }
  let bytes = 0;
  const body = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > maxBytes) done(tooLarge);
      else done(null, chunk);
    },
  });
  response.on("error", (error) => body.destroy(failure(url, error))).on("close", () => response.complete || body.destroy(failure(url, new Error("cut off"))));
  body.on("close", () => response.destroy());
  return response.pipe(body);
}

function failure(url: URL, error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof Unreachable) return new AppError("invalid_params", `${url.host} cannot be fetched from: ${error.message}.`, { cause: error });
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const why = error instanceof Error && error.name === "AbortError" ? "was broken off" : /^[A-Z][A-Z_0-9]{2,60}$/.test(code) ? `failed (${code})` : "broke off";
  return new AppError("invalid_params", `The connection to ${url.host} ${why}.`, { cause: error });
}
