/** Git, put together: routes for the API's server, the hook's server, repositories and their upkeep. */

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import type { App, User } from "../domain/model.ts";
import { isBranchName } from "../domain/review-app.ts";
import type { Output } from "../pipeline/output.ts";
import type { Branches, Source } from "../pipeline/source.ts";
import { adoptGitEnvironment, writeGitConfig } from "./gitconfig.ts";
import { createHookServer } from "./hook-server.ts";
import { registerGitRoutes, type Pusher } from "./http.ts";
import { createPreReceive, type GitReviews, type RunningBuild } from "./pre-receive.ts";
import { createPushes, type Push } from "./pushes.ts";
import { collectGarbage, countPacks, createRepositories, deleteRef, readRef, removeQuarantines } from "./repository.ts";
import { createSource } from "./source.ts";

export type GitDeps = {
  /** Repositories in `<dataDir>/repositories/<app id>.git`; hooks, gitconfig and hook.sock beside them. */
  dataDir: string;
  log: Logger;
  /** Compares in constant time. @throws AppError unauthorized, rate_limit, suspended */
  authenticate(token: string, address: string | undefined): Pusher;
  /** Only what the user may see. */
  findApp(name: string, user: User): App | undefined;
  /** The first push creates the app. @throws AppError when the name is taken. */
  createApp(name: string, user: User): Promise<App>;
  /** @throws AppError what createApp would throw: said before anything is uploaded. */
  checkNewApp(name: string, user: User): void;
  /** Resolves true when that version serves, having written all that the pusher should read. May throw AppError. */
  deploy(push: { app: App; user: User; branch: string; source: Source; address: string | undefined; startedAt: string }, output: Output, signal: AbortSignal): Promise<boolean>;
  /** What holds the app's lock now. */
  runningBuild(appId: string): RunningBuild | undefined;
  reviews: GitReviews;
};

export type GitOptions = {
  /** Of one push's pack. */
  maxPushBytes: number;
  /** Of the unpacked source. */
  maxSourceBytes: number;
  /** For reading it from git once. */
  maxSourceMs: number;
  /** Output that may wait for a slow client. */
  maxPendingBytes: number;
  /** A connection without any traffic for this long is dropped. */
  stallMs: number;
  keepAliveSeconds: number;
  /** After the verdict a client that does not read is let go. */
  flushMs: number;
  packsBeforeGc: number;
  /** When the server stops: for deploys to end after they were told to. */
  lastWordsMs: number;
};

export type Git = {
  /** Mounts the routes at the root of that server. Before start(). */
  register(fastify: FastifyInstance): void;
  /** Writes config and hook, sweeps what a crash left, answers hooks from then on. @throws Error when git or curl is missing. */
  start(): Promise<void>;
  /** Takes no more pushes, gives running ones `graceMs`, then declines them with a message. */
  stop(graceMs?: number): Promise<void>;
  /** Joins the packs of an app's repository. False when it is being pushed to. */
  gc(appId: string): Promise<boolean>;
  /** What was pushed to branches. */
  branches: Branches;
  /** Ends the app's pushes and deletes its repository. */
  removeRepository(appId: string): Promise<void>;
};

const DEFAULTS: GitOptions = {
  maxPushBytes: 1 << 30,
  maxSourceBytes: 1 << 30,
  maxSourceMs: 5 * 60_000,
  maxPendingBytes: 4 << 20,
  stallMs: 120_000,
  keepAliveSeconds: 5,
  flushMs: 30_000,
  packsBeforeGc: 50,
  lastWordsMs: 10_000,
};

