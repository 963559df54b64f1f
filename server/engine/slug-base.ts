/**
 * The slug whose layer an app's later builds use: what it declared to keep stays in it, and what else a build makes as it is there is not
 * committed again. A slug is never more than one layer above it, and it never more than one above a clean image.
 */

import type Dockerode from "dockerode";
import { unlessGone, within } from "./docker-call.ts";
import type { Output } from "./engine.ts";
import { LABEL } from "./naming.ts";
import { PACKAGES_ON } from "./package-images.ts";

/** buildpacks/build ends so, before anything is compiled, when what was kept does not fit the source. */
export const START_OVER = 69;
/** Words that buildpacks/differences says of a slug: its differences to the one below are to be committed; dependencies may stay; it has a note of its contents. */
export const AMENDS = "amends";
const KEEPS = "dependencies";
const NOTED = "contents";
const CALL_MS = 30_000;

type Image = { Id: string; Parent: string; Config: { Labels?: Record<string, string> | null } };

export type SlugBase = {
  image: string;
  /** The id of the clean image that it stands on. */
  on: string;
  /** Builds begin on it, with its dependencies there (buildpacks/keep). */
  keeps: boolean;
  /** A build that began on it, or on what it stands on, can tell its differences to it (buildpacks/differences). */
  noted: boolean;
};

/**
 * The slug whose layer is of use to the next build; undefined where there is none: nothing was declared and it is small, or the clean image is
 * another by now.
 * @param slug the app's last one
 * @param buildImage which one builds stand on now, whether or not with packages on top
 */
export async function slugBase(docker: Dockerode, slug: string | undefined, buildImage: string): Promise<SlugBase | undefined> {
  const look = async (image: string): Promise<Image | undefined> => (image === "" ? undefined : unlessGone(within(CALL_MS, "inspect image", docker.getImage(image).inspect())));
  const [clean, last] = await Promise.all([look(buildImage), look(slug ?? "")]);
  for (let image = last; clean && image && isSlug(image); ) {
    const below = await look(image.Parent);
    if (below && !isSlug(below)) {
      const words = (image.Config.Labels?.[LABEL.base] ?? "").split(" ");
      const base = { image: image.Id, on: below.Id, keeps: words.includes(KEEPS), noted: words.includes(NOTED) };
      return (base.keeps || base.noted) && isClean(below, clean, buildImage) ? base : undefined;
    }
    image = below;
  }
  return undefined;
}

const isSlug = ({ Config }: Image): boolean => Config.Labels?.[LABEL.kind] === "slug";
const isClean = (image: Image, buildImage: Image, name: string): boolean => image.Id === buildImage.Id || image.Config.Labels?.[PACKAGES_ON] === name;

/** An output for what begins again, so that nothing is read twice: lines of the second time are left out while they repeat the first time's. */
export function saidOnce(output: Output): { first: Output; again: Output } {
  let said = "";
  let pending = "";
  let repeating = true;
  return {
    first: {
      write(text) {
        said += text;
        output.write(text);
      },
    },
    again: {
      write(text) {
        if (!repeating) return output.write(text);
        pending += text;
        for (let end = pending.indexOf("\n"); repeating && end >= 0; end = pending.indexOf("\n")) {
          const line = pending.slice(0, end + 1);
          repeating = said.startsWith(line);
          if (!repeating) break;
          said = said.slice(line.length);
          pending = pending.slice(line.length);
        }
        if (repeating && (pending === "" || said.startsWith(pending))) return;
        repeating = false;
        output.write(pending);
        pending = "";
      },
    },
  };
}
