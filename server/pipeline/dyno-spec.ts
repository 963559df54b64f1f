/** From a release to the dynos that it asks for. */

import { createHash } from "node:crypto";
import { DEFAULT_PORT } from "../domain/own-image.ts";
import type { App, Release, Slug } from "../domain/model.ts";
import type { Wanted } from "../domain/plan.ts";
import type { DynoSpec } from "../engine/engine.ts";

/** Where a slug's web dynos listen. Each has a network of its own, so all can use the same port. */
export function webPort(slug: Slug | undefined): number {
  return slug?.ownImage?.port ?? DEFAULT_PORT;
}

/** All dynos of a release, by type in alphabetical order. */
export function wantedDynos(release: Release, slug: Slug | undefined, memoryMb: number): Wanted[] {
  if (!slug) return [];
  return Object.entries(release.formation).sort().flatMap(([type, { quantity }]) =>
    Array.from({ length: quantity }, (_, index) => ({ type, number: index + 1, fingerprint: fingerprint(release, slug, type, memoryMb) })));
}

/** The full description of one dyno; `type` may also be `release`, for the release phase. */
export function dynoSpec(app: App, release: Release, slug: Slug, type: string, number: number, memoryMb: number): DynoSpec {
  return {
    appId: app.id,
    appName: app.name,
    type,
    number,
    releaseVersion: release.version,
    image: slug.image,
    command: slug.processTypes[type] ?? "",
    env: environment(app, release, slug, type, number),
    memoryMb,
    fingerprint: fingerprint(release, slug, type, memoryMb),
    ...(slug.ownImage ? { ownImage: type === "web" && slug.ownImage.ownWeb ? "default" as const : "command" as const } : {}),
  };
}

/** Config vars first, so that they cannot take the platform's names (devcenter: dynos#local-environment-variables, dyno-metadata). */
function environment(app: App, release: Release, slug: Slug, type: string, number: number): Record<string, string> {
  return {
    ...release.config,
    DYNO: `${type}.${number}`,
    ...(type === "web" ? { PORT: String(webPort(slug)) } : {}),
    HEROKU_APP_NAME: app.name,
    HEROKU_RELEASE_VERSION: `v${release.version}`,
    HEROKU_RELEASE_CREATED_AT: release.createdAt,
    HEROKU_SLUG_COMMIT: slug.commit,
  };
}

/** Equal for dynos that may stand for each other: the release's number is not part of it, so scaling restarts nobody. */
function fingerprint(release: Release, slug: Slug, type: string, memoryMb: number): string {
  const config = Object.entries(release.config).sort(([a], [b]) => (a < b ? -1 : 1));
  const parts = [slug.image, slug.processTypes[type], config, release.formation[type]?.size, memoryMb];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}
