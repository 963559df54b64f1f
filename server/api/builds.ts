import type { FastifyInstance, FastifyRequest } from "fastify";
import type { App, Build } from "../domain/model.ts";
import { notFound } from "../errors.ts";
import { userRef } from "./account.ts";
import { gitUrl } from "./apps.ts";
import { appOf } from "./auth.ts";
import type { BuildOutputUrls } from "./build-output.ts";
import { buildpackRef } from "./buildpack-installations.ts";
import type { ApiDeps } from "./deps.ts";
import { ownUrl } from "./own-url.ts";
import { GENERATION, STACK } from "./platform.ts";
import { sendPage, type SortKeys } from "./range.ts";

const KEYS: SortKeys<Build> = { created_at: (build) => build.createdAt, id: (build) => build.id, started_at: (build) => build.createdAt };

/** Builds: list, info. */
export function serveBuilds(api: FastifyInstance, deps: ApiDeps, urls: BuildOutputUrls): void {
  const { store } = deps;

  const view = (request: FastifyRequest, app: App, build: Build) => ({
    app: { id: app.id, name: app.name },
    buildpacks: build.buildpack === null ? [] : [buildpackRef(build.buildpack)],
    created_at: build.createdAt, generation: GENERATION, id: build.id, output_stream_url: ownUrl(request, deps) + urls.path(build),
    release: build.releaseId === null ? null : { id: build.releaseId },
    slug: build.slugId === null ? null : { id: build.slugId },
    source_blob: { checksum: null, url: gitUrl(deps, request, app), version: build.commit, version_description: null },
    stack: (build.slugId === null ? undefined : store.slugs.find(build.slugId)?.stack) ?? STACK.name,
    status: build.status, updated_at: build.updatedAt, user: userRef(store, build.userId),
  });

  api.get("/apps/:app/builds", { schema: { summary: "The app's builds" } }, async (request, reply) => {
    const app = appOf(request);
    return sendPage(request, reply, store.builds.list(app.id), KEYS, (build) => view(request, app, build));
  });

  api.get<{ Params: { build: string } }>("/apps/:app/builds/:build", { schema: { summary: "One build" } }, async (request) => {
    const app = appOf(request);
    const build = store.builds.find(request.params.build);
    if (build?.appId !== app.id) throw notFound("build");
    return view(request, app, build);
  });
}
