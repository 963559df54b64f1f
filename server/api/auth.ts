/** Who asks, and whether they may: decided here for every route, from what policies.ts says of it. */

import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from "fastify";
import { basicFromAuthorization, isOwnToken, tokenFromAuthorization } from "../domain/credentials.ts";
import type { Account, App, AppPipeline, PipelineCoupling, PipelinePromotion, ReviewApp, TestRun } from "../domain/model.ts";
import { permits } from "../domain/scope.ts";
import { AppError, notFound } from "../errors.ts";
import { mayUse, mayUsePipeline, owns } from "../identity/access.ts";
import type { Identities, Identity } from "../identity/identity.ts";
import type { Store } from "../store/store.ts";
import { policyOf, type Policy } from "./policies.ts";

type Guard = { store: Store; identities: Identities };

/** Puts the guard before every route of this context. */
export function guard(api: FastifyInstance, deps: Guard): void {
  for (const name of ["identity", "permitted", "app", "person", "pipeline", "coupling", "promotion", "run", "review"]) api.decorateRequest(name, null);
  api.addHook("onRoute", ({ method, url }: RouteOptions) => [method].flat().forEach((one) => policyOf(one, url)));
  api.addHook("onRequest", async (request, reply) => {
    const policy = policyOf(request.method, request.routeOptions.url);
    if (policy.scope === "open") return;
    const identity = await identify(deps, request, policy);
    request.setDecorator("identity", identity);
    countDown(deps, identity, reply);
    if (!permits(identity.authorization.scope, policy.scope)) throw new AppError("forbidden", `This token's scope (${identity.authorization.scope.join(", ")}) does not allow this: it takes ${policy.scope}.`);
    if (policy.role === "admin" && !identity.user.admin) throw new AppError("forbidden", "Only admins may do this.");
    findWhatThePathNames(deps, request, identity.user, policy);
    request.setDecorator("permitted", identity);
  });
}

/** Who asks, and with which token. Only behind the guard. */
export function identityOf(request: FastifyRequest): Identity {
  return request.getDecorator<Identity>("identity");
}

/** The same once the guard has let the request pass, with what its path names; null before, and where no token is asked for. */
export function permittedOf(request: FastifyRequest): Identity | null {
  return request.getDecorator<Identity | null>("permitted");
}

/** The user whose token the request carries. Only behind the guard. */
export function userOf(request: FastifyRequest): Account {
  return identityOf(request).user;
}

/** The app that the path names. Only behind the guard. */
export function appOf(request: FastifyRequest): App {
  return request.getDecorator<App>("app");
}

/** The person whom `:user` of the path names: oneself, or for an admin anybody. Only behind the guard. */
export function personOf(request: FastifyRequest): Account {
  return request.getDecorator<Account>("person");
}

/** The pipeline of apps that the path names, or that what it names belongs to. Only behind the guard. */
export function pipelineOf(request: FastifyRequest): AppPipeline {
  return request.getDecorator<AppPipeline>("pipeline");
}

/** The coupling that the path names. Only behind the guard. */
export function couplingOf(request: FastifyRequest): PipelineCoupling {
  return request.getDecorator<PipelineCoupling>("coupling");
}

/** The review app that the path names. Only behind the guard. */
export function reviewOf(request: FastifyRequest): ReviewApp {
  return request.getDecorator<ReviewApp>("review");
}

/** The promotion that the path names. Only behind the guard. */
export function promotionOf(request: FastifyRequest): PipelinePromotion {
  return request.getDecorator<PipelinePromotion>("promotion");
}

/** The test run that the path names. Only behind the guard. */
export function testRunOf(request: FastifyRequest): TestRun {
  return request.getDecorator<TestRun>("run");
}

/** The pipeline that a body names, by id or name. @throws AppError not_found */
export function findPipeline(store: Store, user: Account, key: string): AppPipeline {
  const pipeline = store.pipelines.find(key);
  if (!pipeline || !mayUsePipeline(store, user, pipeline)) throw notFound("pipeline");
  return pipeline;
}

/**
 * The app that a body names, by id or name. Somebody else's looks exactly as one that does not exist.
 * @throws AppError not_found; forbidden where it takes the owner
 */
export function findApp(store: Store, user: Account, key: string, role?: Policy["role"]): App {
  const app = store.apps.find(key);
  if (!app || !mayUse(store, user, app)) throw notFound("app");
  if (role === "owner" && !owns(user, app)) throw onlyOwner();
  return app;
}

