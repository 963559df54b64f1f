/** The port to whatever runs containers. Nothing outside this folder knows of containers: it sees dynos, builds and images. */

import type { Readable } from "node:stream";
import type { ConfigVars } from "../domain/model.ts";
import type { ImageConfig } from "../domain/own-image.ts";

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
  /** The image is the user's own: it runs the command by itself, or what it was made to run. */
  ownImage?: "command" | "default";
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

/** What a dyno uses now; memory in octets. */
export type DynoUsage = {
  /** Since its start. */
  cpuSeconds: number;
  memory: { rss: number; cache: number; swap: number; pagesIn: number; pagesOut: number };
};

/** A line that a dyno printed, or a part of one longer than the engine takes in one piece (16 KiB). */
export type PrintedPiece = {
  /** 1: standard output, 2: standard error. */
  channel: 1 | 2;
  /** When, in UTC with nanoseconds: `2026-11-23T22:14:47.123456789Z`. Within one channel never earlier than the piece before. */
  at: string;
  /** Without the line feed. Only valid during the call. */
  octets: Buffer;
  /** Whether the line ends here. */
  whole: boolean;
};

/** Who reads one dyno's log. Pieces may come again after a connection broke: the reader passes over those that it had. */
export type DynoLogReader = {
  /** The time of the earliest piece that may be unread; undefined: the very beginning. */
  since(): string | undefined;
  take(piece: PrintedPiece): void;
  /** Whether the dyno prints more than may be taken now: it is slowed down as long as that is true. */
  overloaded(): boolean;
  /** The dyno has ended, and all that it printed was taken. Without an exit: it was removed by somebody else. */
  ended(exit: Exit | undefined): void;
  /** The engine has thrown the dyno away: nothing of it can ever come again. */
  removed(): void;
};

export type Terminal = { columns: number; rows: number };

/** A program and the two ends of its wire. */
export type Attached = {
  /** Of the dyno that it runs in. */
  id: string;
  /** It has a terminal, which tells it by itself that its input has ended. */
  terminal: boolean;
  /** What it reads; ended, the program sees the end of its input. */
  input: NodeJS.WritableStream;
  /** What it prints, ended with it. UTF-8, never cut within a character unless a terminal did it. */
  output: NodeJS.ReadableStream;
  /** Its end; the dyno of a one-off is removed by then. */
  exit: Promise<Exit>;
  /** Ends it: the whole of a one-off dyno, only the connection of a program inside another. */
  kill(): Promise<void>;
};

/** One buildpack of a build: the name of one of ours, a folder of the app (`./x`), or the URL of one whose tar archive comes along. */
export type BuildpackInput = { name: string; archive?: { bytes: number; open(): Readable } };

/** What is known of an app's build before it comes. */
export type NextBuild = {
  appId: string;
  /** Of ours, those that made the app's last slug: their packages are likely to be needed again. */
  lastBuildpacks: string[];
  /** The image of the app's last slug: the dependencies in it may be kept as they are. */
  lastImage: string | undefined;
  /** For tests: with what only they need, by the buildpacks' `bin/test-compile`, apart from the app's dynos. */
  purpose?: "test";
  memoryMb: number;
};

export type TestRunSpec = {
  runId: string;
  appId: string;
  /** Of a build for tests. */
  image: string;
  /** The whole environment, with what buildpacks/test takes. */
  env: ConfigVars;
  /** What to run in its place, where the image is the user's own. */
  ownCommand?: string;
  memoryMb: number;
};

export type BuildSpec = NextBuild & {
  buildId: string;
  commit: string;
  stack: string;
  config: ConfigVars;
  /** Opens a tar stream of the tree: more than once where the build turns out to need another image. */
  source(): Readable;
  /** In order, in place of detection; none: those that recognise the source. */
  buildpacks: BuildpackInput[];
};

/** A build from a Dockerfile. */
export type ImageBuildSpec = {
  buildId: string;
  appId: string;
  /** A tar stream of the tree. */
  source: Readable;
  /** Of the tree, the folder that the build sees; empty: all of it. */
  folder: string;
  /** Which of its paths, seen from there, the build sees. */
  sees(path: string): boolean;
  /** Some of its files may be pointers to what Git LFS keeps elsewhere: where the build would see one, it is refused. */
  usesLfs: boolean;
  /** The Dockerfile's path in the folder. */
  dockerfile: string;
  /** The stage to build; undefined: the last. */
  target: string | undefined;
  args: ConfigVars;
  /** The images of registries that it stands on. */
  images: string[];
  memoryMb: number;
};

/** `image` and `config` are set when it succeeded, `failure` is what the builder said otherwise. */
export type ImageBuildOutcome = { image: string | undefined; failure: string | undefined; timedOut: boolean; sizeBytes: number; config: ImageConfig | undefined };

