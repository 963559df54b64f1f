/** Images that the stages of a Dockerfile leave: the next build of the app finds its steps by them. The engine cannot label them, so their names say whose they are. */

import type Dockerode from "dockerode";
import type { BuildCaches } from "./build-caches.ts";
import { isStatus, unlessGone, within } from "./docker-call.ts";
import { LABEL, ours, slugTag } from "./naming.ts";

const CALL_MS = 30_000;
const REPOSITORY = "paas-stage";
/** How many builds back steps are looked for. */
const BUILDS = 3;

export type StageImages = ReturnType<typeof createStageImages>;

export function createStageImages(docker: Dockerode, instance: string, caches: Pick<BuildCaches, "renewedAfter">) {
  const prefix = `${REPOSITORY}:${instance.replaceAll("-", "").slice(0, 12)}-`;
  const references = async (): Promise<string[]> => {
    const images = await within(CALL_MS, "list stages", docker.listImages({ filters: { reference: [REPOSITORY] } }));
    return images.flatMap(({ RepoTags }) => RepoTags ?? []).filter((tag) => tag.startsWith(prefix));
  };
  const buildOf = (reference: string): string => reference.slice(prefix.length).replace(/\.\d+$/, "");
  const forget = (reference: string): Promise<unknown> =>
    unlessGone(within(CALL_MS, "remove stage", docker.getImage(reference).remove())).catch((error: unknown) => {
      // The next build stands on it: it goes with that one.
      if (!isStatus(error, 409)) throw error;
    });

  return {
    /** Names where a stage has come to, and so keeps it until it is forgotten. */
    async keep(buildId: string, stage: number, image: string): Promise<void> {
      const [repo, tag] = `${prefix}${buildId}.${stage}`.split(":") as [string, string];
      await within(CALL_MS, "keep stage", docker.getImage(image).tag({ repo, tag }));
    },
    /** What the app's next build may take steps from: never another app's, whatever the two have in common. */
    async cacheOf(appId: string): Promise<string[]> {
      const [slugs, before] = await Promise.all([within(CALL_MS, "list slugs", docker.listImages({ filters: ours(instance, "slug", appId) })), caches.renewedAfter(appId)]);
      const builds = slugs.filter(({ Created }) => Created > before).sort((a, b) => b.Created - a.Created).slice(0, BUILDS).flatMap(({ RepoTags }) => RepoTags ?? []).map((tag) => tag.split(":").at(-1) ?? "");
      const stages = (await references()).filter((reference) => builds.includes(buildOf(reference)));
      const { repo } = slugTag("");
      // Without any the engine would look among everybody's.
      return [...builds.map((build) => `${repo}:${build}`), ...stages, `${repo}:none`];
    },
    /** Those that belong to the image of a slug. */
    async forgetOf(slug: string): Promise<void> {
      const image = await unlessGone(within(CALL_MS, "inspect image", docker.getImage(slug).inspect()));
      const build = image?.Config.Labels?.[LABEL.build];
      if (build !== undefined) await this.forget(build);
    },
    /** Those of one build. */
    async forget(buildId: string): Promise<void> {
      await Promise.all((await references()).filter((reference) => buildOf(reference) === buildId).map(forget));
    },
    /** Those of builds that nobody knows. */
    async sweep(isKnown: (buildId: string) => boolean): Promise<void> {
      await Promise.all((await references()).filter((reference) => !isKnown(buildOf(reference))).map(forget));
    },
  };
}
