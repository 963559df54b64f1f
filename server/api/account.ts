import type { FastifyInstance } from "fastify";
import { canonicalEmail } from "../domain/email.ts";
import type { Account } from "../domain/model.ts";
import { assertPassword, hashPassword } from "../domain/password.ts";
import { AppError, invalidParams } from "../errors.ts";
import type { Store } from "../store/store.ts";
import { identityOf, personOf, userOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";
import { unlessTaken } from "./unless-taken.ts";

const NAME = { type: ["string", "null"], maxLength: 200 };
const UPDATE = {
  type: "object", additionalProperties: false,
  properties: { name: NAME, email: { type: "string" }, password: { type: "string" }, new_password: { type: "string" } },
};

type Update = { Body: { name?: string | null; email?: string; password?: string; new_password?: string } };

/** One's own account: info, name, e-mail address, password. Heroku's CLI asks for it before many commands. */
export function serveAccount(api: FastifyInstance, deps: ApiDeps): void {
  const { store, identities } = deps;

  api.get("/account", { schema: { summary: "The account that the token belongs to" } }, async (request) => accountView(userOf(request)));

  api.get("/users/:user", { schema: { summary: "An account, by id or e-mail address (~: your own)" } }, async (request) => accountView(personOf(request)));

  api.patch<Update>("/account", { schema: { summary: "Change your name, e-mail address or password", body: UPDATE } }, async (request) => {
    const { user, authorization } = identityOf(request);
    const { name, email, password, new_password: newPassword } = request.body;
    if (newPassword !== undefined) assertPassword(newPassword, "new_password");
    const changed: Account = { ...user, name: name === undefined ? user.name : name, email: email === undefined ? user.email : canonicalEmail(email), updatedAt: new Date().toISOString() };
    const sensitive = newPassword !== undefined || changed.email !== user.email;
    if (sensitive && store.users.password(user.id) !== undefined) {
      if (password === undefined) throw invalidParams("password: is required, the present one, to change e-mail address or password.");
      if (!(await identities.provesItself(user, password, request.socket.remoteAddress))) throw new AppError("forbidden", "password: is not the present one.");
    }
    unlessTaken("email", changed.email, () => store.users.update(changed));
    if (newPassword !== undefined) await setPassword(store, user.id, newPassword, authorization.id);
    return accountView(store.users.find(user.id) as Account);
  });
}

/** A new password ends every session but the one that is kept: whoever knew the old one may be in one of them. */
export async function setPassword(store: Store, userId: string, password: string, keptSession?: string): Promise<void> {
  const kept = await hashPassword(password);
  store.transaction(() => {
    store.users.setPassword(userId, kept, new Date().toISOString());
    for (const { id, session } of store.tokens.list(userId)) if (session && id !== keptSession) store.tokens.remove(id);
  });
}

/** A person as other objects name them: `{id, email}`. */
export function userRef(store: Store, userId: string): { id: string; email: string } {
  return { id: userId, email: store.users.find(userId)?.email ?? "" };
}

/** The account as clients see it. */
export function accountView(user: Account) {
  return {
    acknowledged_msa: false, acknowledged_msa_at: null, allow_tracking: false, beta: false, country_of_residence: null,
    created_at: user.createdAt, default_organization: null, default_team: null, delinquent_at: null, email: user.email,
    federated: false, id: user.id, identity_provider: null, italian_customer_terms: null, italian_partner_terms: null,
    last_login: user.lastLogin, name: user.name, sms_number: null, suspended_at: user.suspendedAt, two_factor_authentication: false,
    updated_at: user.updatedAt, verified: true,
  };
}
