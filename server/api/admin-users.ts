import type { FastifyInstance } from "fastify";
import { canonicalEmail } from "../domain/email.ts";
import type { Account } from "../domain/model.ts";
import { assertPassword } from "../domain/password.ts";
import { invalidParams } from "../errors.ts";
import { accountView, setPassword } from "./account.ts";
import { personOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";
import { sendPage, type SortKeys } from "./range.ts";
import { unlessTaken } from "./unless-taken.ts";

const FIELDS = { email: { type: "string" }, name: { type: ["string", "null"], maxLength: 200 }, password: { type: "string" }, admin: { type: "boolean" } };
const CREATE = { type: "object", additionalProperties: false, required: ["email", "password"], properties: FIELDS };
const UPDATE = { type: "object", additionalProperties: false, properties: { ...FIELDS, suspended: { type: "boolean" } } };
const KEYS: SortKeys<Account> = { email: ({ email }) => email, id: ({ id }) => id, created_at: ({ createdAt }) => createdAt };

type Fields = { email: string; name: string | null; password: string; admin: boolean; suspended: boolean };

/** People, for admins. Heroku has no shape for making one: there everybody signs up alone. */
export function serveAdminUsers(api: FastifyInstance, { store }: ApiDeps): void {
  api.get("/admin/users", { schema: { summary: "All people" } }, async (request, reply) => sendPage(request, reply, store.users.list(), KEYS, adminView));

  api.post<{ Body: Pick<Fields, "email" | "password"> & Partial<Fields> }>("/admin/users", { schema: { summary: "Add a person", body: CREATE } }, async (request, reply) => {
    const { name, password, admin = false } = request.body;
    const email = canonicalEmail(request.body.email);
    assertPassword(password, "password");
    const user = unlessTaken("email", email, () => store.users.create(email, { admin, ...(name ? { name } : {}) }));
    await setPassword(store, user.id, password);
    return reply.code(201).send(adminView(store.users.find(user.id) as Account));
  });

  api.get("/admin/users/:user", { schema: { summary: "One person, by id or e-mail address" } }, async (request) => adminView(personOf(request)));

  api.patch<{ Body: Partial<Fields> }>("/admin/users/:user", { schema: { summary: "Change a person: name, e-mail address, password, admin, suspended", body: UPDATE } }, async (request) => {
    const user = personOf(request);
    const { name, email, password, admin, suspended } = request.body;
    if (password !== undefined) assertPassword(password, "password");
    const now = new Date().toISOString();
    const changed: Account = {
      ...user, name: name === undefined ? user.name : name, email: email === undefined ? user.email : canonicalEmail(email), admin: admin ?? user.admin,
      suspendedAt: suspended === undefined ? user.suspendedAt : suspended ? user.suspendedAt ?? now : null, updatedAt: now,
    };
    const reigns = ({ admin: isAdmin, suspendedAt }: Account): boolean => isAdmin && suspendedAt === null;
    if (!reigns(changed) && !store.users.list().some((other) => other.id !== user.id && reigns(other))) throw invalidParams("admin: this is the last admin, who stays one and active.");
    unlessTaken("email", changed.email, () => store.users.update(changed));
    if (password !== undefined) await setPassword(store, user.id, password);
    return adminView(store.users.find(user.id) as Account);
  });
}

function adminView(user: Account) {
  return { ...accountView(user), admin: user.admin };
}
