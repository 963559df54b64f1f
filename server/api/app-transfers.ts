import type { FastifyInstance, FastifyRequest } from "fastify";
import { randomUUID } from "node:crypto";
import type { AppTransfer } from "../domain/model.ts";
import { AppError, invalidParams, notFound } from "../errors.ts";
import { userRef } from "./account.ts";
import { findApp, userOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";
import { sendPage, type SortKeys } from "./range.ts";

const KEY = { type: "string", minLength: 1, maxLength: 254 };
const CREATE = { type: "object", additionalProperties: false, required: ["app", "recipient"], properties: { app: KEY, recipient: KEY, silent: { type: ["boolean", "null"] } } };
const UPDATE = { type: "object", additionalProperties: false, required: ["state"], properties: { state: { type: "string", enum: ["accepted", "declined"] } } };
const KEYS: SortKeys<AppTransfer> = { id: ({ id }) => id, created_at: ({ createdAt }) => createdAt };

type ById = { Params: { transfer: string } };

/** Transfers: an app changes hands when the recipient accepts. The owner until then stays its collaborator. */
export function serveAppTransfers(api: FastifyInstance, { store }: ApiDeps): void {
  const view = (transfer: AppTransfer) => {
    const app = store.apps.find(transfer.appId);
    return {
      app: { id: transfer.appId, name: app?.name ?? "" }, created_at: transfer.createdAt, id: transfer.id, owner: userRef(store, transfer.ownerId),
      recipient: userRef(store, transfer.recipientId), state: transfer.state, updated_at: transfer.updatedAt,
    };
  };
  /** By its own id, or that or the name of its app while it is pending. */
  const find = (request: FastifyRequest, key: string): AppTransfer => {
    const { id: userId } = userOf(request);
    const found = store.appTransfers.list(userId).find((one) => one.id === key || (one.state === "pending" && [one.appId, store.apps.find(one.appId)?.name].includes(key)));
    if (!found) throw notFound("app_transfer", "Couldn't find that app transfer.");
    return found;
  };
  const assertPending = ({ state }: AppTransfer): void => {
    if (state !== "pending") throw new AppError("conflict", `This transfer is ${state} already.`);
  };
  const accept = ({ id, appId, ownerId, recipientId }: AppTransfer): void =>
    store.transaction(() => {
      const now = new Date().toISOString();
      store.appTransfers.move(id, "accepted", now);
      store.apps.setOwner(appId, recipientId, now);
      store.collaborators.remove(appId, recipientId);
      store.collaborators.insert({ id: randomUUID(), appId, userId: ownerId, createdAt: now });
    });

  api.get("/account/app-transfers", { schema: { summary: "Transfers of apps that you give or get" } }, async (request, reply) =>
    sendPage(request, reply, store.appTransfers.list(userOf(request).id), KEYS, view));

  api.post<{ Body: { app: string; recipient: string } }>("/account/app-transfers", { schema: { summary: "Offer an app to another person", body: CREATE } }, async (request, reply) => {
    const user = userOf(request);
    const app = findApp(store, user, request.body.app, "owner");
    const recipient = store.users.find(request.body.recipient) ?? store.users.findByEmail(request.body.recipient.trim().toLowerCase());
    if (!recipient) throw notFound("user", "Couldn't find that user: an admin adds people to this platform.");
    if (recipient.id === app.ownerId) throw invalidParams(`recipient: ${recipient.email} owns the app already.`);
    const now = new Date().toISOString();
    const transfer: AppTransfer = { id: randomUUID(), appId: app.id, ownerId: app.ownerId, recipientId: recipient.id, state: "pending", createdAt: now, updatedAt: now };
    if (store.appTransfers.pendingOf(app.id)) throw new AppError("conflict", "Another transfer of this app is pending: withdraw it first.");
    store.appTransfers.insert(transfer);
    // An admin who takes an app over needs nobody's word, least of all their own.
    if (recipient.id === user.id) accept(transfer);
    return reply.code(201).send(view(store.appTransfers.find(transfer.id) as AppTransfer));
  });

  api.get<ById>("/account/app-transfers/:transfer", { schema: { summary: "One transfer, by id or app" } }, async (request) => view(find(request, request.params.transfer)));

  api.patch<ById & { Body: { state: "accepted" | "declined" } }>("/account/app-transfers/:transfer", { schema: { summary: "Accept or decline an app", body: UPDATE } }, async (request) => {
    const transfer = find(request, request.params.transfer);
    if (transfer.recipientId !== userOf(request).id) throw new AppError("forbidden", "Only the recipient accepts or declines a transfer.");
    assertPending(transfer);
    if (request.body.state === "accepted") accept(transfer);
    else store.appTransfers.move(transfer.id, "declined", new Date().toISOString());
    return view(store.appTransfers.find(transfer.id) as AppTransfer);
  });

  api.delete<ById>("/account/app-transfers/:transfer", { schema: { summary: "Withdraw an offer" } }, async (request) => {
    const transfer = find(request, request.params.transfer);
    if (transfer.ownerId !== userOf(request).id) throw new AppError("forbidden", "Only the owner withdraws a transfer.");
    assertPending(transfer);
    store.appTransfers.remove(transfer.id);
    return view(transfer);
  });
}
