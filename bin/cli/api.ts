/** Requests to the platform's API. */

import { readFileSync } from "node:fs";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { readCredentials, type Credentials } from "./credentials.ts";
import { Failure } from "./failure.ts";

/** What every command that asks the API is given. */
export type Api = {
  credentials: Credentials;
  /** @throws Failure with the API's own words */
  ask<T>(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<T>;
  /** The answer, whose body is still to be read. @throws Failure as ask does */
  open(method: string, path: string, options?: { body?: unknown; headers?: Record<string, string>; signal?: AbortSignal }): Promise<Response>;
};

const TIMEOUT_MS = 30_000;
const NOT_TRUSTED = /^(UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|CERT_UNTRUSTED)/;

/** The API that the user is logged in to. @throws Failure when there is none */
export function api(): Api {
  const credentials = readCredentials();
  trust(credentials.ca);
  return createApi(credentials, { authorization: `Bearer ${credentials.token}` });
}

export function createApi(credentials: Credentials, identity: Record<string, string>): Api {
  const open: Api["open"] = async (method, path, { body, headers = {}, signal } = {}) => {
    const response = await fetch(credentials.url + path, {
      method, redirect: "error",
      headers: { accept: "application/vnd.heroku+json; version=3", ...identity, ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    }).catch((error: unknown) => {
      throw unreachable(credentials.url, error);
    });
    if (!response.ok) throw await refused(response);
    return response;
  };
  return {
    credentials, open,
    async ask<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
      // A change answers when it serves, which takes as long as it takes; what only reads is quick or broken.
      const response = await open(method, path, { body, headers, ...(method === "GET" ? { signal: AbortSignal.timeout(TIMEOUT_MS) } : {}) });
      return (await response.json()) as T;
    },
  };
}

/** Trusts the certificates of this file besides those that Node trusts. For all that follows: fetch, TLS, the forwarder. */
export function trust(file: string | undefined): void {
  if (file !== undefined) setDefaultCACertificates([...getCACertificates("default"), readAuthority(file)]);
}

/** @throws Failure */
export function readAuthority(file: string): string {
  try {
    const pem = readFileSync(file, "utf8");
    if (pem.includes("-----BEGIN CERTIFICATE-----")) return pem;
  } catch (error) {
    throw new Failure(`The certificates of the API's authority cannot be read: ${(error as Error).message}`);
  }
  throw new Failure(`${file} holds no certificate (PEM).`);
}

/** The failure to show for an error of a connection. */
export function unreachable(url: string, error: unknown): Failure {
  const cause = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
  if (NOT_TRUSTED.test(cause.code ?? ""))
    return new Failure(`The certificate of ${url} is not trusted here. If the platform made it itself, copy tls/ca.pem of its data folder to this machine and run \`paas login --ca ca.pem\`.`);
  if (cause.code === "ERR_TLS_CERT_ALTNAME_INVALID") return new Failure(`The certificate of ${url} is for another name: ${cause.message}`);
  if ((error as Error).name === "TimeoutError") return new Failure(`${url} did not answer within ${TIMEOUT_MS / 1000} s.`);
  return new Failure(`${url} cannot be reached: ${cause.message || cause.code}`);
}

async function refused(response: Response): Promise<Failure> {
  const text = await response.text();
  try {
    const { id, message } = JSON.parse(text) as { id: string; message: string };
    if (response.status === 401) return new Failure(`${message} (${id}): run \`paas login\`.`);
    return new Failure(`${message} (${id})`);
  } catch {
    return new Failure(`The API answered ${response.status}, and not in its own words: is ${new URL(response.url).origin} the platform?`);
  }
}
