/** The build cache of an app: the volume that its builds find as /cache. It also says which slugs later builds may take something from. */

import { setTimeout as sleep } from "node:timers/promises";
import type Dockerode from "dockerode";
import { AppError } from "../errors.ts";
import { isStatus, unlessGone, within } from "./docker-call.ts";
import { LABEL, cacheName, labels, ours } from "./naming.ts";

const CALL_MS = 30_000;
const SECOND_MS = 1000;

export type BuildCaches = {
  /** Idempotent. */
  remove(appId: string): Promise<void>;
  /** Puts an empty one in its place, and writes on it that no build may take anything from slugs that there are now. @throws AppError conflict: a container has it */
  renew(appId: string): Promise<void>;
  /** When the last slug of before was made, in the engine's seconds: later builds take nothing from those. 0: from all. */
  renewedAfter(appId: string): Promise<number>;
  /** That image, unless it was made before. */
  usable(appId: string, image: string | undefined): Promise<string | undefined>;
};

export function createBuildCaches(docker: Dockerode, instance: string): BuildCaches {
  /** Asked once of each app: nobody else writes on its volume. */
  const known = new Map<string, number>();
  const volume = (appId: string): Dockerode.Volume => docker.getVolume(cacheName(instance, appId));

  const caches: BuildCaches = {
    async remove(appId) {
      known.delete(appId);
      await unlessGone(within(CALL_MS, "remove volume", volume(appId).remove()));
    },

    async renew(appId) {
      // By the engine's clock alone: another one may go ahead of it.
      const slugs = await within(CALL_MS, "list slugs", docker.listImages({ filters: ours(instance, "slug", appId) }));
      const last = Math.max(0, ...slugs.map(({ Created }) => Created));
      // It dates images in whole seconds: the next slug must not be of the same one.
      const secondIsOver = sleep(last === 0 ? 0 : SECOND_MS);
      await caches.remove(appId).catch((error: unknown) => {
        throw isStatus(error, 409) ? new AppError("conflict", "The build cache is in use. Try again in a moment.", { cause: error }) : error;
      });
      await secondIsOver;
      await within(CALL_MS, "create volume", docker.createVolume({ Name: cacheName(instance, appId), Labels: { ...labels(instance, "cache", appId), [LABEL.renewedAfter]: String(last) } }));
    },

    async renewedAfter(appId) {
      const before = known.get(appId);
      if (before !== undefined) return before;
      const found = await unlessGone(within(CALL_MS, "inspect volume", volume(appId).inspect()));
      const after = Number(found?.Labels?.[LABEL.renewedAfter] ?? 0);
      // The first build makes it.
      if (found) known.set(appId, after);
      return after;
    },

    async usable(appId, image) {
      const before = image === undefined ? 0 : await caches.renewedAfter(appId);
      if (image === undefined || before === 0) return image;
      const found = await unlessGone(within(CALL_MS, "inspect image", docker.getImage(image).inspect()));
      return found && Math.floor(Date.parse(found.Created) / 1000) > before ? image : undefined;
    },
  };
  return caches;
}
