import type { FastifyInstance } from "fastify";
import type { App, Slug } from "../domain/model.ts";
import { notFound } from "../errors.ts";
import { appOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";
import { stackRef } from "./platform.ts";

/** Slugs: what builds made. They are images of the engine, so there is no URL to get one from. */
export function serveSlugs(api: FastifyInstance, deps: ApiDeps): void {
  api.get<{ Params: { slug: string } }>("/apps/:app/slugs/:slug", { schema: { summary: "One slug" } }, async (request) => slugView(findSlug(deps, appOf(request), request.params.slug)));
}

/** One of the app's. @throws AppError not_found */
export function findSlug({ store }: ApiDeps, app: App, id: string): Slug {
  const slug = store.slugs.find(id);
  if (slug?.appId !== app.id) throw notFound("slug");
  return slug;
}

/** Two slugs with one checksum are the same: two builds of one commit make such ones, and promotions. An image of the user's own has its digest. */
function slugView({ id, image, checksum, commit, buildpack, processTypes, size, stack, createdAt, prunedAt }: Slug) {
  return {
    blob: { method: "get", url: null }, buildpack_provided_description: buildpack, checksum: checksum ?? image.replace(/^sha256:/, "SHA256:"), commit, commit_description: null,
    created_at: createdAt, id, process_types: processTypes, size, stack: stackRef(stack), updated_at: prunedAt ?? createdAt,
  };
}
