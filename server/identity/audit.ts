/** The audit trail: who changed what, when and from where, kept for a bounded time. */

import { randomUUID } from "node:crypto";
import type { App, User } from "../domain/model.ts";
import type { Store } from "../store/store.ts";

/** Whatever happens in the time that they are kept: some 50 MB. */
const MOST = 100_000;
const DAY_MS = 24 * 3600 * 1000;

export type Deed = {
  actor: User;
  /** Such as `app` and `create`. */
  type: string;
  action: string;
  app?: Pick<App, "id" | "name"> | undefined;
  /** Of the socket. */
  address: string | undefined;
  /** What more there is to say. Never a secret. */
  data: Record<string, unknown>;
};

export type Audit = ReturnType<typeof createAudit>;

/**
 * @param days that events are kept
 * @param onFailure what could not be written: the change itself has happened, and is not undone for it
 */
export function createAudit(store: Pick<Store, "auditEvents">, days: number, onFailure: (error: unknown, deed: Deed) => void) {
  return {
    /** Writes it down. What is acknowledged after this is in the trail. */
    record(deed: Deed): void {
      const { actor, type, action, app, address, data } = deed;
      const now = new Date();
      const event = { id: randomUUID(), actorId: actor.id, actorEmail: actor.email, type, action, appId: app?.id ?? null, appName: app?.name ?? null, address: address ?? "unknown", data, createdAt: now.toISOString() };
      try {
        store.auditEvents.add(event, { since: new Date(now.getTime() - days * DAY_MS).toISOString(), most: MOST });
      } catch (error) {
        onFailure(error, deed);
      }
    },
  };
}
