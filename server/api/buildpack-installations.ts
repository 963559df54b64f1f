import type { FastifyInstance } from "fastify";
import { buildpackRef, MAX_BUILDPACK_LENGTH, MAX_BUILDPACKS, parseBuildpack } from "../domain/buildpack.ts";
import type { App, Slug } from "../domain/model.ts";
import { appOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";

type Ref = { name: string; url: string };

const REPLACE = {
  type: "object", additionalProperties: false, required: ["updates"],
  properties: {
    updates: {
      type: "array", maxItems: MAX_BUILDPACKS,
      items: { type: "object", additionalProperties: false, required: ["buildpack"], properties: { buildpack: { type: "string", minLength: 1, maxLength: MAX_BUILDPACK_LENGTH } } },
    },
  },
};

/** An app's buildpacks (devcenter: platform-api-reference#buildpack-installation): list, replace. No range, like on Heroku. */
export function serveBuildpackInstallations(api: FastifyInstance, { store, pipeline, ownBuildpacks }: ApiDeps): void {
  const own = ownBuildpacks.map(({ folder }) => folder);

  /** Where none is set, the one that was found last: so that one more can be added to it, as Heroku's client does. */
  const refs = (app: App): Ref[] => {
    const set = store.buildpackInstallations.list(app.id);
    if (set.length > 0) return set.map((url) => buildpackRef(parseBuildpack(url, "buildpack", own)));
    const { slugId } = pipeline.current(app);
    const used = slugBuildpacks(slugId === null ? undefined : store.slugs.find(slugId));
    return used.length === 1 ? used.filter(({ url }) => url.startsWith("urn:")) : [];
  };
  const view = (list: Ref[]): { buildpack: Ref; ordinal: number }[] => list.map((buildpack, ordinal) => ({ buildpack, ordinal }));

  api.get("/apps/:app/buildpack-installations", { schema: { summary: "The app's buildpacks, in order" } }, async (request) => view(refs(appOf(request))));

  api.put<{ Body: { updates: { buildpack: string }[] } }>("/apps/:app/buildpack-installations", { schema: { summary: "Set the app's buildpacks, from the next build on", body: REPLACE } }, async (request) => {
    const buildpacks = request.body.updates.map(({ buildpack }, index) => parseBuildpack(buildpack, `updates[${index}].buildpack`, own));
    pipeline.setBuildpacks(appOf(request), buildpacks);
    return view(buildpacks.map(buildpackRef));
  });
}

/** Those that made a slug, as other objects name them: ours by their names, others by what everybody may see of their URLs. */
export function slugBuildpacks(slug: Slug | undefined): Ref[] {
  return (slug?.buildpacks ?? []).map((name) => (/^[a-z]/.test(name) && !name.includes(":") ? buildpackRef({ kind: "own", folder: name }) : { name, url: name }));
}
