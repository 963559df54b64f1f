/**
 * A certificate authority on loopback that speaks RFC 8555 over HTTPS: nonces that hold once, signed requests, orders, challenges that it
 * really fetches over HTTP (section 8.3), and real certificates. It can be told to misbehave.
 */

import * as x509 from "@peculiar/x509";
import { createHash, createPublicKey, randomBytes, verify, type JsonWebKey } from "node:crypto";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { createServer } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { createCertificateMaker } from "./certificate-maker.ts";

export type AcmeFaults = {
  /** So many requests are told that their nonce is bad, though it is good. */
  badNonces: number;
  /** New orders are refused with this Retry-After, in seconds. */
  rateLimitSeconds: number | undefined;
  /** Orders become invalid when they are finalised. */
  invalidOrder: boolean;
  /** So many requests are answered with 500. */
  serverErrors: number;
  /** New orders are answered when this resolves. */
  hold: Promise<unknown> | undefined;
  /** An order says so often that it is being worked on before its certificate is there. */
  processing: number;
  /** What is issued covers this host instead. */
  wrongHost: string | undefined;
};

export type AcmeAuthority = {
  directory: string;
  /** PEM: what its own HTTPS is trusted by. */
  ca: string;
  /** PEM of the root that what it issues goes back to. */
  root: string;
  faults: AcmeFaults;
  /** Method and kind of every request, such as `POST new-order`. */
  requests: string[];
  /** Hosts that certificates were ordered for, in the order of asking. */
  ordered: string[];
  /** The most orders that were open at once, from their making to their certificate or failure. */
  mostAtOnce(): number;
  /** Loses its accounts. */
  forget(): void;
  contacts(): string[];
  stop(): Promise<void>;
};

type Order = { id: string; status: "pending" | "ready" | "valid" | "invalid"; hosts: string[]; authorizations: string[]; certificate?: string; error?: Problem };
type Authorization = { id: string; host: string; order: Order; status: "pending" | "valid" | "invalid"; token: string; error?: Problem; thumbprint: string };
type Problem = { type: string; detail: string; status?: number };
type Answer = { status: number; body?: unknown; headers?: Record<string, string> };
type Jws = { protected: string; payload: string; signature: string };

class Refusal extends Error {
  readonly problem: Problem;
  readonly headers: Record<string, string>;
  constructor(status: number, type: string, detail: string, headers: Record<string, string> = {}) {
    super(detail);
    this.problem = { type: `urn:ietf:params:acme:error:${type}`, detail, status };
    this.headers = headers;
  }
}

