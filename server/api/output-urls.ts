/** URLs that are themselves the permission: Heroku's clients fetch output without a token. */

import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

export type OutputUrls = ReturnType<typeof createOutputUrls>;

/** Paths below `folder` that only who can read a thing learns. They hold as long as this process lives: a client asks anew for the next. */
export function createOutputUrls(folder: string) {
  const key = randomBytes(32);
  const capability = (id: string): string => createHmac("sha256", key).update(id).digest("base64url");
  return {
    path: (id: string): string => `/${folder}/${id}/${capability(id)}`,
    permits(id: string, given: string): boolean {
      const [expected, actual] = [Buffer.from(capability(id)), Buffer.from(given)];
      return expected.length === actual.length && timingSafeEqual(expected, actual);
    },
  };
}
