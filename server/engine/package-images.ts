/** The build image with Debian packages on top: one image a list, for the buildpacks that need more than the stack has. */

import type Dockerode from "dockerode";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../errors.ts";
import { BUILDPACKS, DYNO_USER } from "./build-image.ts";
import { isStatus, unlessGone, within } from "./docker-call.ts";
import { confinement, untilExit } from "./dynos.ts";
import { exitCode } from "./exit-code.ts";
import { LABEL, labels } from "./naming.ts";
import { demultiplex } from "./streams.ts";

const REPOSITORY = "paas-packages";
/** On the image: the build image that it stands on. */
export const PACKAGES_ON = "paas.packages-on";
const INSTALL = "/opt/paas/bin/install-packages";
/** Raise it when the images are to be put together in another way. */
const RECIPE = 1;
/** A folder of ours. What a build says of its choice may be any word. */
const OWN = /^[a-z][a-z0-9-]*$/;
const PACKAGE_NAME = /^[a-z0-9][a-z0-9+.-]+$/;
/** What dpkg needs of root's powers. */
const CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "SETFCAP", "SETGID", "SETUID"];
const MEMORY_MB = 1024;
const CALL_MS = 30_000;
const COMMIT_MS = 300_000;
const INSTALL_MS = 15 * 60_000;

/** Where an image is made: for which installation's app (a crash leaves nothing), and over which network the packages come. */
export type MakingPlace = { instance: string; appId: string; network: string };

export type PackageImages = {
  /** Whether a buildpack has a packages.txt. */
  wantsPackages(buildpack: string): boolean;
  /** The image for builds with these buildpacks: `base` itself where they need no packages, undefined where it is yet to be made. */
  find(base: string, buildpacks: string[]): Promise<string | undefined>;
  /**
   * The same, made first where the engine lacks it; builds that ask for it meanwhile wait for the same making.
   * @param onMaking called before the wait @throws AppError build_failed when the packages could not be installed, engine_unavailable
   */
  ensure(base: string, buildpacks: string[], place: MakingPlace, onMaking: () => void): Promise<string>;
  /** Forgets images whose build image is no more. Their layers stay as long as a slug stands on them: the engine sees to that. */
  prune(): Promise<void>;
};

/** @param folder where the buildpacks lie, each with its packages.txt if it has one */
export function createPackageImages(docker: Dockerode, folder = BUILDPACKS): PackageImages {
  const making = new Map<string, Promise<void>>();
  const exists = async (reference: string): Promise<boolean> => (await unlessGone(within(CALL_MS, "inspect image", docker.getImage(reference).inspect()))) !== undefined;

  return {
    wantsPackages: (buildpack) => packagesOf(folder, [buildpack]).length > 0,

    async find(base, buildpacks) {
      const packages = packagesOf(folder, buildpacks);
      if (packages.length === 0) return base;
      const reference = referenceOf(base, packages);
      return (await exists(reference)) ? reference : undefined;
    },

    async ensure(base, buildpacks, place, onMaking) {
      const packages = packagesOf(folder, buildpacks);
      const reference = referenceOf(base, packages);
      if (packages.length === 0) return base;
      if (await exists(reference)) return reference;
      onMaking();
      const made = making.get(reference) ?? make(docker, base, reference, packages, place).finally(() => making.delete(reference));
      making.set(reference, made);
      await made;
      return reference;
    },

    async prune() {
      const images = await within(CALL_MS, "list images", docker.listImages({ filters: { reference: [REPOSITORY] } }));
      for (const { Labels, RepoTags } of images) {
        if (await exists(Labels?.[PACKAGES_ON] ?? "")) continue;
        // One that another installation forgets at the same time, or builds in, is left to it.
        await Promise.allSettled((RepoTags ?? []).map((tag) => docker.getImage(tag).remove()));
      }
    },
  };
}

/** What these buildpacks' packages.txt ask for together: sorted, each once. A name that is no buildpack of ours asks for nothing. */
function packagesOf(folder: string, buildpacks: string[]): string[] {
  const packages = buildpacks.filter((name) => OWN.test(name)).flatMap((buildpack) => {
    const lines = readList(join(folder, buildpack, "packages.txt")).split("\n");
    return lines.map((line) => line.replace(/#.*/, "").trim()).filter((line) => line !== "");
  });
  const wrong = packages.find((name) => !PACKAGE_NAME.test(name));
  if (wrong !== undefined) throw new Error(`packages.txt of ${buildpacks.join(", ")}: ${JSON.stringify(wrong)} is not the name of a Debian package`);
  return [...new Set(packages)].sort();
}

function readList(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

function referenceOf(base: string, packages: string[]): string {
  return `${REPOSITORY}:${createHash("sha256").update(JSON.stringify([RECIPE, base, packages])).digest("hex").slice(0, 12)}`;
}

async function make(docker: Dockerode, base: string, reference: string, packages: string[], { instance, appId, network }: MakingPlace): Promise<void> {
  const container = await within(CALL_MS, "create package installation", docker.createContainer({
    Image: base,
    Cmd: [INSTALL, ...packages],
    User: "0:0",
    Labels: labels(instance, "build", appId),
    HostConfig: { ...confinement(MEMORY_MB), CapAdd: CAPABILITIES, CpuShares: 128, NetworkMode: network },
  }));
  try {
    await within(CALL_MS, "start package installation", container.start());
    const { exit, timedOut } = await untilExit(container, async () => ({ code: await exitCode(container), outOfMemory: false }), INSTALL_MS);
    if (exit.code !== 0) throw new AppError("build_failed", `${timedOut ? "Installing Debian packages took too long" : "Debian packages could not be installed"} (${packages.join(" ")}): ${await lastWords(container)}\nThis machine must reach Debian's packages; push again when it does.`);
    const [repo, tag] = reference.split(":");
    // Whatever runs in this image must not take over the labels of the container that it was made in.
    const neutral = [LABEL.instance, LABEL.kind, LABEL.app].map((label) => `LABEL ${label}=`);
    const changes = [...neutral, `LABEL ${PACKAGES_ON}=${base}`, `USER ${DYNO_USER}`, "CMD []"];
    await within(COMMIT_MS, "commit packages", container.commit({ repo, tag, changes: changes.join("\n") }));
  } finally {
    await container.remove({ force: true, v: true }).catch((error: unknown) => {
      if (!isStatus(error, 404)) throw error;
    });
  }
}

async function lastWords(container: Dockerode.Container): Promise<string> {
  const said = await within(CALL_MS, "read logs", container.logs({ stdout: true, stderr: true, tail: 5 }));
  return demultiplex(said as unknown as Buffer, 4096).trim() || "nothing was said about it";
}