/** @param options.challengePort where hosts are asked for their challenges; all of them on 127.0.0.1 */
export async function startAcmeAuthority(options: { challengePort: number; lifetimeMs?: number }): Promise<AcmeAuthority> {
  const [own, issuer] = [await createCertificateMaker("Authority HTTPS"), await createCertificateMaker("Authority")];
  const server = await own.issue(["localhost"]);
  const nonces = new Set<string>();
  const accounts = new Map<string, { jwk: JsonWebKey; thumbprint: string; contact: string[] }>();
  const orders = new Map<string, Order>();
  const authorizations = new Map<string, Authorization>();
  const open = new Set<string>();
  let mostAtOnce = 0;
  let url = "";

  const authority: AcmeAuthority = {
    directory: "", ca: own.root, root: issuer.root, requests: [], ordered: [],
    faults: { badNonces: 0, rateLimitSeconds: undefined, invalidOrder: false, serverErrors: 0, hold: undefined, processing: 0, wrongHost: undefined },
    mostAtOnce: () => mostAtOnce,
    forget: () => accounts.clear(),
    contacts: () => [...accounts.values()].flatMap(({ contact }) => contact),
    async stop() {
      listening.closeAllConnections();
      listening.close();
      await once(listening, "close");
    },
  };
  const { faults } = authority;

  const listening = createServer({ cert: server.chain, key: server.key }, (request, response) => void handle(request, response));
  listening.listen(0, "127.0.0.1");
  await once(listening, "listening");
  url = `https://localhost:${(listening.address() as AddressInfo).port}`;
  authority.directory = `${url}/directory`;
  return authority;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, kind = "", id = ""] = (request.url ?? "").split("/");
    authority.requests.push(`${request.method} ${kind}`);
    const nonce = randomBytes(12).toString("base64url");
    nonces.add(nonce);
    let answer: Answer;
    try {
      if (faults.serverErrors-- > 0) throw new Refusal(500, "serverInternal", "The authority has a bad day");
      if (kind === "directory") answer = { status: 200, body: { newNonce: `${url}/new-nonce`, newAccount: `${url}/new-account`, newOrder: `${url}/new-order`, revokeCert: `${url}/revoke`, keyChange: `${url}/key-change` } };
      else if (kind === "new-nonce") answer = { status: 200 };
      else answer = await signed(kind, id, JSON.parse(await text(request)) as Jws);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      answer = { status: error.problem.status ?? 400, body: error.problem, headers: { "content-type": "application/problem+json", ...error.headers } };
    }
    response.writeHead(answer.status, { "replay-nonce": nonce, "content-type": typeof answer.body === "string" ? "application/pem-certificate-chain" : "application/json", ...answer.headers });
    response.end(answer.body === undefined ? undefined : typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body));
  }

  /** RFC 8555 section 6.2: who signed it, for which URL, with which nonce. */
  async function signed(kind: string, id: string, jws: Jws): Promise<Answer> {
    const header = JSON.parse(decode(jws.protected)) as { alg: string; nonce: string; url: string; jwk?: JsonWebKey; kid?: string };
    if (!nonces.delete(header.nonce) || faults.badNonces-- > 0) throw new Refusal(400, "badNonce", "That nonce is not good");
    if (header.url !== [url, kind, id].filter(Boolean).join("/")) throw new Refusal(401, "unauthorized", "The signature is for another URL");
    const account = header.kid === undefined ? undefined : accounts.get(header.kid);
    const jwk = kind === "new-account" ? header.jwk : account?.jwk;
    if (!jwk) throw new Refusal(400, "accountDoesNotExist", "Account does not exist");
    const key = createPublicKey({ key: jwk, format: "jwk" });
    if (header.alg !== "ES256" || !verify("sha256", Buffer.from(`${jws.protected}.${jws.payload}`), { key, dsaEncoding: "ieee-p1363" }, Buffer.from(jws.signature, "base64url")))
      throw new Refusal(400, "malformed", "The signature is wrong");
    const payload = jws.payload === "" ? undefined : (JSON.parse(decode(jws.payload)) as Record<string, unknown>);

    if (kind === "new-account") return newAccount(jwk, payload ?? {});
    if (kind === "new-order") return newOrder(account?.thumbprint ?? "", payload ?? {});
    if (kind === "account") return { status: 200, body: { status: "valid", contact: account?.contact ?? [] } };
    if (kind === "order") return { status: 200, body: orderView(found(orders, id)) };
    if (kind === "authorization") return { status: 200, body: authorizationView(found(authorizations, id)) };
    if (kind === "challenge") return challenge(found(authorizations, id), payload);
    if (kind === "finalize") return finalize(found(orders, id), payload ?? {});
    if (kind === "certificate") return { status: 200, body: found(orders, id).certificate ?? "" };
    throw new Refusal(404, "malformed", "There is nothing here");
  }

  function newAccount(jwk: JsonWebKey, { termsOfServiceAgreed, contact = [] }: { termsOfServiceAgreed?: unknown; contact?: unknown }): Answer {
    if (termsOfServiceAgreed !== true) throw new Refusal(403, "userActionRequired", "The terms of service have to be agreed to");
    const location = `${url}/account/${thumbprintOf(jwk)}`;
    const status = accounts.has(location) ? 200 : 201;
    accounts.set(location, { jwk, thumbprint: thumbprintOf(jwk), contact: contact as string[] });
    return { status, body: { status: "valid", contact }, headers: { location } };
  }

  async function newOrder(thumbprint: string, { identifiers }: { identifiers?: unknown }): Promise<Answer> {
    const hosts = (identifiers as { value: string }[]).map(({ value }) => value);
    authority.ordered.push(...hosts);
    if (faults.rateLimitSeconds !== undefined) throw new Refusal(429, "rateLimited", "Too many certificates already issued", { "retry-after": String(faults.rateLimitSeconds) });
    const order: Order = { id: randomBytes(6).toString("hex"), status: "pending", hosts, authorizations: [] };
    orders.set(order.id, order);
    open.add(order.id);
    mostAtOnce = Math.max(mostAtOnce, open.size);
    for (const host of hosts) {
      const authorization: Authorization = { id: randomBytes(6).toString("hex"), host, order, status: "pending", token: randomBytes(16).toString("base64url"), thumbprint };
      authorizations.set(authorization.id, authorization);
      order.authorizations.push(authorization.id);
    }
    await faults.hold;
    return { status: 201, body: orderView(order), headers: { location: `${url}/order/${order.id}` } };
  }

  /** Section 7.5.1: an empty object says that the answer is in its place. */
  function challenge(authorization: Authorization, payload: unknown): Answer {
    if (payload !== undefined && authorization.status === "pending") void validate(authorization);
    return { status: 200, body: challengeView(authorization) };
  }

  async function validate(authorization: Authorization): Promise<void> {
    const { host, token, thumbprint, order } = authorization;
    const got = await fetchChallenge(options.challengePort, host, token).catch((error: Error) => error.message);
    if (got.trim() === `${token}.${thumbprint}`) {
      authorization.status = "valid";
      order.status = "ready";
      return;
    }
    authorization.status = order.status = "invalid";
    authorization.error = { type: "urn:ietf:params:acme:error:unauthorized", detail: `127.0.0.1: Invalid response from http://${host}/.well-known/acme-challenge/${token}: ${got.slice(0, 60)}`, status: 403 };
    open.delete(order.id);
  }

  async function finalize(order: Order, { csr }: { csr?: unknown }): Promise<Answer> {
    if (order.status !== "ready") throw new Refusal(403, "orderNotReady", "The order is not ready");
    const request = new x509.Pkcs10CertificateRequest(Buffer.from(String(csr), "base64url"));
    const names = request.extensions.filter((extension) => extension instanceof x509.SubjectAlternativeNameExtension).flatMap(({ names: { items } }) => items.map(({ value }) => value));
    if (!(await request.verify()) || names.toSorted().join() !== order.hosts.toSorted().join()) throw new Refusal(400, "badCSR", "The request does not fit the order");
    open.delete(order.id);
    if (faults.invalidOrder) {
      order.status = "invalid";
      order.error = { type: "urn:ietf:params:acme:error:caa", detail: "CAA record prevents issuance" };
      return { status: 200, body: orderView(order) };
    }
    const lifetimeMs = options.lifetimeMs ?? 90 * 24 * 60 * 60_000;
    const { chain } = await issuer.issue(faults.wrongHost === undefined ? order.hosts : [faults.wrongHost], { startsIn: -1000, endsIn: lifetimeMs, publicKey: request.publicKey });
    order.certificate = chain;
    order.status = "valid";
    return { status: 200, body: orderView(order) };
  }

  function orderView({ id, status: now, hosts, authorizations: ids, certificate, error }: Order) {
    const status = now === "valid" && faults.processing-- > 0 ? "processing" : now;
    return {
      status, identifiers: hosts.map((value) => ({ type: "dns", value })), authorizations: ids.map((one) => `${url}/authorization/${one}`), finalize: `${url}/finalize/${id}`,
      ...(certificate === undefined || status === "processing" ? {} : { certificate: `${url}/certificate/${id}` }), ...(error === undefined ? {} : { error }),
    };
  }

  function authorizationView(authorization: Authorization) {
    return { status: authorization.status, identifier: { type: "dns", value: authorization.host }, challenges: [{ type: "dns-01", url: `${url}/nowhere`, status: "pending", token: "x" }, challengeView(authorization)] };
  }

  function challengeView({ id, status, token, error }: Authorization) {
    return { type: "http-01", url: `${url}/challenge/${id}`, status, token, ...(error === undefined ? {} : { error }) };
  }
}

function found<T>(things: Map<string, T>, id: string): T {
  const thing = things.get(id);
  if (thing === undefined) throw new Refusal(404, "malformed", "There is nothing here");
  return thing;
}

/** RFC 7638, for elliptic-curve keys. */
function thumbprintOf({ crv, kty, x, y }: JsonWebKey): string {
  return createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url");
}

function decode(base64: string): string {
  return Buffer.from(base64, "base64url").toString();
}

function fetchChallenge(port: number, host: string, token: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asking = httpRequest({ host: "127.0.0.1", port, path: `/.well-known/acme-challenge/${token}`, headers: { host }, agent: false }, (response) => {
      text(response).then((body) => resolve(response.statusCode === 200 ? body : `status ${response.statusCode}`), reject);
    });
    asking.on("error", reject).end();
  });
}
