/** The first administrator, and the token that proves who that is. */

import { newToken } from "./domain/credentials.ts";
import type { Config } from "./config.ts";
import type { Store } from "./store/store.ts";

const GIVEN = "PAAS_ADMIN_TOKEN";

/**
 * Makes the administrator where there is none, and lets PAAS_ADMIN_TOKEN in where it is set (a new value replaces the last one given).
 * @returns the token when it was made here: it is shown once and stored only as a digest.
 */
export function ensureAdministrator(store: Store, config: Config): { firstStart: boolean; newToken: string | undefined } {
  const email = `admin@${config.domain}`;
  const before = store.users.findFirstAdmin();
  const admin = before ?? store.users.create(email, { admin: true, name: "Administrator" });
  if (config.adminToken !== undefined) {
    if (store.tokens.userIdFor(config.adminToken) === undefined) {
      store.tokens.removeByDescription(admin.id, GIVEN);
      store.tokens.add(admin.id, config.adminToken, GIVEN);
    }
    return { firstStart: !before, newToken: undefined };
  }
  if (before) return { firstStart: false, newToken: undefined };
  const token = newToken();
  store.tokens.add(admin.id, token, "made at the first start");
  return { firstStart: true, newToken: token };
}
