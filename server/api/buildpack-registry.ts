import type { FastifyInstance } from "fastify";
import type { OwnBuildpack } from "../buildpacks/own.ts";
import { parseBuildpack, registryName } from "../domain/buildpack.ts";
import { notFound } from "../errors.ts";
import type { ApiDeps } from "./deps.ts";
import { stableId } from "./stable-id.ts";

type Search = { "in[namespace][]"?: string | string[]; "in[name][]"?: string | string[]; "like[description]"?: string };
type Named = { Params: { buildpack: string } };

const LICENSE = "MIT";
const names = { oneOf: [{ type: "string" }, { type: "array", items: { type: "string" } }] };
const SEARCH = { type: "object", properties: { "in[namespace][]": names, "in[name][]": names, "like[description]": { type: "string" } } };

/** The registry that Heroku's client asks for buildpacks (its HEROKU_BUILDPACK_REGISTRY_URL): those of this platform. Nobody needs a token for it. */
export function serveBuildpackRegistry(api: FastifyInstance, { ownBuildpacks }: ApiDeps): void {
  const folders = ownBuildpacks.map(({ folder }) => folder);

  const find = (name: string): OwnBuildpack => {
    const parsed = isName(name) ? parse(name) : undefined;
    const found = ownBuildpacks.find(({ folder }) => parsed?.kind === "own" && folder === parsed.folder);
    if (!found) throw notFound("buildpack");
    return found;
  };
  const parse = (name: string): ReturnType<typeof parseBuildpack> | undefined => {
    try {
      return parseBuildpack(name, "buildpack", folders);
    } catch {
      return undefined;
    }
  };

  api.get<{ Querystring: Search }>("/buildpacks", { schema: { summary: "Search the buildpacks of this platform", querystring: SEARCH } }, async ({ query }) => {
    const namespaces = [query["in[namespace][]"] ?? []].flat();
    const wanted = [query["in[name][]"] ?? []].flat();
    const words = query["like[description]"]?.toLowerCase() ?? "";
    return ownBuildpacks.map(view).filter(({ namespace, name, description }) =>
      (namespaces.length === 0 || namespaces.includes(namespace)) && (wanted.length === 0 || wanted.includes(name)) && description.toLowerCase().includes(words));
  });

  api.get<Named>("/buildpacks/:buildpack", { schema: { summary: "One buildpack of this platform, by namespace/name" } }, async ({ params }) => view(find(params.buildpack)));

  api.get<Named>("/buildpacks/:buildpack/revisions", { schema: { summary: "Its versions: the one that is installed" } }, async ({ params }) => {
    const { folder, changedAt } = find(params.buildpack);
    return [{ id: stableId(`buildpack ${folder} 1`), release: 1, status: "published", license: LICENSE, ref: null, error: null, created_at: changedAt, updated_at: changedAt }];
  });

  api.get<Named>("/buildpacks/:buildpack/readme", { schema: { summary: "What is written about it, in Base64" } }, async ({ params }) => ({ content: Buffer.from(find(params.buildpack).readme).toString("base64"), encoding: "base64" }));
}

function isName(name: string): boolean {
  return /^[\w-]+\/[\w-]+$/.test(name);
}

function view({ folder, description, changedAt }: OwnBuildpack) {
  const [namespace = "", name = ""] = registryName(folder).split("/");
  return {
    id: stableId(`buildpack ${folder}`), namespace, name, description, category: "languages", blob_url: `urn:buildpack:${namespace}/${name}`, logo: null,
    source: { type: "platform", owner: null, repo: null }, support: { method: "website", address: "the operator of this platform" },
    two_factor_authentication: false, created_at: changedAt, updated_at: changedAt,
  };
}
