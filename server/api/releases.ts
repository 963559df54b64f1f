import type { FastifyInstance } from "fastify";
import type { App, Release } from "../domain/model.ts";
import { DESCRIPTION_PATTERN } from "../domain/source-version.ts";
import { invalidParams, notFound } from "../errors.ts";
import { userRef } from "./account.ts";
import { appOf, userOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";
import { sendPage, type SortKeys } from "./range.ts";
import { findSlug } from "./slugs.ts";

const KEYS: SortKeys<Release> = { version: (release) => release.version, id: (release) => release.id };
const KEY = { type: "string", minLength: 1, maxLength: 100 };
const CREATE = {
  type: "object", additionalProperties: false,
  properties: { release: KEY, slug: KEY, description: { type: ["string", "null"], pattern: DESCRIPTION_PATTERN } },
};

type Create = { release?: string; slug?: string; description?: string | null };

/** Releases: list, info, config vars, rollback, a slug again. */
export function serveReleases(api: FastifyInstance, deps: ApiDeps): void {
  const { pipeline, store } = deps;

  api.get("/apps/:app/releases", { schema: { summary: "The app's releases" } }, async (request, reply) => {
    const app = appOf(request);
    return sendPage(request, reply, store.releases.list(app.id), KEYS, (release) => releaseView(deps, app, release));
  });

  api.post<{ Body: Create }>("/apps/:app/releases", { schema: { summary: "Roll back to an earlier release, or release a slug again with the present config vars", body: CREATE } }, async (request, reply) => {
    const [app, user, { release: earlier, slug, description }] = [appOf(request), userOf(request), request.body];
    if ((earlier === undefined) === (slug === undefined)) throw invalidParams("release, slug: give one of them, the release to go back to or the slug to release again.");
    const release = slug === undefined
      ? await pipeline.rollback(app, findRelease(deps, app, earlier ?? ""), user)
      : await pipeline.releaseSlug(app, findSlug(deps, app, slug), description ?? undefined, user);
    return reply.code(201).send(releaseView(deps, app, release));
  });

  api.get<{ Params: { release: string } }>("/apps/:app/releases/:release", { schema: { summary: "One release, by id or version" } }, async (request) => {
    const app = appOf(request);
    return releaseView(deps, app, findRelease(deps, app, request.params.release));
  });

  api.get<{ Params: { release: string } }>("/apps/:app/releases/:release/config-vars", { schema: { summary: "The config vars of a release" } }, async (request) =>
    findRelease(deps, appOf(request), request.params.release).config);
}

/** By id, or by version as `5` or `v5`. A release of another app is not found. */
export function findRelease({ store }: ApiDeps, app: App, key: string): Release {
  const [, version] = /^v?(\d{1,9})$/.exec(key) ?? [];
  const release = version === undefined ? store.releases.find(key) : store.releases.findByVersion(app.id, Number(version));
  if (release?.appId !== app.id) throw notFound("release");
  return release;
}

function releaseView({ pipeline, store }: ApiDeps, app: App, release: Release) {
  const { status, current, updatedAt, eligibleForRollback } = pipeline.releaseStatus(release);
  return {
    addon_plan_names: [], app: { id: app.id, name: app.name }, artifacts: [], created_at: release.createdAt, current,
    description: release.description, eligible_for_rollback: eligibleForRollback, id: release.id, output_stream_url: null,
    slug: release.slugId === null ? null : { id: release.slugId }, status, updated_at: updatedAt,
    user: userRef(store, release.userId), version: release.version,
  };
}