/** What came out of a build container. `image` is set when it succeeded. */
export type BuildOutcome = {
  exit: Exit;
  image: string | undefined;
  /** Of the app's folder. */
  sizeBytes: number;
  /** `SHA256:…` of names, modes and contents in the app's folder: the same for two builds of one commit. */
  checksum: string | undefined;
  /** Of ours, those that took part, in order. */
  buildpacks: string[];
  /** Files that the build left for the control plane, by name: buildpack, chosen, release.yml, checksum, Procfile … */
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
  /**
   * Has everything read that dynos print: formation and one-off dynos, those that exist and each one that is started from now on. A dyno is removed
   * only when its reader had its last words (or did not take them for 5 s).
   * @param open gives a dyno's reader; undefined where nothing of it is to be read any more. @returns a function that stops all
   */
  followLogs(open: (dyno: Dyno) => DynoLogReader | undefined): Promise<() => Promise<void>>;
  /** Undefined where the dyno does not run. */
  usage(dynoId: string): Promise<DynoUsage | undefined>;
  /** The last lines that the dyno printed, oldest first. */
  lastLines(dynoId: string, count: number): Promise<string[]>;
  /** Runs a command inside; resolves with its exit code and output (at most 64 KiB). The signal ends the waiting, as the time limit does. */
  execute(dynoId: string, command: string[], timeoutMs: number, signal?: AbortSignal): Promise<{ code: number; output: string }>;
  /** SIGTERM, `graceMs`, SIGKILL, remove. Idempotent. Resolves with whether SIGKILL was needed. */
  discardDyno(dynoId: string, graceMs: number): Promise<{ killed: boolean }>;
  /** Runs a one-off dyno to its end, its output live, and removes it. */
  runOnce(spec: DynoSpec, output: Output, timeoutMs: number, signal?: AbortSignal): Promise<Exit & { timedOut: boolean }>;
  /** Starts a one-off dyno with its input and output held by the caller; in a terminal of this size, or with pipes. */
  attachOneOff(spec: DynoSpec, terminal: Terminal | undefined): Promise<Attached>;
  /** Starts a command in a dyno that runs. */
  attachInside(dynoId: string, command: string, env: ConfigVars, terminal: Terminal | undefined): Promise<Attached>;
  /** Starts a one-off dyno on its own. @returns its id */
  startDetached(spec: DynoSpec): Promise<string>;
  /** One-off dynos of type `run`, running or not. */
  oneOffs(appId?: string): Promise<Dyno[]>;
  /** Builds in a fresh container, its output live. Nothing but the image is left. */
  build(spec: BuildSpec, output: Output, timeoutMs: number, stopwatch: { lap(stage: string): void }, signal?: AbortSignal): Promise<BuildOutcome & { timedOut: boolean }>;
  /** Runs tests in a fresh container of a test build's image, apart from the app's dynos and its cache, their output live. Nothing is left. */
  runTests(spec: TestRunSpec, output: Output, timeoutMs: number, signal?: AbortSignal): Promise<Exit & { timedOut: boolean }>;

  /** Builds an image from a Dockerfile, its output live. Nothing but the image and the cache for the next one is left. @throws AppError invalid_params, build_failed, engine_unavailable */
  buildImage(spec: ImageBuildSpec, output: Output, timeoutMs: number, stopwatch: { lap(stage: string): void }, signal?: AbortSignal): Promise<ImageBuildOutcome>;

  /** Starts a sandbox for the app's next build ahead, so that it need not wait for one; it goes by itself when none comes within minutes. Never throws. */
  prepareBuild(next: NextBuild): Promise<void>;
  /** Throws away what waits for builds, and starts nothing ahead from now on. */
  discardPrepared(): Promise<void>;

  /** Free space where images and dynos are kept; undefined where that cannot be seen from here. */
  freeDiskBytes(): Promise<number | undefined>;
  imageExists(image: string): Promise<boolean>;
  /** Idempotent; an image that a container still uses stays and is tried again by the next sweep. */
  removeImage(image: string): Promise<void>;
  /** Removes network, cache and dynos of an app that is no more. Idempotent. */
  removeApp(appId: string): Promise<void>;
  /** Removes what is left of work that a crash cut off: builds, attached one-off dynos, and the networks and volumes of other apps than these. Only while no work is under way. */
  sweep(appIds: Set<string>): Promise<void>;
  /** Has the app's next build make everything anew: its cache is emptied, and nothing is taken from its slugs. Only while none of its builds runs. @throws AppError conflict */
  purgeBuildCache(appId: string): Promise<void>;
  /** Removes builds and dynos whose removal failed while the engine was away. Safe at any time. */
  removeLate(): Promise<void>;
  /** Removes the slugs' images that nobody knows, neither by themselves nor by the builds that made them. False where a container still uses one. Safe at any time. */
  sweepImages(isKnown: (image: string, buildIds: string[]) => boolean): Promise<boolean>;
  /** Calls back for each formation dyno that stops, and whenever it begins to listen, again too (`undefined`: look at everything). Returns a stop function. */
  watch(onStopped: (stopped: { appId: string; dynoId: string } | undefined) => void): () => void;
};
