/** The port to whatever runs containers. Nothing outside this folder knows of containers: it sees dynos, builds and images. */

import type { Readable } from "node:stream";
import type { ConfigVars } from "../domain/model.ts";

/** Takes text as a program prints it. */
export type Output = { write(text: string): void };

export type DynoSpec = {
  appId: string;
  appName: string;
  /** Process type, or `release` / `run` for one-off dynos. */
  type: string;
  number: number;
  releaseVersion: number;
  image: string;
  command: string;
  /** The whole environment: config vars, PORT, DYNO … */
  env: ConfigVars;
  memoryMb: number;
  /** Two dynos of one fingerprint are interchangeable: same slug, config and command. */
  fingerprint: string;
};

export type Dyno = {
  /** Unique for ever. */
  id: string;
  appId: string;
  /** Such as `web.1`. */
  name: string;
  type: string;
  number: number;
  releaseVersion: number;
  fingerprint: string;
  command: string;
  running: boolean;
  /** Where the host reaches it; undefined once it does not run. */
  address: string | undefined;
  createdAt: string;
};

export type Exit = { code: number; outOfMemory: boolean };

export type BuildSpec = {
  buildId: string;
  appId: string;
  commit: string;
  stack: string;
  config: ConfigVars;
  /** A tar stream of the tree. */
  source: Readable;
  memoryMb: number;
};

/** What came out of a build container. `image` is set when it succeeded. */
export type BuildOutcome = {
  exit: Exit;
  image: string | undefined;
  sizeBytes: number;
  /** Files that the build left for the control plane, by name: buildpack, release.yml, Procfile … */
  files: Map<string, Buffer>;
};

export type Engine = {
  /** @throws AppError engine_unavailable */
  ping(): Promise<void>;
  /** Prepares what every build and dyno stands on: firewall, route, build image. Idempotent. */
  prepare(onProgress: (line: string) => void): Promise<void>;

  /** Creates and starts a dyno. What was created of one that fails to start is removed. */
  startDyno(spec: DynoSpec): Promise<Dyno>;
  /** All formation dynos of the app (all apps when not given), running or not. */
  dynos(appId?: string): Promise<Dyno[]>;
  /** Resolves when the dyno has stopped, at once when it has already. */
  waitForExit(dynoId: string, signal?: AbortSignal): Promise<Exit>;
  /** The last lines that the dyno printed, oldest first. */
  lastLines(dynoId: string, count: number): Promise<string[]>;
  /** Runs a command inside; resolves with its exit code and output (at most 64 KiB). */
  execute(dynoId: string, command: string[], timeoutMs: number): Promise<{ code: number; output: string }>;
  /** SIGTERM, `graceMs`, SIGKILL, remove. Idempotent. Resolves with whether SIGKILL was needed. */
  discardDyno(dynoId: string, graceMs: number): Promise<{ killed: boolean }>;
  /** Runs a one-off dyno to its end, its output live, and removes it. */
  runOnce(spec: DynoSpec, output: Output, timeoutMs: number, signal?: AbortSignal): Promise<Exit & { timedOut: boolean }>;
  /** Builds in a fresh container, its output live. Nothing but the image is left. */
  build(spec: BuildSpec, output: Output, timeoutMs: number, stopwatch: { lap(stage: string): void }, signal?: AbortSignal): Promise<BuildOutcome & { timedOut: boolean }>;

  /** Free space where images and dynos are kept; undefined where that cannot be seen from here. */
  freeDiskBytes(): Promise<number | undefined>;
  imageExists(image: string): Promise<boolean>;
  /** Idempotent; an image that a container still uses stays and is tried again by the next sweep. */
  removeImage(image: string): Promise<void>;
  /** Removes network, cache and dynos of an app that is no more. Idempotent. */
  removeApp(appId: string): Promise<void>;
  /** Removes what is left of work that a crash cut off: builds, one-off dynos, and the networks and volumes of other apps than these. Only while no work is under way. */
  sweep(appIds: Set<string>): Promise<void>;
  /** Removes builds and dynos whose removal failed while the engine was away. Safe at any time. */
  removeLate(): Promise<void>;
  /** Removes the slugs' images that nobody knows, neither by themselves nor by the builds that made them. False where a container still uses one. Safe at any time. */
  sweepImages(isKnown: (image: string, buildIds: string[]) => boolean): Promise<boolean>;
  /** Calls back for each formation dyno that stops, and whenever it begins to listen, again too (`undefined`: look at everything). Returns a stop function. */
  watch(onStopped: (stopped: { appId: string; dynoId: string } | undefined) => void): () => void;
};