async function identify({ store, identities }: Guard, request: FastifyRequest, policy: Policy): Promise<Identity> {
  const headers = request.raw.headersDistinct["authorization"] ?? [];
  if (headers.length > 1) throw new AppError("unauthorized", "The request has more than one Authorization header: send one.");
  const address = request.socket.remoteAddress;
  const login = policy.password ? basicFromAuthorization(headers[0]) : undefined;
  // `heroku login -i`; other clients send an address with a token behind it.
  if (login?.name.includes("@") && !isOwnToken(login.password) && !store.tokens.find(login.password)) {
    const user = await identities.byPassword(login.name, login.password, address);
    const now = new Date().toISOString();
    return { user, authorization: { id: user.id, userId: user.id, description: "password", scope: ["global"], session: false, createdAt: now, issuedAt: now, updatedAt: now, expiresAt: null } };
  }
  return identities.byToken(tokenFromAuthorization(headers[0]), address);
}

/** Heroku's Ruby client paces itself by this header. */
function countDown({ identities }: Guard, identity: Identity, reply: FastifyReply): void {
  reply.header("RateLimit-Remaining", "0");
  reply.header("RateLimit-Remaining", String(identities.spend(identity)));
}

function findWhatThePathNames({ store }: Guard, request: FastifyRequest, user: Account, policy: Policy): void {
  const params = (request.params ?? {}) as Partial<Record<"app" | "user" | "pipeline" | "coupling" | "promotion" | "run" | "review", string>>;
  if (params.user !== undefined) request.setDecorator("person", findPerson(store, user, params.user));
  if (params.app !== undefined) request.setDecorator("app", appOfPath(store, request, user, params.app, policy));
  if (params.pipeline !== undefined) request.setDecorator("pipeline", pipelineOfPath(store, user, params.pipeline, policy));
  if (params.coupling !== undefined) {
    const coupling = store.pipelines.coupling(params.coupling);
    const app = coupling && store.apps.find(coupling.appId);
    if (!app || !mayUse(store, user, app)) throw notFound("pipeline_coupling", "Couldn't find that pipeline coupling.");
    request.setDecorator("coupling", coupling);
    request.setDecorator("app", app);
  }
  if (params.run !== undefined) {
    const run = store.testRuns.find(params.run);
    const app = run && store.apps.find(run.appId);
    if (!app || !mayUse(store, user, app)) throw notFound("test_run", "Couldn't find that test run.");
    request.setDecorator("run", run);
  }
  if (params.promotion !== undefined) {
    const promotion = store.pipelinePromotions.find(params.promotion);
    const pipeline = promotion && store.pipelines.find(promotion.pipelineId);
    if (!pipeline || !mayUsePipeline(store, user, pipeline)) throw notFound("pipeline_promotion", "Couldn't find that pipeline promotion.");
    request.setDecorator("promotion", promotion);
  }
  if (params.review !== undefined) {
    const review = store.reviewApps.find(params.review);
    const parent = review && store.apps.find(review.parentId);
    if (!parent || !mayUse(store, user, parent)) throw notFound("review_app", "Couldn't find that review app.");
    request.setDecorator("review", review);
  }
}

function appOfPath(store: Store, request: FastifyRequest, user: Account, key: string, { role }: Policy): App {
  const app = findApp(store, user, key);
  const { collaborator } = request.params as { collaborator?: string };
  const isSelf = collaborator !== undefined && [user.id, user.email, store.collaborators.find(app.id, user.id)?.id].includes(collaborator);
  if ((role === "owner" || (role === "owner or self" && !isSelf)) && !owns(user, app)) throw onlyOwner();
  return app;
}

function pipelineOfPath(store: Store, user: Account, key: string, { role }: Policy): AppPipeline {
  const pipeline = findPipeline(store, user, key);
  if (role === "owner" && !owns(user, pipeline)) throw new AppError("forbidden", "Only the pipeline's owner or an admin may do this.");
  return pipeline;
}

/** By id or address; `~` is oneself. */
function findPerson(store: Store, self: Account, key: string): Account {
  if (["~", self.id, self.email].includes(key)) return self;
  const other = self.admin ? store.users.find(key) ?? store.users.findByEmail(key) : undefined;
  if (!other) throw notFound("user");
  return other;
}

function onlyOwner(): AppError {
  return new AppError("forbidden", "Only the app's owner or an admin may do this.");
}
