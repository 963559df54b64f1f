/** Wrong tries by sender: a guesser gets ten a minute. */

import { AppError } from "../errors.ts";
import { senderOf } from "./address.ts";

const MAX = 10;
const WINDOW_MS = 60_000;
/** Senders remembered at once: a few megabytes. The one that began first is forgotten when there are more. */
const MAX_SENDERS = 20_000;

export type Tries = ReturnType<typeof createTries>;

/** @param now milliseconds, only ever growing */
export function createTries(now: () => number = () => performance.now()) {
  const senders = new Map<string, { count: number; since: number }>();

  const recent = (sender: string): { count: number; since: number } | undefined => {
    const found = senders.get(sender);
    if (found && now() - found.since >= WINDOW_MS) senders.delete(sender);
    return senders.get(sender);
  };

  const assertLeft = (address: string | undefined): void => {
    const found = recent(senderOf(address));
    if (!found || found.count < MAX) return;
    const seconds = Math.max(1, Math.ceil((found.since + WINDOW_MS - now()) / 1000));
    throw new AppError("rate_limit", `Too many wrong tries from your address. Try again in ${seconds} s.`, { retryAfter: seconds });
  };

  return {
    /** @throws AppError rate_limit when this sender has had its tries */
    assertLeft,
    /**
     * Counts a try as wrong. Call it before a check that takes time, so that many at once are no more than ten either.
     * @returns takes it back, when it was right
     * @throws AppError rate_limit
     */
    take(address: string | undefined): () => void {
      assertLeft(address);
      const sender = senderOf(address);
      const found = recent(sender) ?? { count: 0, since: now() };
      found.count += 1;
      if (senders.size >= MAX_SENDERS && !senders.has(sender)) senders.delete(senders.keys().next().value as string);
      senders.set(sender, found);
      return () => void (found.count -= 1);
    },
  };
}
