/** A build runs in the image that has its buildpacks' packages: which those are may only show in the build container. */

import { AppError } from "../errors.ts";
import type { Output } from "./engine.ts";
import type { MakingPlace, PackageImages } from "./package-images.ts";

/** buildpacks/build ends so, before anything is compiled, when its image does not have the packages of the buildpacks that it chose. */
export const OTHER_IMAGE = 67;

/** What is looked at of a run's end: how it ended, and what it left in /opt/paas/out by name. */
type Run = { exit: { code: number }; files: Map<string, Buffer> };

/**
 * Runs a build in the image of the likely buildpacks, where the engine has it, or else in the build image; and once more where that turns out
 * to be the wrong one, with the choice made and without a line said twice.
 * @param run runs buildpacks/build in an image, with these variables besides its own
 * @throws AppError build_failed when packages could not be installed, engine_unavailable; and what `run` throws
 */
export async function inRightImage<T extends Run>(
  images: PackageImages, base: string, likely: string[], place: MakingPlace, output: Output, signal: AbortSignal | undefined,
  run: (image: string, resumption: Record<string, string>) => Promise<T>,
): Promise<T> {
  const ended = await run((await images.find(base, likely)) ?? base, {});
  if (ended.exit.code !== OTHER_IMAGE || ended.files.size === 0) return ended;
  const chosen = chosenBuildpacks(ended.files);
  const inNeed = chosen.filter(({ buildpack }) => images.wantsPackages(buildpack));
  const made = images.ensure(base, chosen.map(({ buildpack }) => buildpack), place, () => {
    output.write(`-----> Installing the packages of the ${inNeed.map(({ name }) => name).join(" and ")} buildpack${inNeed.length > 1 ? "s" : ""} (once per machine)...\n`);
  });
  const image = await unlessAborted(made, signal);
  return run(image, { PAAS_BUILDPACKS: chosen.map(({ buildpack }) => buildpack).join(" "), PAAS_RESUMED: "1" });
}

/** Which buildpacks a build chose, in order, and what they call themselves: a line each of `chosen`. */
export function chosenBuildpacks(files: Map<string, Buffer>): { buildpack: string; name: string }[] {
  const lines = (files.get("chosen")?.toString("utf8") ?? "").split("\n");
  return lines.flatMap((line) => {
    const [, buildpack = "", name = ""] = /^(\S+) (.+)$/.exec(line) ?? [];
    return buildpack === "" ? [] : [{ buildpack, name }];
  });
}

/** Others may wait for the same image: it is made all the same. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const interrupted = new Promise<never>((_resolve, reject) => {
    const stop = (): void => reject(new AppError("build_failed", "The build was interrupted."));
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop, { once: true });
  });
  return Promise.race([work, interrupted]);
}
