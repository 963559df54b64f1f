/** Logins that a CLI began and a browser ends: kept in memory, for the ten minutes that they may take. */

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { AppError, notFound } from "../errors.ts";
import { senderOf } from "./address.ts";

const LIFETIME_MS = 10 * 60_000;
/** At once: of all senders, and of one. */
const MAX_OPEN = 1000;
const MAX_OPEN_OF_ONE = 20;

export type Login = {
  /** Unguessable: part of both URLs. */
  readonly id: string;
  /** What the CLI says of itself. */
  readonly description: string;
  /** Where the CLI asked from. */
  readonly address: string;
  /** Against requests from other sites: the form carries it, and a cookie with it. */
  readonly formToken: string;
  /** Resolves with the session's token when the browser is done, rejects when time is over. */
  readonly done: Promise<string>;
};

type Open = Login & { sender: string; secret: Buffer; since: number; finish(token: string): void; giveUp(): void };

export type BrowserLogins = ReturnType<typeof createBrowserLogins>;

/** @param now milliseconds, only ever growing */
export function createBrowserLogins(now: () => number = () => performance.now()) {
  const open = new Map<string, Open>();

  const sweep = (): void => {
    for (const login of open.values()) {
      if (now() - login.since < LIFETIME_MS) break;
      open.delete(login.id);
      login.giveUp();
    }
  };
  const find = (id: string): Open => {
    sweep();
    const login = open.get(id);
    if (!login) throw notFound("login", "This login is over or never began. Run the login command again.");
    return login;
  };

  return {
    /**
     * Begins one.
     * @returns the login, and the secret by which its CLI proves that it began it
     * @throws AppError rate_limit when too many are open
     */
    begin(description: string, address: string | undefined): { login: Login; secret: string } {
      sweep();
      const sender = senderOf(address);
      if (open.size >= MAX_OPEN || [...open.values()].filter((one) => one.sender === sender).length >= MAX_OPEN_OF_ONE)
        throw new AppError("rate_limit", "Too many logins are open at this moment. Try again in a minute.", { retryAfter: 60 });
      const secret = randomBytes(32).toString("base64url");
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      // Nobody may be waiting when time is over.
      promise.catch(() => undefined);
      const login: Open = {
        id: randomBytes(32).toString("base64url"), description, address: address ?? "unknown", formToken: randomBytes(32).toString("base64url"), done: promise,
        sender, secret: digest(secret), since: now(), finish: resolve, giveUp: () => reject(notFound("login", "Nobody logged in in time. Run the login command again.")),
      };
      open.set(login.id, login);
      return { login, secret };
    },
    /** @throws AppError not_found */
    find: (id: string): Login => find(id),
    /** The login whose CLI has this secret. @throws AppError not_found, unauthorized */
    ofCli(id: string, secret: string | undefined): Login {
      const login = find(id);
      if (secret === undefined || !timingSafeEqual(digest(secret), login.secret)) throw new AppError("unauthorized", "This is not the login's token.");
      return login;
    },
    /** Hands the token to the CLI. @throws AppError not_found */
    finish: (id: string, token: string): void => find(id).finish(token),
    /** The CLI has its token: nothing of the login is kept. */
    forget: (id: string): void => void open.delete(id),
  };
}

function digest(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}
