/** The composition root: builds every long-lived thing once, in the order in which they depend on each other. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Logger } from "pino";
import { createRouterClient, followLog } from "../proxy/client.ts";
import { registerApi } from "./api/api.ts";
import { createHttpServer } from "./api/server.ts";
import { createGatherer } from "./buildpacks/gather.ts";
import { createKeptTrees } from "./buildpacks/kept-trees.ts";
import { readOwnBuildpacks } from "./buildpacks/own.ts";
import { createAcm } from "./certificates/acm.ts";
import { createAuthority } from "./certificates/authority.ts";
import type { Config } from "./config.ts";
import { openDataDir } from "./data-dir.ts";
import { assertAppName } from "./domain/app-name.ts";
import type { App, User } from "./domain/model.ts";
import { createDockerEngine } from "./engine/docker.ts";
import { AppError, invalidParams } from "./errors.ts";
import { ensureAdministrator } from "./first-start.ts";
import { createGit } from "./git/git.ts";
import { createRemoteTrees } from "./git/remote.ts";
import { createLogs, type Logs } from "./logs/logs.ts";
import { mayUse } from "./identity/access.ts";
import { createAudit } from "./identity/audit.ts";
import { createIdentities } from "./identity/identity.ts";
import { createPatientRouter } from "./patient-router.ts";
import { createAppLock } from "./pipeline/app-lock.ts";
import { createBuildLogs } from "./pipeline/build-log.ts";
import { createPipeline } from "./pipeline/create-pipeline.ts";
import { assertDiskSpace } from "./pipeline/disk-space.ts";
import { createPlatformEvents } from "./pipeline/events.ts";
import { createHealthWatch } from "./pipeline/health-watch.ts";
import type { Parts } from "./pipeline/parts.ts";
import { recover } from "./pipeline/recover.ts";
import { takesReview } from "./pipeline/review-apps.ts";
import { SECRET_LINE, meet } from "./pipeline/rendezvous.ts";
import type { Branches } from "./pipeline/source.ts";
import { createSupervisor } from "./pipeline/supervisor.ts";
import { createRouterProcess } from "./router-process.ts";
import { createFetcher } from "./outbound/fetch.ts";
import { openArchive } from "./sources/archive.ts";
import { createSources } from "./sources/sources.ts";
import { createStore } from "./store/store.ts";
import { startTls } from "./tls/tls.ts";
import { createWebhookService } from "./webhooks/webhooks.ts";

const MIGRATIONS = fileURLToPath(new URL("../migrations", import.meta.url));
/** Debian's: what this machine trusts. Builds trust it as well. */
const CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt";
const BUILDPACK_LIMITS = { maxEntries: 10_000, maxBytes: 512 << 20, maxMs: 60_000 };
const KEPT_BUILDPACK_BYTES = 1 << 30;
const RETRY_MS = 1000;
const LOOPBACK = new Set(["127.0.0.1", "::1"]);

export type RunningApp = {
  apiPort: number;
  routerPort: number;
  /** Git and API over TLS, with the file that clients must trust. */
  tls: { port: number; authority: string | undefined } | undefined;
  /** True when this start made the administrator. */
  firstStart: boolean;
  /** The administrator's token, when it was made by this start: shown once. */
  newToken: string | undefined;
  /** Stops the control plane; dynos go on, and so does the router unless it is to stop too. */
  stop(options?: { router?: boolean; graceMs?: number }): Promise<void>;
};

/**
 * Starts everything and resolves when pushes are taken and every app is what it should be.
 * @param onProgress takes plain lines about long steps.
 * @throws Error, MigrationError: what must be put right before a start can succeed.
 */
