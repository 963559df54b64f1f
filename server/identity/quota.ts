/** How many requests a token may make: a bucket that fills evenly over the hour, as Heroku's does. */

import { AppError } from "../errors.ts";

const HOUR_MS = 3_600_000;

export type Quota = ReturnType<typeof createQuota>;

/**
 * @param perHour the size of the bucket and what flows into it in an hour
 * @param now milliseconds, only ever growing
 */
export function createQuota(perHour: number, now: () => number = () => performance.now()) {
  const buckets = new Map<string, { left: number; at: number }>();

  const filled = ({ left, at }: { left: number; at: number }): number => Math.min(perHour, left + ((now() - at) * perHour) / HOUR_MS);

  return {
    /**
     * Takes one request from the bucket of this authorization.
     * @returns how many are left
     * @throws AppError rate_limit with the time until there is one again
     */
    take(id: string): number {
      const bucket = buckets.get(id);
      const left = bucket ? filled(bucket) : perHour;
      if (left < 1) {
        const seconds = Math.max(1, Math.ceil(((1 - left) * HOUR_MS) / perHour / 1000));
        throw new AppError("rate_limit", `This token has made its ${perHour} requests of the hour. Try again in ${seconds} s.`, { retryAfter: seconds });
      }
      // A bucket that is full again is as good as none: what is remembered stays as small as what is in use.
      if (!bucket && buckets.size >= 1000) for (const [key, other] of buckets) if (filled(other) >= perHour - 1) buckets.delete(key);
      buckets.set(id, { left: left - 1, at: now() });
      return Math.floor(left - 1);
    },
  };
}
