/** Brings the buildpacks of a build together: ours are in the build image, a folder of the app comes with it, all others are fetched. */

import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { shownBuildpack, type Buildpack } from "../domain/buildpack.ts";
import { AppError } from "../errors.ts";
import type { Fetcher } from "../outbound/fetch.ts";
import type { KeptTrees } from "./kept-trees.ts";

/** Other people's repositories, as git/ reaches them. */
export type RemoteTrees = {
  /** The commit that a branch, a tag or (undefined) the repository itself stands at. @throws AppError invalid_params */
  resolve(url: string, ref: string | undefined, signal: AbortSignal): Promise<string>;
  /** Writes the tree of a commit, or of where the ref has moved to by now, as a tar file. @throws AppError invalid_params */
  fetch(tree: { url: string; ref: string | undefined; commit: string }, file: string, signal: AbortSignal): Promise<void>;
};

/** One buildpack of a build, in one word, with its archive where the build image and the app do not have it. */
export type BuildpackInput = { name: string; archive?: { bytes: number; open(): Readable } };

export type Gathered = {
  inputs: BuildpackInput[];
  /** Lets the archives go. */
  close(): Promise<void>;
};

type Output = { write(text: string): void };

export type Gatherer = ReturnType<typeof createGatherer>;

const MAX_ARCHIVE_BYTES = 128 << 20;

export type GathererOptions = {
  remotes: RemoteTrees;
  fetcher: Fetcher;
  /** The tree of an archive that somebody made, as a tar with nothing in it but files, folders and links. @throws AppError invalid_params */
  readArchive(file: string, signal: AbortSignal): Promise<Readable>;
  /** Where trees of commits stay: the same commit is fetched once. */
  kept: KeptTrees;
};

/** Gives the function that gathers. What it fetches is told in the output. It throws AppError invalid_params naming the buildpack. */
export function createGatherer({ remotes, fetcher, readArchive, kept }: GathererOptions) {
  const fetchOne = async (buildpack: Buildpack & { kind: "git" | "archive" }, output: Output, signal: AbortSignal): Promise<FileHandle> => {
    const shown = shownBuildpack(buildpack);
    if (buildpack.kind === "archive") {
      output.write(`-----> Fetching buildpack ${shown}\n`);
      return kept.once(async (file) => {
        const given = await kept.once(async (raw) => {
          await pipeline(await fetcher.get(buildpack.url, { maxBytes: MAX_ARCHIVE_BYTES, signal }), createWriteStream(raw, { mode: 0o600 }));
          await pipeline(await readArchive(raw, signal), createWriteStream(file, { mode: 0o600 }));
        });
        await given.close();
      });
    }
    const { url, ref } = buildpack;
    const commit = await remotes.resolve(url, ref, signal);
    output.write(`-----> Fetching buildpack ${shown} (${commit.slice(0, 8)})\n`);
    return kept.take(createHash("sha256").update(`${url}\0${commit}`).digest("hex"), (file) => remotes.fetch({ url, ref, commit }, file, signal));
  };

  return async function gather(buildpacks: Buildpack[], output: Output, signal: AbortSignal): Promise<Gathered> {
    const handles: FileHandle[] = [];
    const close = async (): Promise<void> => void (await Promise.all(handles.map((handle) => handle.close())));
    try {
      const inputs: BuildpackInput[] = [];
      for (const buildpack of buildpacks) {
        const name = shownBuildpack(buildpack);
        if (buildpack.kind === "own" || buildpack.kind === "folder") {
          inputs.push({ name });
          continue;
        }
        const handle = await fetchOne(buildpack, output, signal).catch((error: unknown) => {
          throw error instanceof AppError ? new AppError(error.id, `Buildpack ${name}: ${error.message}`, { cause: error.cause }) : error;
        });
        handles.push(handle);
        inputs.push({ name, archive: { bytes: (await handle.stat()).size, open: () => handle.createReadStream({ start: 0, autoClose: false }) } });
      }
      return { inputs, close };
    } catch (error) {
      await close();
      throw error;
    }
  };
}