export async function startApp(config: Config, log: Logger, onProgress: (line: string) => void = () => undefined): Promise<RunningApp> {
  const dataDir = openDataDir(config.dataDir);
  const store = createStore(dataDir.database, MIGRATIONS);
  const administrator = ensureAdministrator(store, config);
  const router = createRouterClient(dataDir.routerSocket);
  const routerProcess = createRouterProcess(config, dataDir, router, log);
  await routerProcess.start();

  const engine = createDockerEngine({
    instance: dataDir.instance,
    stackImage: config.stackImage,
    caBundle: config.caBundle,
    networkRange: config.networkRange,
    buildsAhead: config.buildsAhead,
    openPort: LOOPBACK.has(config.bind) ? undefined : routerProcess.port(),
    onWarning: (message, err) => log.warn({ err }, message),
  });
  const logs = createLogs({ config, store, engine, log, dir: dataDir.appLogs, followRouter: (take) => followLog(dataDir.routerSocket, take) });
  const webhooks = createWebhookService({ store, log, allow: config.logs.drainAllow });
  const events = createPlatformEvents([logs.take, webhooks.take], (error) => log.error({ err: error }, "an event was not told to all"));
  const fetcher = createFetcher({ allow: config.fetchAllow, authorities: () => readFile(config.caBundle ?? CA_BUNDLE, "utf8").catch(() => undefined) });
  const readArchive = async (file: string, signal: AbortSignal) => (await openArchive(file, "", BUILDPACK_LIMITS, signal)).archive(signal);
  const remotes = createRemoteTrees({ allow: config.fetchAllow, authorities: config.caBundle });
  const parts: Parts = {
    config, store, engine, log, events,
    buildpacks: { own: readOwnBuildpacks(), gather: createGatherer({ remotes, fetcher, readArchive, kept: createKeptTrees(dataDir.buildpacks, KEPT_BUILDPACK_BYTES) }) },
    health: createHealthWatch({ engine, events }),
    router: createPatientRouter(router),
    lock: createAppLock(),
    retiring: new Set(),
    routerPort: routerProcess.port,
    now: () => new Date().toISOString(),
  };
  const supervisor = createSupervisor(parts);
  const buildLogs = createBuildLogs(dataDir.buildLogs);
  const branches: Branches = { find: (appId, branch) => git.branches.find(appId, branch), remove: (appId, branch) => git.branches.remove(appId, branch) };
  const pipeline = createPipeline(parts, buildLogs, supervisor, (appId) => git.removeRepository(appId), branches);
  const sources = createSources({ dir: dataDir.sources, fetcher, assertSpace: () => assertDiskSpace(parts) });
  const acm = createAcm(parts, createAuthority(parts));

  const identities = createIdentities(store, config.requestsPerHour);
  const audit = createAudit(store, config.auditDays, (err, { type, action }) => log.error({ err, type, action }, "a change is missing from the audit trail"));
  const visible = (app: App | undefined, user: User): App | undefined => (app && mayUse(store, user, app) ? app : undefined);
  const git = createGit({
    dataDir: dataDir.path,
    log,
    authenticate(token, address) {
      const { user, authorization } = identities.byToken(token, address);
      return { user, scope: authorization.scope };
    },
    findApp: (name, user) => visible(store.apps.find(name), user),
    createApp: (name, user) => pipeline.createApp(name, user),
    checkNewApp(name) {
      assertAppName(name);
      if (store.apps.find(name)) throw invalidParams(`name: Name ${name} is already taken.`);
    },
    async deploy(push, output, signal) {
      const { app, user, branch, source, address } = push;
      const served = await pipeline.push(push, output, signal);
      audit.record({ actor: user, type: "app", action: "push", app, address, data: { branch, commit: source.commit, served } });
      return served;
    },
    reviews: {
      takes: (app, branch) => takesReview(store, app, branch),
      async deploy({ app, user, branch, source, address, startedAt }, output, signal) {
        const served = await pipeline.reviews.push(app, { user, branch, source, startedAt }, output, signal);
        audit.record({ actor: user, type: "review-app", action: "push", app, address, data: { branch, commit: source.commit, served } });
        return served;
      },
      async branchGone({ app, user, branch, address }, output) {
        if (!store.reviewApps.ofBranch(app.id, branch)) return true;
        const gone = await pipeline.reviews.branchGone(app, branch, output);
        audit.record({ actor: user, type: "review-app", action: "destroy", app, address, data: { branch, gone } });
        return gone;
      },
    },
    runningBuild(appId) {
      const build = pipeline.runningBuild(appId);
      return build && { id: build.id, startedAt: build.createdAt, user: store.users.find(build.userId)?.email ?? "" };
    },
  });

  let ready = false;
  let apiPort = config.apiPort;
  const http = createHttpServer(log);
  http.addHook("onRequest", async (request) => {
    if (!ready && request.routeOptions.url !== "/health") throw new AppError("starting", "The platform is still starting. Try again in a moment.");
  });
  git.register(http);
  registerApi(http, { config, store, ownBuildpacks: parts.buildpacks.own, logs, identities, audit, webhooks, pipeline, sources, branches, acm, log, routerPort: routerProcess.port, routerTlsPort: routerProcess.tlsPort, apiPort: () => apiPort, tlsPort: () => tls?.port, ready: () => ready });
  await git.start();
  await http.listen({ host: config.bind, port: config.apiPort });
  apiPort = (http.server.address() as { port: number }).port;
  const tls = await startTls(config, dataDir.tls, log, { http: http.server, rendezvous: { line: SECRET_LINE, meet: (socket, first) => void meet(pipeline.oneOffs, socket, first) } });

  await untilRecovered(parts, logs, onProgress);
  supervisor.start(() => void pipeline.reviews.tidy());
  store.pipelinePromotions.abandon("The platform was stopped before this was done.");
  webhooks.start();
  acm.start();
  pipeline.oneOffs.start();
  ready = true;

  return {
    apiPort,
    routerPort: routerProcess.port(),
    tls: tls && { port: tls.port, authority: tls.authority },
    ...administrator,
    async stop({ router: alsoRouter = false, graceMs = 10_000 } = {}) {
      ready = false;
      pipeline.oneOffs.close();
      await Promise.all([git.stop(graceMs), pipeline.closeBuilds(graceMs)]);
      await engine.discardPrepared();
      sources.close();
      await tls?.close();
      await http.close();
      await webhooks.stop();
      await acm.stop();
      await parts.health.stop();
      await supervisor.stop();
      await logs.stop();
      await routerProcess.stop({ router: alsoRouter });
      store.close();
      dataDir.release();
    },
  };
}

/** Goes on until engine and router both answered: without them nothing can be decided. */
async function untilRecovered(parts: Parts, logs: Logs, onProgress: (line: string) => void): Promise<void> {
  for (let told = false; ; told = true) {
    try {
      await parts.engine.prepare(onProgress);
      // Before leftovers go: what they printed last is read first.
      await logs.start();
      return await recover(parts);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (!told) onProgress(`${error.message} Waiting for it.`);
      parts.log.warn({ err: error }, "not ready yet");
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
