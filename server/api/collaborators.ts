import type { FastifyInstance } from "fastify";
import { randomUUID } from "node:crypto";
import type { App, Collaborator } from "../domain/model.ts";
import { invalidParams, notFound } from "../errors.ts";
import { userRef } from "./account.ts";
import { appOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";
import { sendPage, type SortKeys } from "./range.ts";
import { stableId } from "./stable-id.ts";
import { unlessTaken } from "./unless-taken.ts";

const ADD = { type: "object", additionalProperties: false, required: ["user"], properties: { user: { type: "string", minLength: 1, maxLength: 254 }, silent: { type: ["boolean", "null"] } } };

type View = ReturnType<typeof viewOf>;
const KEYS: SortKeys<View> = { email: ({ user }) => user.email, id: ({ id }) => id };

/** Who may use an app: its owner, and whom the owner added. */
export function serveCollaborators(api: FastifyInstance, deps: ApiDeps): void {
  const { store } = deps;

  /** The owner first, who has no row. */
  const everybody = (app: App): View[] => {
    const owner = { id: stableId("collaborator", app.id, app.ownerId), appId: app.id, userId: app.ownerId, createdAt: app.createdAt };
    return [owner, ...store.collaborators.list(app.id)].map((one) => viewOf(deps, app, one));
  };
  const find = (app: App, key: string): View => {
    const found = everybody(app).find(({ id, user }) => [id, user.id, user.email].includes(key));
    if (!found) throw notFound("collaborator");
    return found;
  };

  api.get("/apps/:app/collaborators", { schema: { summary: "Who may use the app" } }, async (request, reply) => sendPage(request, reply, everybody(appOf(request)), KEYS, (view) => view));

  api.post<{ Body: { user: string } }>("/apps/:app/collaborators", { schema: { summary: "Let a person use the app", body: ADD } }, async (request, reply) => {
    const app = appOf(request);
    const key = request.body.user;
    const user = store.users.find(key) ?? store.users.findByEmail(key.trim().toLowerCase());
    if (!user) throw notFound("user", "Couldn't find that user: an admin adds people to this platform.");
    if (user.id === app.ownerId) throw invalidParams(`user: ${user.email} owns the app.`);
    const added: Collaborator = { id: randomUUID(), appId: app.id, userId: user.id, createdAt: new Date().toISOString() };
    unlessTaken("user", user.email, () => store.collaborators.insert(added));
    return reply.code(201).send(viewOf(deps, app, added));
  });

  api.get<{ Params: { collaborator: string } }>("/apps/:app/collaborators/:collaborator", { schema: { summary: "One of them, by id or e-mail address" } }, async (request) =>
    find(appOf(request), request.params.collaborator));

  api.delete<{ Params: { collaborator: string } }>("/apps/:app/collaborators/:collaborator", { schema: { summary: "Take a person's access away, or leave the app yourself" } }, async (request) => {
    const app = appOf(request);
    const found = find(app, request.params.collaborator);
    if (found.user.id === app.ownerId) throw invalidParams("collaborator: the owner stays; transfer the app instead.");
    store.collaborators.remove(app.id, found.user.id);
    return found;
  });
}

function viewOf({ store }: ApiDeps, app: App, { id, userId, createdAt }: Collaborator) {
  return {
    app: { id: app.id, name: app.name }, created_at: createdAt, id, permissions: [], role: userId === app.ownerId ? "owner" : "collaborator",
    updated_at: createdAt, user: { ...userRef(store, userId), federated: false },
  };
}
