import type { FastifyInstance, FastifyRequest } from "fastify";
import { newToken, tokenFromAuthorization } from "../domain/credentials.ts";
import type { Authorization } from "../domain/model.ts";
import { SCOPES, type Scope } from "../domain/scope.ts";
import { invalidParams, notFound } from "../errors.ts";
import { userRef } from "./account.ts";
import { identityOf, userOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";
import { sendPage, type SortKeys } from "./range.ts";
import { stableId } from "./stable-id.ts";

const DESCRIPTION = { type: ["string", "null"], maxLength: 200 };
const CREATE = {
  type: "object", additionalProperties: false,
  properties: {
    description: DESCRIPTION, scope: { type: ["array", "null"], minItems: 1, maxItems: SCOPES.length, items: { type: "string", enum: SCOPES } },
    // The CLI passes on what was typed.
    expires_in: { type: ["integer", "string", "null"], maxLength: 12 },
  },
};
const UPDATE = { type: "object", additionalProperties: false, properties: { description: DESCRIPTION } };
const DEFAULT_DESCRIPTION = "Long-lived user authorization";
const MAX_SECONDS = 100 * 365 * 24 * 3600;

const KEYS: SortKeys<Authorization> = { id: ({ id }) => id, description: ({ description }) => description, created_at: ({ createdAt }) => createdAt };
const SESSION_KEYS: SortKeys<Authorization> = { id: ({ id }) => id, created_at: ({ createdAt }) => createdAt };

type ById = { Params: { authorization: string } };
type Create = { Body: { description?: string | null; scope?: Scope[] | null; expires_in?: number | string | null } };

/** Authorizations: tokens for programs, with their scopes; and sessions, the tokens of those who logged in. */
export function serveAuthorizations(api: FastifyInstance, deps: ApiDeps): void {
  const { store } = deps;

  api.get("/oauth/authorizations", { schema: { summary: "Your authorizations" } }, async (request, reply) =>
    sendPage(request, reply, store.tokens.list(userOf(request).id), KEYS, (one) => authorizationView(deps, request, one)));

  api.post<Create>("/oauth/authorizations", { schema: { summary: "Make a token", body: CREATE } }, async (request, reply) => {
    const { description, scope, expires_in: seconds } = request.body;
    const token = newToken();
    const made = store.tokens.add(userOf(request).id, token, description || DEFAULT_DESCRIPTION, expiry(seconds), { scope: [...new Set(scope ?? ["global" as const])] });
    return reply.code(201).send(authorizationView(deps, request, made, token));
  });

  api.get<ById>("/oauth/authorizations/:authorization", { schema: { summary: "One authorization" } }, async (request) =>
    authorizationView(deps, request, find(deps, request, request.params.authorization)));

  api.patch<ById & { Body: { description?: string | null } }>("/oauth/authorizations/:authorization", { schema: { summary: "Describe an authorization anew", body: UPDATE } }, async (request) => {
    const { id, description } = find(deps, request, request.params.authorization);
    store.tokens.describe(id, request.body.description ?? description, new Date().toISOString());
    return authorizationView(deps, request, find(deps, request, id));
  });

  api.delete<ById>("/oauth/authorizations/:authorization", { schema: { summary: "Revoke an authorization" } }, async (request) => {
    const found = find(deps, request, request.params.authorization);
    store.tokens.remove(found.id);
    return authorizationView(deps, request, found);
  });

  api.post<ById>("/oauth/authorizations/:authorization/actions/regenerate-tokens", { schema: { summary: "Another token in the place of an authorization's present one" } }, async (request) => {
    const { id, issuedAt, expiresAt } = find(deps, request, request.params.authorization);
    const token = newToken();
    const now = new Date();
    const lifetime = expiresAt === null ? null : Date.parse(expiresAt) - Date.parse(issuedAt);
    store.tokens.replace(id, token, lifetime === null ? null : new Date(now.getTime() + lifetime), now.toISOString());
    return authorizationView(deps, request, find(deps, request, id), token);
  });

  // Programs of third parties cannot register themselves here.
  api.get("/oauth/clients", { schema: { summary: "OAuth clients: none" } }, async (request, reply) => sendPage(request, reply, [] as { id: string }[], { id: ({ id }) => id }, (client) => client));

  api.get("/oauth/sessions", { schema: { summary: "Your sessions: where you logged in with a browser" } }, async (request, reply) =>
    sendPage(request, reply, store.tokens.list(userOf(request).id).filter(({ session }) => session), SESSION_KEYS, sessionView));

  api.delete<{ Params: { session: string } }>("/oauth/sessions/:session", { schema: { summary: "End a session (~: this one)" } }, async (request) => {
    const { authorization } = identityOf(request);
    const id = request.params.session === "~" ? authorization.id : request.params.session;
    const found = store.tokens.list(userOf(request).id).find((one) => one.session && one.id === id);
    if (!found) throw notFound("session");
    store.tokens.remove(found.id);
    return sessionView(found);
  });
}

/** One of the asking user's own, by its id. `~`, Heroku's one API key, is nobody's here. @throws AppError not_found */
function find({ store }: ApiDeps, request: FastifyRequest, id: string): Authorization {
  const found = store.tokens.list(userOf(request).id).find((one) => one.id === id);
  if (!found) throw notFound("authorization");
  return found;
}

/** @throws AppError invalid_params */
function expiry(seconds: number | string | null | undefined): Date | null {
  if (seconds === undefined || seconds === null || seconds === "") return null;
  const value = Number(seconds);
  if (!/^[1-9]\d{0,9}$/.test(String(seconds)) || value > MAX_SECONDS) throw invalidParams("expires_in: must be a whole number of seconds above 0, or null for never.");
  return new Date(Date.now() + value * 1000);
}

/**
 * The authorization as its owner sees it. Its token is in it when it was just made, and when it is the one that the request came with: no other
 * is known here, and `heroku logout` and `auth:token` look for their own.
 */
function authorizationView({ store }: ApiDeps, request: FastifyRequest, one: Authorization, made?: string) {
  const presented = identityOf(request).authorization.id === one.id ? tokenFromAuthorization(request.headers.authorization) : undefined;
  const user = store.users.find(one.userId);
  return {
    access_token: { expires_in: secondsLeft(one), id: stableId("access-token", one.id, one.issuedAt), token: made ?? presented ?? null },
    client: null, created_at: one.createdAt, description: one.description, grant: null, id: one.id, refresh_token: null, scope: one.scope,
    session: one.session ? { id: one.id } : null, updated_at: one.updatedAt, user: { ...userRef(store, one.userId), full_name: user?.name ?? null },
  };
}

function sessionView(one: Authorization) {
  return { created_at: one.createdAt, description: one.description, expires_in: secondsLeft(one), id: one.id, updated_at: one.updatedAt };
}

function secondsLeft({ expiresAt }: Authorization): number | null {
  return expiresAt === null ? null : Math.max(0, Math.floor((Date.parse(expiresAt) - Date.now()) / 1000));
}
