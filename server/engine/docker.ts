/** The engine on Docker: puts its parts together, and cleans up after all of them. */

import type Dockerode from "dockerode";
import { statfs } from "node:fs/promises";
import type { Readable } from "node:stream";
import { createBuildCaches } from "./build-caches.ts";
import { ensureBuildImage } from "./build-image.ts";
import { createBuildShare } from "./build-share.ts";
import { createBuildRunner } from "./builds.ts";
import { isStatus, unlessGone, within } from "./docker-call.ts";
import { EngineClient } from "./dockerode.ts";
import { createDynoLogs } from "./dyno-log.ts";
import { createDynos } from "./dynos.ts";
import type { Engine, NextBuild } from "./engine.ts";
import { ensureFirewall } from "./firewall.ts";
import { LABEL, ours } from "./naming.ts";
import { createImageBuilder } from "./image-builds.ts";
import { createNetworks, removeNetwork } from "./networks.ts";
import { createOneOffs } from "./one-offs.ts";
import { createPackageImages } from "./package-images.ts";
import { createRemover } from "./remover.ts";
import { ensureUnreachableRoute } from "./unreachable-route.ts";
import { createStageImages } from "./stage-images.ts";
import { lines } from "./streams.ts";
import { createTestRunner } from "./test-runs.ts";
import { createSandboxes } from "./sandboxes.ts";
import { slugBase } from "./slug-base.ts";
import { createUsage } from "./usage.ts";

export type DockerOptions = {
  /** Tells this installation's things from others' on the same engine. */
  instance: string;
  stackImage: string;
  /** Certificates that builds trust, where they are not the host's own. */
  caBundle?: string | undefined;
  networkRange: string;
  /** A port of the host that apps may reach (firewall.ts). */
  openPort: number | undefined;
  /** Sandboxes that may wait for builds to come. */
  buildsAhead?: number;
  onWarning(message: string, error: unknown): void;
};

/** Kinds of containers that a restart of the control plane does not end. */
const OUTLIVING = new Set(["dyno", "detached"]);
const CALL_MS = 30_000;
const PREPARE_MS = 300_000;
const RECONNECT_MS = 1000;

