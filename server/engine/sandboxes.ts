/**
 * Containers for builds. One may be started ahead for an app that was just pushed: it waits for its build on its standard input, knowing
 * nothing of it, is used once or thrown away, and never serves another app.
 */

import type Dockerode from "dockerode";
import { DYNO_USER } from "./build-image.ts";
import type { BuildShare } from "./build-share.ts";
import { within } from "./docker-call.ts";
import { confinement, pipeText } from "./dynos.ts";
import type { Output } from "./engine.ts";
import { buildName, cacheName, labels, networkName } from "./naming.ts";
import type { Remover } from "./remover.ts";
import type { SlugBase } from "./slug-base.ts";

const CALL_MS = 30_000;
/** For as long as somebody is likely to push again. */
const LONGEST_WAIT_MS = 5 * 60_000;
/** Longer than a dyno's start takes on a busy machine. */
const LONGEST_RETIREMENT_MS = 10_000;

export type SandboxSpec = {
  appId: string;
  purpose?: "test" | undefined;
  image: string;
  /** Of the app's slugs. Where it is that image, dependencies in it are to be kept (buildpacks/keep). */
  base: SlugBase | undefined;
  memoryMb: number;
};

export type Sandbox = {
  spec: SandboxSpec;
  container: Dockerode.Container;
  stdin: NodeJS.ReadWriteStream;
  /** From now on what it prints goes there. */
  listen(output: Output): void;
  /** Resolves when all that it printed has arrived. */
  ended: Promise<void>;
};

/** What one is for: an app's releases, or its tests. */
export type Purpose = Pick<SandboxSpec, "appId" | "purpose">;

export type Sandboxes = {
  start(spec: SandboxSpec): Promise<Sandbox>;
  /** Starts one ahead. @param key what must be unchanged for its use @param choose gives the spec */
  prepare(purpose: Purpose, key: string, choose: () => Promise<SandboxSpec>): Promise<void>;
  /** The one that waits under this key, if it still runs. One under another key is thrown away. */
  take(purpose: Purpose, key: string): Promise<Sandbox | undefined>;
  /** Throws away those that wait for that app. */
  discard(appId: string): Promise<void>;
  /** One whose build has succeeded: it goes when the app's next dyno has started, for the engine does one thing at a time with networks; or soon, where none starts. */
  retire(sandbox: Sandbox, slug: string): void;
  /** Throws away those of an app, or of a slug, that were retired. */
  discardRetired(of: { appId: string } | { slug: string }): Promise<void>;
  /** Throws all away, and starts none ahead from now on. */
  discardAll(): Promise<void>;
  /** Throws away those of an app that is no more; none is started for it from now on. */
  forget(appId: string): Promise<void>;
};

type Waiting = { key: string; sandbox: Promise<Sandbox | undefined>; timer: NodeJS.Timeout };

