/** Who asks: by a token or by a password, with wrong tries counted in one place for API, git and login. */

import { isOwnToken } from "../domain/credentials.ts";
import type { Account, Authorization } from "../domain/model.ts";
import { verifyPassword } from "../domain/password.ts";
import { AppError } from "../errors.ts";
import type { Store } from "../store/store.ts";
import { createBrowserLogins } from "./browser-logins.ts";
import { createQuota } from "./quota.ts";
import { createTries } from "./tries.ts";

/** A person, and what the token that they sent may be used for. */
export type Identity = { user: Account; authorization: Authorization };

export type Identities = ReturnType<typeof createIdentities>;

const WRONG_TOKEN = "Invalid credentials provided: send a token as Authorization: Bearer <token>.";
/** Passwords that wait for their check: each costs memory and a fifth of a second. */
const MAX_WAITING = 20;

/** @param requestsPerHour of each token */
export function createIdentities(store: Pick<Store, "users" | "tokens">, requestsPerHour: number, now?: () => number) {
  const tries = createTries(now);
  const quota = createQuota(requestsPerHour, now);
  let turn: Promise<unknown> = Promise.resolve();
  let waiting = 0;

  /** One check after the other: scrypt takes memory on purpose. */
  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    if (waiting >= MAX_WAITING) throw new AppError("rate_limit", "Too many people are logging in at this moment. Try again in a few seconds.", { retryAfter: 5 });
    waiting += 1;
    const done = turn.then(work, work);
    turn = done.catch(() => undefined).finally(() => (waiting -= 1));
    return done;
  };

  return {
    /**
     * Whose token this is.
     * @param address of the socket
     * @throws AppError unauthorized; rate_limit after ten wrong ones in a minute; suspended
     */
    byToken(token: string | undefined, address: string | undefined): Identity {
      if (token === undefined) throw new AppError("unauthorized", WRONG_TOKEN);
      // Nobody guesses a token that was made here, so whoever has one is let in whatever others do behind the same address.
      if (!isOwnToken(token)) tries.assertLeft(address);
      const authorization = store.tokens.find(token);
      const user = authorization && store.users.find(authorization.userId);
      if (!authorization || !user) {
        tries.take(address);
        throw new AppError("unauthorized", WRONG_TOKEN);
      }
      return { user: active(user), authorization };
    },

    /**
     * Whose e-mail address and password these are.
     * @throws AppError unauthorized; rate_limit; suspended
     */
    async byPassword(email: string, password: string, address: string | undefined): Promise<Account> {
      const giveBack = tries.take(address);
      const user = store.users.findByEmail(email.trim().toLowerCase());
      const right = await inTurn(() => verifyPassword(password, user && store.users.password(user.id)));
      if (!user || !right) throw new AppError("unauthorized", "The e-mail address or the password is wrong.");
      giveBack();
      store.users.loggedIn(active(user).id, new Date().toISOString());
      return user;
    },

    /** Whether this is the user's password; counts as a try like any other. @throws AppError rate_limit */
    async provesItself(user: Account, password: string, address: string | undefined): Promise<boolean> {
      const giveBack = tries.take(address);
      const right = await inTurn(() => verifyPassword(password, store.users.password(user.id)));
      if (right) giveBack();
      return right;
    },

    /** Logins through a browser that are under way. */
    logins: createBrowserLogins(now),

    /** Takes one of the token's requests. @returns how many are left @throws AppError rate_limit */
    spend: ({ authorization }: Identity): number => quota.take(authorization.id),
  };
}

function active(user: Account): Account {
  if (user.suspendedAt !== null) throw new AppError("suspended", "This account is suspended. Ask an admin of this platform.");
  return user;
}
