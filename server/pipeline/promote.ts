/** Promotion: what serves in one app is released in another, with that one's own config vars. Nothing is built. */

import { randomUUID } from "node:crypto";
import type { Slug } from "../domain/model.ts";
import { shortVersion } from "../domain/source-version.ts";
import { AppError } from "../errors.ts";
import type { Output } from "./output.ts";
import type { Parts } from "./parts.ts";
import type { Pipeline } from "./pipeline.ts";
import { createRelease, currentTarget, forgetSlug, launch } from "./release.ts";

/** Release-phase output of a promotion has no pusher to read it. */
const NOBODY: Output = { write: () => undefined };

export function createPromotion(parts: Parts): Pick<Pipeline, "promote"> {
  return {
    promote: (source, app, user) =>
      parts.lock.run(app.id, async () => {
        // From here to the new row nothing is awaited: the image is never without a slug that names it.
        const from = currentTarget(parts, source);
        if (!from.slug) throw new AppError("no_slug", `${source.name} has no slug to promote: nothing was deployed to it yet.`);
        const { release: current } = currentTarget(parts, app);
        // Each app has its own slug, so that neither's history nor its end touches the other; the image is one.
        const slug: Slug = { ...from.slug, id: randomUUID(), appId: app.id, createdAt: parts.now() };
        const target = createRelease(parts, app, { slug, config: current.config, formation: current.formation, description: `Promote ${source.name} v${from.release.version} ${shortVersion(slug.commit)}`, user });
        await launch(parts, target, NOBODY).catch(async (error: unknown) => {
          await forgetSlug(parts, target);
          throw error;
        });
        return target.release;
      }),
  };
}