/** Docker Engine at DOCKER_HOST or the default socket. */
export function createDockerEngine(options: DockerOptions): Engine {
  const docker = new EngineClient();
  const { instance, networkRange } = options;
  let buildImage: string | undefined;
  let rootDir: string | undefined;
  const preparedImage = (): string => {
    if (buildImage === undefined) throw new Error("the engine was not prepared");
    return buildImage;
  };
  const logs = createDynoLogs(docker, instance);
  const remover = createRemover(docker, logs);
  const dynos = createDynos(docker, instance, remover, logs.started);
  const oneOffs = createOneOffs(docker, instance, remover, dynos.waitForExit, logs.started);
  const packageImages = createPackageImages(docker);
  const share = createBuildShare(docker);
  const sandboxes = createSandboxes(docker, instance, remover, share, options.buildsAhead ?? 0);
  const runBuild = createBuildRunner(docker, instance, packageImages, sandboxes, remover, share);
  const caches = createBuildCaches(docker, instance);
  const stages = createStageImages(docker, instance, caches);
  const buildOwnImage = createImageBuilder(docker, instance, stages, share);
  const runTests = createTestRunner(docker, instance, remover, dynos.waitForExit, share);
  const makeBuildImage = async (onProgress: (line: string) => void): Promise<void> => {
    buildImage = await within(PREPARE_MS, "make the build image", ensureBuildImage(docker, { stackImage: options.stackImage, caBundle: options.caBundle, onProgress }));
  };
  const network = createNetworks(docker, instance, networkRange);

  const list = (kind?: Parameters<typeof ours>[1], appId?: string): Promise<Dockerode.ContainerInfo[]> =>
    within(CALL_MS, "list containers", docker.listContainers({ all: true, filters: ours(instance, kind, appId) }));
  const removeVolume = (name: string): Promise<unknown> => unlessGone(within(CALL_MS, "remove volume", docker.getVolume(name).remove()));

  const engine: Engine = {
    ...dynos,
    ...oneOffs,
    followLogs: logs.followLogs,
    usage: createUsage(docker),

    async ping() {
      await within(5000, "ping", docker.ping());
    },

    async prepare(onProgress) {
      await ensureUnreachableRoute(networkRange);
      await ensureFirewall(options.openPort).catch((error: unknown) => options.onWarning("the firewall rules around dynos are not in force", error));
      await share.ensure();
      await makeBuildImage(onProgress);
      await packageImages.prune();
    },

    startDyno: (spec) => dynos.startDyno(spec, network(spec.appId)),
    async attachOneOff(spec, terminal) {
      await network(spec.appId);
      return oneOffs.attachOneOff(spec, terminal);
    },
    async startDetached(spec) {
      await network(spec.appId);
      return oneOffs.startDetached(spec);
    },
    async runOnce(spec, ...rest) {
      await network(spec.appId);
      return dynos.runOnce(spec, ...rest);
    },
    async runTests(spec, ...rest) {
      await network(spec.appId, "test");
      // Tests take longer than what is left of the build takes to go.
      const [ended] = await Promise.all([runTests(spec, ...rest), sandboxes.discardRetired({ slug: spec.image })]);
      return ended;
    },
    async build(given, ...rest) {
      const spec = { ...given, lastImage: await caches.usable(given.appId, given.lastImage) };
      const ahead = await sandboxes.take(spec, sandboxKey(preparedImage(), spec));
      if (ahead) return runBuild(preparedImage(), ahead, spec, ...rest);
      await network(spec.appId, spec.purpose);
      // Another installation's upgrade, or an operator, may have removed it.
      if (!(await engine.imageExists(preparedImage()))) await makeBuildImage(() => undefined);
      return runBuild(preparedImage(), undefined, spec, ...rest);
    },
    async prepareBuild(next) {
      const { appId, purpose, memoryMb, lastBuildpacks } = next;
      // Away: there is nothing to prepare either.
      const lastImage = await caches.usable(appId, next.lastImage).catch(() => undefined);
      await sandboxes.prepare(next, sandboxKey(preparedImage(), { ...next, lastImage }), async () => {
        await network(appId, purpose);
        const base = await slugBase(docker, lastImage, preparedImage());
        return { appId, purpose, memoryMb, base, image: (base?.keeps ? base.image : undefined) ?? (await packageImages.find(preparedImage(), lastBuildpacks)) ?? preparedImage() };
      });
    },
    discardPrepared: () => sandboxes.discardAll(),
    async buildImage(spec, ...rest) {
      await network(spec.appId);
      return buildOwnImage(spec, ...rest);
    },

    async imageExists(image) {
      return (await unlessGone(within(CALL_MS, "inspect image", docker.getImage(image).inspect()))) !== undefined;
    },
    async removeImage(image) {
      await sandboxes.discardRetired({ slug: image });
      await stages.forgetOf(image);
      await removeImage(docker, image);
    },

    async freeDiskBytes() {
      rootDir ??= ((await within(CALL_MS, "info", docker.info())) as { DockerRootDir: string }).DockerRootDir;
      const stats = await statfs(rootDir).catch(() => undefined);
      return stats && stats.bavail * stats.bsize;
    },

    async removeApp(appId) {
      await sandboxes.forget(appId);
      await Promise.all((await list(undefined, appId)).map(({ Id }) => remover.remove(Id)));
      const networks = await within(CALL_MS, "list networks", docker.listNetworks({ filters: ours(instance, "network", appId) }));
      await Promise.all(networks.map(({ Id }) => removeNetwork(docker, Id)));
      await caches.remove(appId);
    },

    async purgeBuildCache(appId) {
      await sandboxes.discard(appId);
      const builds = (await Promise.all([list("build", appId), list("sandbox", appId)])).flat();
      await Promise.all(builds.map(({ Id }) => remover.remove(Id)));
      await caches.renew(appId);
    },

    async sweep(appIds) {
      const [containers, networks, { Volumes }] = await within(CALL_MS, "look for leftovers", Promise.all([
        list(),
        docker.listNetworks({ filters: ours(instance, "network") }),
        docker.listVolumes({ filters: ours(instance, "cache") }),
      ]));
      const orphan = (labelled: Record<string, string> | undefined): boolean => !appIds.has(labelled?.[LABEL.app] ?? "");
      await Promise.all(containers.filter(({ Labels }) => !OUTLIVING.has(Labels[LABEL.kind] ?? "") || orphan(Labels)).map(({ Id }) => remover.remove(Id)));
      await Promise.all(networks.filter(({ Labels }) => orphan(Labels)).map(({ Id }) => removeNetwork(docker, Id)));
      await Promise.all((Volumes ?? []).filter(({ Labels }) => orphan(Labels)).map(({ Name }) => removeVolume(Name)));
    },

    removeLate: () => remover.removeLate(),

    async sweepImages(isKnown) {
      const slugs = await within(CALL_MS, "list slugs", docker.listImages({ filters: ours(instance, "slug") }));
      const buildIds = (tags: string[] | undefined): string[] => (tags ?? []).map((tag) => tag.split(":").at(-1) ?? "");
      const known = new Set(slugs.filter(({ Id, RepoTags }) => isKnown(Id, buildIds(RepoTags))).flatMap(({ RepoTags }) => buildIds(RepoTags)));
      await stages.sweep((buildId) => known.has(buildId) || isKnown("", [buildId]));
      const removed = await Promise.all(slugs.filter(({ Id, RepoTags }) => !isKnown(Id, buildIds(RepoTags))).map(({ Id }) => removeImage(docker, Id)));
      return removed.every((gone) => gone);
    },

    watch: (onStopped) => watchStops(docker, instance, onStopped),
  };
  return engine;
}