/** @param most may wait at a time; some 12 MB each */
export function createSandboxes(docker: Dockerode, instance: string, remover: Remover, share: BuildShare, most: number): Sandboxes {
  // In the order in which they were started, by app and purpose.
  const waiting = new Map<string, Waiting>();
  const slotOf = ({ appId, purpose }: Purpose): string => `${appId} ${purpose ?? "release"}`;
  /** Apps that are no more: their last push may still be about to prepare for the next one. */
  const gone = new Set<string>();
  const retired = new Map<Sandbox, { slug: string; timer: NodeJS.Timeout }>();
  let closed = false;

  async function start(spec: SandboxSpec, kind: "build" | "sandbox" = "build"): Promise<Sandbox> {
    const container = await within(CALL_MS, "create build", docker.createContainer(containerOf(instance, spec, kind, share)));
    try {
      const stdin = await within(CALL_MS, "attach to build", container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true }));
      let output: Output | undefined;
      let early = "";
      const ended = pipeText(stdin as never, (text) => (output ? output.write(text) : (early += text)));
      await within(CALL_MS, "start build", container.start());
      const listen = (to: Output): void => {
        output = to;
        to.write(early);
      };
      return { spec, container, stdin, listen, ended };
    } catch (error) {
      await remover.remove(container.id).catch(() => undefined);
      throw error;
    }
  }

  const discard = async (appId: string): Promise<void> => void (await Promise.all([slotOf({ appId }), slotOf({ appId, purpose: "test" })].map(empty)));

  async function empty(slot: string): Promise<void> {
    const found = waiting.get(slot);
    if (!found) return;
    waiting.delete(slot);
    clearTimeout(found.timer);
    const sandbox = await found.sandbox;
    if (sandbox) await discardOne(sandbox);
  }

  async function discardOne(sandbox: Sandbox): Promise<void> {
    clearTimeout(retired.get(sandbox)?.timer);
    retired.delete(sandbox);
    // What fails is tried again by removeLate().
    await remover.remove(sandbox.container.id).catch(() => undefined);
  }

  async function discardRetired(of: { appId: string } | { slug: string }): Promise<void> {
    const found = [...retired].filter(([{ spec }, { slug }]) => ("slug" in of ? slug === of.slug : spec.appId === of.appId));
    await Promise.all(found.map(([sandbox]) => discardOne(sandbox)));
  }

  return {
    start,

    retire: (sandbox, slug) => void retired.set(sandbox, { slug, timer: setTimeout(() => void discardOne(sandbox), LONGEST_RETIREMENT_MS).unref() }),

    discardRetired,

    async prepare(purpose, key, choose) {
      const { appId } = purpose;
      const slot = slotOf(purpose);
      void discardRetired({ appId });
      await empty(slot);
      if (most === 0 || closed || gone.has(appId)) return;
      const [oldest] = waiting.keys();
      if (waiting.size >= most && oldest !== undefined) void empty(oldest);
      const sandbox = choose().then((spec) => (gone.has(appId) ? undefined : start(spec, "sandbox"))).catch(() => undefined);
      const timer = setTimeout(() => void empty(slot), LONGEST_WAIT_MS).unref();
      waiting.set(slot, { key, sandbox, timer });
      const started = await sandbox;
      // Its end while it waits: it was killed, or the engine went away.
      void started?.ended.then(() => (waiting.get(slot)?.sandbox === sandbox ? empty(slot) : undefined));
    },

    async take(purpose, key) {
      const slot = slotOf(purpose);
      const found = waiting.get(slot);
      if (found?.key !== key) {
        void empty(slot);
        return undefined;
      }
      waiting.delete(slot);
      clearTimeout(found.timer);
      return found.sandbox;
    },

    discard,

    async discardAll() {
      closed = true;
      await Promise.all([...[...waiting.keys()].map(empty), ...[...retired.keys()].map(discardOne)]);
    },

    async forget(appId) {
      gone.add(appId);
      await discard(appId);
    },
  };
}

function containerOf(instance: string, { appId, purpose, image, base, memoryMb }: SandboxSpec, kind: "build" | "sandbox", share: BuildShare): Dockerode.ContainerCreateOptions {
  return {
    name: buildName(instance, appId),
    Image: image,
    Cmd: ["/opt/paas/bin/build"],
    Env: ["HOME=/app", ...(base?.image === image ? ["PAAS_KEEP=1"] : [])],
    User: DYNO_USER,
    WorkingDir: "/app",
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    Labels: labels(instance, kind, appId),
    HostConfig: {
      ...confinement(memoryMb),
      PidsLimit: 2048,
      ...share.limits(),
      NetworkMode: networkName(instance, appId, purpose),
      Mounts: [{ Type: "volume", Source: cacheName(instance, appId), Target: "/cache", VolumeOptions: { NoCopy: false, Labels: labels(instance, "cache", appId), DriverConfig: { Name: "local", Options: {} } } }],
    },
  } as Dockerode.ContainerCreateOptions;
}
