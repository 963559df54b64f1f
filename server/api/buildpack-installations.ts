import type { FastifyInstance } from "fastify";
import { appOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";

/** The buildpack that made what serves now. Like on Heroku there is none before the first push, and no range. */
export function serveBuildpackInstallations(api: FastifyInstance, deps: ApiDeps): void {
  api.get("/apps/:app/buildpack-installations", { schema: { summary: "The app's buildpacks" } }, async (request) => {
    const { slugId } = deps.pipeline.current(appOf(request));
    const buildpack = slugId === null ? undefined : deps.store.slugs.find(slugId)?.buildpack;
    return buildpack === undefined ? [] : [{ buildpack: buildpackRef(buildpack), ordinal: 0 }];
  });
}

/** A buildpack as other objects name it. */
export function buildpackRef(name: string): { name: string; url: string } {
  return { name, url: `urn:buildpack:${name}` };
}
