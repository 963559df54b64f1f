import type { FastifyInstance, FastifyRequest } from "fastify";
import { randomUUID } from "node:crypto";
import type { StoredSshKey } from "../domain/model.ts";
import { parseSshKey } from "../domain/ssh-key.ts";
import { notFound } from "../errors.ts";
import { unlessTaken } from "./unless-taken.ts";
import { userOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";
import { sendPage, type SortKeys } from "./range.ts";

const ADD = { type: "object", additionalProperties: false, required: ["public_key"], properties: { public_key: { type: "string", maxLength: 20_000 } } };
const KEYS: SortKeys<StoredSshKey> = { id: ({ id }) => id, created_at: ({ createdAt }) => createdAt };

type ByKey = { Params: { key: string } };

/** SSH public keys: kept and listed, so that clients which add one go on. Pushes go over HTTP. */
export function serveKeys(api: FastifyInstance, { store }: ApiDeps): void {
  const find = (request: FastifyRequest, key: string): StoredSshKey => {
    const found = store.sshKeys.find(userOf(request).id, key);
    if (!found) throw notFound("key");
    return found;
  };
  const view = (request: FastifyRequest, key: StoredSshKey) => ({
    comment: key.comment, created_at: key.createdAt, email: userOf(request).email, fingerprint: key.fingerprint, id: key.id, public_key: key.publicKey, updated_at: key.createdAt,
  });

  api.get("/account/keys", { schema: { summary: "Your SSH public keys" } }, async (request, reply) =>
    sendPage(request, reply, store.sshKeys.list(userOf(request).id), KEYS, (key) => view(request, key)));

  api.post<{ Body: { public_key: string } }>("/account/keys", { schema: { summary: "Add an SSH public key", body: ADD } }, async (request, reply) => {
    const key = { id: randomUUID(), userId: userOf(request).id, ...parseSshKey(request.body.public_key), createdAt: new Date().toISOString() };
    unlessTaken("public_key", "this key", () => store.sshKeys.insert(key));
    return reply.code(201).send(view(request, key));
  });

  api.get<ByKey>("/account/keys/:key", { schema: { summary: "One SSH public key, by id or fingerprint" } }, async (request) => view(request, find(request, request.params.key)));

  api.delete<ByKey>("/account/keys/:key", { schema: { summary: "Remove an SSH public key" } }, async (request) => {
    const key = find(request, request.params.key);
    store.sshKeys.remove(key.id);
    return view(request, key);
  });
}
