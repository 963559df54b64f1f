import type { FastifyInstance, FastifyRequest } from "fastify";
import { MAX_BUILDPACK_LENGTH, MAX_BUILDPACKS, parseBuildpack } from "../domain/buildpack.ts";
import type { App, Build } from "../domain/model.ts";
import { SOURCE_VERSION_PATTERN } from "../domain/source-version.ts";
import { notFound } from "../errors.ts";
import type { Wanted } from "../sources/sources.ts";
import { userRef } from "./account.ts";
import { gitUrl } from "./apps.ts";
import { appOf, userOf } from "./auth.ts";
import { slugBuildpacks } from "./buildpack-installations.ts";
import type { ApiDeps } from "./deps.ts";
import type { OutputUrls } from "./output-urls.ts";
import { ownUrl } from "./own-url.ts";
import { GENERATION, STACK } from "./platform.ts";
import { sendPage, type SortKeys } from "./range.ts";
import { capabilityOf } from "./sources.ts";

const KEYS: SortKeys<Build> = { created_at: (build) => build.createdAt, id: (build) => build.id, started_at: (build) => build.createdAt };

const TEXT = { type: ["string", "null"], maxLength: 1000 };
const SOURCE_BLOB = {
  type: "object", additionalProperties: false, required: ["url"],
  properties: {
    url: { type: "string", minLength: 1 }, checksum: { type: ["string", "null"], pattern: "^(SHA|sha)256:[0-9A-Fa-f]{64}$" },
    version: { type: ["string", "null"], pattern: SOURCE_VERSION_PATTERN }, version_description: TEXT,
  },
};
const BUILDPACK = {
  type: "object", additionalProperties: false, anyOf: [{ required: ["url"] }, { required: ["name"] }],
  properties: { url: { type: "string", minLength: 1, maxLength: MAX_BUILDPACK_LENGTH }, name: { type: "string", minLength: 1, maxLength: MAX_BUILDPACK_LENGTH } },
};
const CREATE = {
  type: "object", additionalProperties: false, required: ["source_blob"],
  properties: { source_blob: SOURCE_BLOB, buildpacks: { type: ["array", "null"], maxItems: MAX_BUILDPACKS, items: BUILDPACK } },
};
/** devcenter: platform-api-reference#build-create */
type Create = { source_blob: Wanted; buildpacks?: { url?: string; name?: string }[] | null };

type ById = { Params: { build: string } };

/** Builds: create from an archive, list, info, cancel; the cache that they have in common. */
export function serveBuilds(api: FastifyInstance, deps: ApiDeps, urls: OutputUrls): void {
  const { store } = deps;
  const own = deps.ownBuildpacks.map(({ folder }) => folder);

  const view = (request: FastifyRequest, app: App, build: Build) => ({
    app: { id: app.id, name: app.name },
    buildpacks: slugBuildpacks(build.slugId === null ? undefined : store.slugs.find(build.slugId)),
    created_at: build.createdAt, generation: GENERATION, id: build.id, output_stream_url: ownUrl(request, deps) + urls.path(build.id),
    release: build.releaseId === null ? null : { id: build.releaseId },
    slug: build.slugId === null ? null : { id: build.slugId },
    source_blob: {
      checksum: build.sourceBlob?.checksum ?? null, url: build.sourceBlob?.url ?? gitUrl(deps, request, app),
      version: build.commit, version_description: build.sourceBlob?.versionDescription ?? null,
    },
    stack: (build.slugId === null ? undefined : store.slugs.find(build.slugId)?.stack) ?? STACK.name,
    status: build.status, updated_at: build.updatedAt, user: userRef(store, build.userId),
  });

  api.get("/apps/:app/builds", { schema: { summary: "The app's builds" } }, async (request, reply) => {
    const app = appOf(request);
    return sendPage(request, reply, store.builds.list(app.id), KEYS, (build) => view(request, app, build));
  });

  api.post<{ Body: Create }>("/apps/:app/builds", { schema: { summary: "Build a source archive and release it; it goes on after the answer", body: CREATE } }, async (request, reply) => {
    const [app, { source_blob: wanted, buildpacks: given }] = [appOf(request), request.body];
    const buildpacks = given?.map(({ url, name }, index) => parseBuildpack(url ?? name ?? "", `buildpacks[${index}].${url === undefined ? "name" : "url"}`, own));
    const order = deps.sources.order(wanted, capabilityOf(wanted.url));
    try {
      return reply.code(201).send(view(request, app, deps.pipeline.buildArchive({ app, user: userOf(request), buildpacks: buildpacks?.length ? buildpacks : undefined, ...order })));
    } catch (error) {
      order.refused();
      throw error;
    }
  });

  api.get<ById>("/apps/:app/builds/:build", { schema: { summary: "One build" } }, async (request) => view(request, appOf(request), find(request)));

  api.delete<ById>("/apps/:app/builds/:build", { schema: { summary: "Cancel a build that runs, a push's too" } }, async (request) => {
    await deps.pipeline.cancelBuild(find(request), userOf(request));
    return view(request, appOf(request), find(request));
  });

  // Heroku answers what has nothing to show with 202 and an empty object.
  api.delete("/apps/:app/build-cache", { schema: { summary: "Have the next build make everything anew" } }, async (request, reply) => {
    await deps.pipeline.purgeBuildCache(appOf(request));
    return reply.code(202).send({});
  });

  function find(request: FastifyRequest): Build {
    const build = store.builds.find((request.params as { build: string }).build);
    if (build?.appId !== appOf(request).id) throw notFound("build");
    return build;
  }
}
