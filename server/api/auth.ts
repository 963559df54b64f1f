/** Who asks, and which apps are theirs: decided here for every route of the API. */

import type { FastifyInstance, FastifyRequest } from "fastify";
import { tokenFromAuthorization } from "../domain/credentials.ts";
import type { App, User } from "../domain/model.ts";
import { AppError, notFound } from "../errors.ts";
import type { Store } from "../store/store.ts";

/** Puts the guard before every route of this context: a known token, and for `/apps/:app…` an app that its user may touch. */
export function guard(api: FastifyInstance, store: Store): void {
  api.decorateRequest("user", null);
  api.decorateRequest("app", null);
  api.addHook("onRequest", async (request) => {
    const user = authenticate(store, request);
    request.setDecorator("user", user);
    const { app } = (request.params ?? {}) as { app?: string };
    if (app !== undefined) request.setDecorator("app", findApp(store, user, app));
  });
}

/** The user whose token the request carries. Only behind the guard. */
export function userOf(request: FastifyRequest): User {
  return request.getDecorator<User>("user");
}

/** The app that the path names. Only behind the guard. */
export function appOf(request: FastifyRequest): App {
  return request.getDecorator<App>("app");
}

/** Admins see every app, others what they own. */
export function maySee(user: User, app: App): boolean {
  return user.admin || app.ownerId === user.id;
}

function authenticate(store: Store, request: FastifyRequest): User {
  const headers = request.raw.headersDistinct["authorization"] ?? [];
  if (headers.length > 1) throw new AppError("unauthorized", "The request has more than one Authorization header: send one.");
  const token = tokenFromAuthorization(headers[0]);
  const userId = token === undefined ? undefined : store.tokens.userIdFor(token);
  const user = userId === undefined ? undefined : store.users.find(userId);
  if (!user) throw new AppError("unauthorized", "Invalid credentials provided: send a token as Authorization: Bearer <token>.");
  return user;
}

/** By id or name. Somebody else's app looks exactly as one that does not exist. */
function findApp(store: Store, user: User, idOrName: string): App {
  const app = store.apps.find(idOrName);
  if (!app || !maySee(user, app)) throw notFound("app");
  return app;
}