/** What decides in which image a build begins. */
const sandboxKey = (buildImage: string, { lastImage, lastBuildpacks, memoryMb }: NextBuild): string => JSON.stringify([buildImage, lastImage, lastBuildpacks, memoryMb]);

/** False where a container still uses it. One that slugs stand on loses its name: the engine removes it with the last of them. */
async function removeImage(docker: Dockerode, image: string): Promise<boolean> {
  const remove = (name: string): Promise<unknown> => unlessGone(within(CALL_MS, "remove image", docker.getImage(name).remove({ force: false })));
  try {
    await remove(image);
    return true;
  } catch (error) {
    if (!isStatus(error, 409)) throw error;
    if (!String(error).includes("dependent child images")) return false;
    const { RepoTags } = (await unlessGone(within(CALL_MS, "inspect image", docker.getImage(image).inspect()))) ?? { RepoTags: [] };
    await Promise.all(RepoTags.map(remove));
    return true;
  }
}

/** Follows the engine's events; a stream that ends is opened again, and whoever listens looks at everything once. */
function watchStops(docker: Dockerode, instance: string, onStopped: Parameters<Engine["watch"]>[0]): () => void {
  const stop = new AbortController();
  const filters = JSON.stringify({ ...ours(instance, "dyno"), type: ["container"], event: ["die"] });
  void (async () => {
    while (!stop.signal.aborted) {
      try {
        const events = (await docker.getEvents({ filters })) as Readable;
        stop.signal.addEventListener("abort", () => events.destroy(), { once: true });
        if (stop.signal.aborted) events.destroy();
        onStopped(undefined);
        for await (const line of lines(events)) {
          const event = JSON.parse(line) as { Actor?: { ID?: string; Attributes?: Record<string, string> } };
          const appId = event.Actor?.Attributes?.[LABEL.app];
          const dynoId = event.Actor?.ID;
          if (appId && dynoId) void untilShownStopped(docker, dynoId).then(() => onStopped({ appId, dynoId }));
        }
      } catch {
        // Away or cut off: the next round finds out.
      }
      if (!stop.signal.aborted) await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
    }
  })();
  return () => stop.abort();
}

/** The event comes before the engine's own list shows the dyno as stopped: whoever looked at once would find it running. */
async function untilShownStopped(docker: Dockerode, dynoId: string): Promise<void> {
  const until = performance.now() + CALL_MS;
  for (let wait = 5; performance.now() < until; wait = Math.min(wait * 2, 250)) {
    const [shown] = await within(CALL_MS, "look at dyno", docker.listContainers({ all: true, filters: { id: [dynoId] } })).catch(() => []);
    if (shown?.State !== "running") return;
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}
