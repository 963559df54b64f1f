/** A certificate authority as we talk to it: one order after RFC 8555, proved over HTTP (section 8.3). */

import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Authorization, Client } from "acme-client";
import type { Router } from "../../proxy/client.ts";
import type { Config } from "../config.ts";
import type { Store } from "../store/store.ts";
import { createTransport, type AcmeResponse, type Transport } from "./transport.ts";

export type Authority = {
  /**
   * Gets a certificate for one host, with a new key.
   * @returns PEM: the chain, and the key
   * @throws IssuanceFailed with a reason for people
   */
  issue(hostname: string, signal: AbortSignal): Promise<{ chain: string; key: string }>;
};

/** No certificate came. `message` is for the app's owner. */
export class IssuanceFailed extends Error {
  override name = "IssuanceFailed";
  /** How long the authority wants to be left alone; 0 when it did not say. */
  readonly retryAfterMs: number;
  constructor(message: string, retryAfterMs: number, options?: ErrorOptions) {
    super(message, options);
    this.retryAfterMs = retryAfterMs;
  }
}

type Account = { privateKey: string; url: string | null };
type AuthorityParts = { config: Pick<Config, "acme">; store: Pick<Store, "acmeAccounts">; router: Pick<Router, "putChallenge" | "removeChallenge">; now(): string };

const MAX_REASON = 500;

/** Nothing is asked of the authority, and none of the client's code is loaded (37 MB), before the first certificate is wanted. */
export function createAuthority(parts: AuthorityParts): Authority {
  let registering: Promise<Account> | undefined;
  /** Orders that come together when there is no account yet register one together. */
  const account = (transport: Transport): Promise<Account> => (registering ??= register(parts, transport).finally(() => (registering = undefined)));

  return {
    async issue(hostname, signal) {
      let transport: Transport | undefined;
      try {
        transport = createTransport(trusted(parts.config.acme.ca), signal);
        const conversation = order(parts, await clientFor(parts, await account(transport), transport), transport, hostname);
        // The client's own waits between two questions cannot be broken off; left alone, it ends with its next question.
        conversation.catch(() => undefined);
        return await Promise.race([conversation, rejectedBy(signal)]);
      } catch (error) {
        throw failure(error, transport, signal);
      } finally {
        transport?.close();
      }
    },
  };
}

async function clientFor({ config }: AuthorityParts, account: Account, transport: Transport): Promise<Client> {
  const { Client } = await import("acme-client");
  const client = new Client({
    directoryUrl: config.acme.directory, accountKey: account.privateKey, ...(account.url === null ? {} : { accountUrl: account.url }),
    backoffAttempts: 20, backoffMin: 250, backoffMax: 10_000,
  });
  speakThrough(client, transport);
  return client;
}

async function order(parts: AuthorityParts, client: Client, transport: Transport, hostname: string): Promise<{ chain: string; key: string }> {
  const { crypto } = await import("acme-client");
  const ordered = await client.createOrder({ identifiers: [{ type: "dns", value: hostname }] }).catch((error: unknown) => {
    // It lost us, or we are another's copy: the next try registers again.
    if (transport.refusal()?.type === "accountDoesNotExist") parts.store.acmeAccounts.setUrl(parts.config.acme.directory, null);
    throw error;
  });
  for (const authorization of await client.getAuthorizations(ordered)) if (authorization.status !== "valid") await prove(parts, client, authorization);
  const key = newKey();
  const [, csr] = await crypto.createCsr({ altNames: [hostname] }, key);
  const finalized = await client.finalizeOrder(ordered, csr);
  return { chain: await client.getCertificate(finalized), key };
}

/** Puts the answer where the authority looks for it, asks it to look, and takes the answer away again. */
async function prove({ router }: AuthorityParts, client: Client, authorization: Authorization): Promise<void> {
  const challenge = authorization.challenges.find(({ type }) => type === "http-01");
  if (!challenge) throw new Error("it offers no way to prove the domain over HTTP (http-01)");
  await router.putChallenge(challenge.token, await client.getChallengeKeyAuthorization(challenge));
  try {
    await client.completeChallenge(challenge);
    await client.waitForValidStatus(challenge);
  } finally {
    await router.removeChallenge(challenge.token).catch(() => undefined);
  }
}

/** The account, registered. Asking for a certificate is agreeing to the authority's terms: docs/operating.md says so. */
async function register(parts: AuthorityParts, transport: Transport): Promise<Account> {
  const { config, store } = parts;
  const { directory, email } = config.acme;
  const account = accountOf(parts);
  if (account.url !== null) return account;
  const client = await clientFor(parts, account, transport);
  await client.createAccount({ termsOfServiceAgreed: true, ...(email === undefined ? {} : { contact: [`mailto:${email}`] }) });
  store.acmeAccounts.setUrl(directory, client.getAccountUrl());
  return { ...account, url: client.getAccountUrl() };
}

/** The account's key is made at the first certificate and kept: it may take certificates back. */
function accountOf({ config, store, now }: AuthorityParts): Account {
  const { directory } = config.acme;
  const known = store.acmeAccounts.find(directory);
  if (known) return known;
  const account = { directory, privateKey: newKey(), url: null, createdAt: now() };
  store.acmeAccounts.insert(account);
  return account;
}

/** acme-client's own HTTP goes through a client that all its users share, repeats in ways that cannot be broken off, and takes no CA: ours stands in. */
function speakThrough(client: Client, transport: Transport): void {
  type Http = { request(url: string, method: string, options?: { data?: unknown }): Promise<AcmeResponse> };
  const { http } = client as unknown as { http: Http };
  http.request = (url, method, options = {}) => transport.ask(url, method.toUpperCase(), options.data);
}

function newKey(): string {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

function trusted(ca: string | undefined): string | undefined {
  try {
    return ca === undefined ? undefined : readFileSync(ca, "utf8");
  } catch (error) {
    throw new Error("the platform cannot read what it trusts the authority by (PAAS_ACME_CA)", { cause: error });
  }
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}

function failure(error: unknown, transport: Transport | undefined, signal: AbortSignal): IssuanceFailed {
  const refusal = transport?.refusal();
  const words = signal.aborted ? "it took too long" : error instanceof Error && error.message !== "" ? error.message : `it answered with status ${refusal?.status ?? "none"}`;
  // It comes from outside, and is shown and logged.
  const reason = words.replaceAll(/[\p{C}\s]+/gu, " ").trim().slice(0, MAX_REASON);
  return new IssuanceFailed(`The certificate authority gave none: ${reason}`, refusal?.retryAfterMs ?? 0, { cause: error });
}