export function createGit(deps: GitDeps, overrides: Partial<GitOptions> = {}): Git {
  const { dataDir, log } = deps;
  const options: GitOptions = { ...DEFAULTS, ...overrides };
  const hooksDir = join(dataDir, "git-hooks");
  const repositories = createRepositories(dataDir);
  const pushes = createPushes(onPushEnd);
  const stopping = new AbortController();
  const gcStop = new AbortController();
  const upkeep = new Set<Promise<void>>();
  const created = new Set<string>();
  let acceptsPushes = true;

  const preReceive = createPreReceive({
    log,
    pushes,
    takeNews: (appId) => created.delete(appId),
    deploy: deps.deploy,
    runningBuild: deps.runningBuild,
    reviews: deps.reviews,
    maxSourceBytes: options.maxSourceBytes,
    maxSourceMs: options.maxSourceMs,
    stopping: stopping.signal,
  });
  const hookServer = createHookServer({
    socketPath: join(dataDir, "hook.sock"),
    hooksDir,
    log,
    decide: preReceive,
    maxPendingBytes: options.maxPendingBytes,
    flushMs: options.flushMs,
    letGo: (pid) => pushes.find(pid)?.detach(),
  });

  return {
    register(fastify) {
      registerGitRoutes(fastify, {
        log,
        repositories,
        pushes,
        authenticate: deps.authenticate,
        findApp: deps.findApp,
        checkNewApp: deps.checkNewApp,
        async createApp(name, user) {
          const app = await deps.createApp(name, user);
          created.add(app.id);
          return app;
        },
        isStopping: () => !acceptsPushes,
        maxPushBytes: options.maxPushBytes,
        stallMs: options.stallMs,
      });
    },

    async start() {
      await Promise.all([requireProgram("git"), requireProgram("curl")]);
      adoptGitEnvironment(dataDir);
      await repositories.prepare();
      await writeGitConfig({ dataDir, hooksDir, maxPushBytes: options.maxPushBytes, keepAliveSeconds: options.keepAliveSeconds });
      await hookServer.start();
    },

    async stop(graceMs = 0) {
      acceptsPushes = false;
      gcStop.abort();
      if (!(await pushes.idle(graceMs))) {
        stopping.abort(new Error("The server is stopping."));
        if (!(await pushes.idle(options.lastWordsMs))) for (const push of pushes.all()) push.kill();
      }
      await hookServer.stop();
      await pushes.idle(options.lastWordsMs);
      await Promise.allSettled(upkeep);
    },

    async gc(appId) {
      const directory = repositories.find(appId);
      return directory !== undefined && pushes.rest(appId, () => collectGarbage(directory, gcStop.signal));
    },

    branches: {
      async find(appId, branch) {
        const directory = isBranchName(branch) ? repositories.find(appId) : undefined;
        const commit = directory && (await readRef(directory, `refs/heads/${branch}`));
        return directory && commit ? createSource({ directory, commit, env: {}, maxBytes: options.maxSourceBytes, maxMs: options.maxSourceMs }) : undefined;
      },
      async remove(appId, branch) {
        const directory = isBranchName(branch) ? repositories.find(appId) : undefined;
        if (directory) await deleteRef(directory, `refs/heads/${branch}`);
      },
    },

    async removeRepository(appId) {
      for (const push of pushes.all()) if (push.app.id === appId) push.kill();
      await repositories.remove(appId);
    },
  };

  function onPushEnd(push: Push, killedBy: NodeJS.Signals | null): void {
    const work = afterPush(push, killedBy).catch((error: unknown) => log.error({ err: error, app: push.app.name }, "upkeep after a push failed"));
    const tracked: Promise<void> = work.finally(() => upkeep.delete(tracked));
    upkeep.add(tracked);
  }

  async function afterPush(push: Push, killedBy: NodeJS.Signals | null): Promise<void> {
    const { app, directory, released } = push;
    if (killedBy) await pushes.rest(app.id, () => removeQuarantines(directory));
    if (released) {
      const tip = await readRef(directory, released.ref);
      if (tip !== released.commit) log.error({ app: app.name, released: released.commit, ref: tip ?? null }, "the branch does not point at what was released");
    }
    if ((await countPacks(directory)) < options.packsBeforeGc || gcStop.signal.aborted) return;
    await pushes.rest(app.id, () => collectGarbage(directory, gcStop.signal));
  }
}

async function requireProgram(name: string): Promise<void> {
  await promisify(execFile)(name, ["--version"]).catch((error: unknown) => {
    throw new Error(`${name} is needed to receive pushes, but cannot be run.`, { cause: error });
  });
}
