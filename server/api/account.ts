import type { FastifyInstance } from "fastify";
import type { User } from "../domain/model.ts";
import type { Store } from "../store/store.ts";
import { userOf } from "./auth.ts";

/** The token's user. Heroku's CLI asks this before many commands. */
export function serveAccount(api: FastifyInstance): void {
  api.get("/account", { schema: { summary: "The account that the token belongs to" } }, async (request) => accountView(userOf(request)));
}

/** A person as other objects name them: `{id, email}`. */
export function userRef(store: Store, userId: string): { id: string; email: string } {
  return { id: userId, email: store.users.find(userId)?.email ?? "" };
}

function accountView(user: User) {
  return {
    acknowledged_msa: false, acknowledged_msa_at: null, allow_tracking: false, beta: false, country_of_residence: null,
    created_at: user.createdAt, default_organization: null, default_team: null, delinquent_at: null, email: user.email,
    federated: false, id: user.id, identity_provider: null, italian_customer_terms: null, italian_partner_terms: null,
    last_login: null, name: user.name, sms_number: null, suspended_at: null, two_factor_authentication: false,
    updated_at: user.createdAt, verified: true,
  };
}
