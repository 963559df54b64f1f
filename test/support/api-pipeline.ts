/** A pipeline without builds and dynos: it writes the rows that the real one would, so that the API stands on a real store. */

import { randomUUID } from "node:crypto";
import { PassThrough } from "node:stream";
import { assertAppName } from "../../server/domain/app-name.ts";
import { EMPTY_APP_JSON } from "../../server/domain/app-json.ts";
import { applyConfigChange, describeConfigChange } from "../../server/domain/config-vars.ts";
import { nextFormation, parseQuantity } from "../../server/domain/formation.ts";
import type { App, Build, ProcessTypes, Release, User } from "../../server/domain/model.ts";
import { AppError, invalidParams, notFound } from "../../server/errors.ts";
import { freeName } from "../../server/pipeline/app-lifecycle.ts";
import { appRoute } from "../../server/pipeline/app-route.ts";
import { createBuildpackChanges } from "../../server/pipeline/buildpack-changes.ts";
import { createDomainChanges, type RoutingParts } from "../../server/pipeline/domains.ts";
import type { DynoView } from "../../server/pipeline/dyno.ts";
import type { Pipeline } from "../../server/pipeline/pipeline.ts";
import { currentTarget } from "../../server/pipeline/release.ts";
import type { Parts } from "../../server/pipeline/parts.ts";
import { createReviews } from "../../server/pipeline/review-apps.ts";
import type { Source } from "../../server/pipeline/source.ts";
import { createEndpointChanges } from "../../server/pipeline/sni-endpoints.ts";
import { createSwitches } from "../../server/pipeline/switches.ts";
import type { Store } from "../../server/store/store.ts";
import { createFakeOneOffs } from "./api-one-offs.ts";

export type ApiPipeline = Pipeline & {
  /** What was pushed: the tree of each `<app id> <branch>`. */
  branches: Map<string, Source>;
  /** What restart and stop were asked, such as `restart web.1`. */
  asked: string[];
  /** A build that runs until its output is ended. */
  startBuild(app: App, user: User): { build: Build; output: PassThrough };
  /** A finished push: slug, build and release. */
  deploy(app: App, user: User, processTypes?: ProcessTypes): Release;
};

/** @param routing what domains, certificates and switches really stand on, the router in memory */
export function createApiPipeline(store: Store, routing: RoutingParts): ApiPipeline {
  const outputs = new Map<string, PassThrough>();
  const asked: string[] = [];
  const now = (): string => new Date().toISOString();

  const taken = <T>(name: string, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if ((error as { code?: string }).code === "SQLITE_CONSTRAINT_UNIQUE") throw invalidParams(`name: "${name}" is already taken.`);
      throw error;
    }
  };
  const current = (app: App): Release => {
    const deployment = store.deployments.current(app.id);
    const release = deployment && store.releases.find(deployment.releaseId);
    if (!release) throw new Error(`${app.name} has no current release`);
    return release;
  };
  const release = (app: App, user: User, { slugId, config, formation, description }: Pick<Release, "slugId" | "config" | "formation" | "description">): Release =>
    store.transaction(() => {
      const made = store.releases.insert({ id: randomUUID(), appId: app.id, userId: user.id, commit: null, createdAt: now(), slugId, config, formation, description });
      const deployment = { id: randomUUID(), appId: app.id, releaseId: made.id, state: "pending" as const, reason: null, createdAt: now(), updatedAt: now() };
      store.deployments.insert(deployment);
      store.deployments.makeCurrent(deployment, now());
      return made;
    });
  const dynosOf = (app: App): DynoView[] => {
    const { formation, id, version, slugId, createdAt } = current(app);
    const commands = slugId === null ? {} : store.slugs.find(slugId)?.processTypes ?? {};
    return Object.entries(formation).flatMap(([type, { quantity, size }]) => Array.from({ length: quantity }, (_, index) => ({
      id: `00000000-0000-4000-8000-${type}.${index + 1}`, name: `${type}.${index + 1}`, type, command: commands[type] ?? "", size,
      state: "up" as const, release: { id, version }, createdAt, updatedAt: createdAt,
    })));
  };
  const ask = async (verb: string, app: App, which?: string): Promise<void> => {
    if (which !== undefined && !dynosOf(app).some(({ name, type }) => name === which || type === which)) throw notFound("dyno");
    asked.push([verb, which].filter(Boolean).join(" "));
  };

  const builds: Pick<Pipeline, "push" | "buildArchive" | "cancelBuild" | "purgeBuildCache" | "runningBuild" | "awaitBuild" | "closeBuilds"> = {
    push: async () => false,
    runningBuild: () => undefined,
    buildArchive(order) {
      if (store.builds.list(order.app.id).some(({ status }) => status === "pending")) throw new AppError("deploy_in_progress", "A build of the app is running.");
      const build: Build = { id: randomUUID(), appId: order.app.id, status: "pending", commit: order.version, sourceBlob: order.sourceBlob, buildpack: null, slugId: null, releaseId: null, userId: order.user.id, reason: null, createdAt: now(), updatedAt: now() };
      store.builds.insert(build);
      return build;
    },
    async cancelBuild(build) {
      if (build.status !== "pending") throw new AppError("conflict", "This build has ended.");
      store.builds.update({ ...build, status: "failed" });
    },
    async purgeBuildCache(app) {
      if (store.builds.list(app.id).some(({ status }) => status === "pending")) throw new AppError("deploy_in_progress", "A build of the app is running.");
      asked.push(`purge ${app.name}`);
    },
    async awaitBuild(build) {
      store.builds.update({ ...build, status: "succeeded" });
      return true;
    },
    closeBuilds: async () => undefined,
  };
  const lifecycle: Pick<Pipeline, "createApp" | "destroyApp"> = {
    async createApp(given, user, { ownerId = user.id, config = {} } = {}) {
      const name = given ?? freeName({ store });
      assertAppName(name);
      const app: App = { id: randomUUID(), name, ownerId, createdAt: now(), updatedAt: now() };
      taken(name, () => store.apps.insert(app));
      release(app, user, { slugId: null, config, formation: {}, description: "Initial release" });
      return app;
    },
    destroyApp: async (app) => store.apps.remove(app.id),
  };
  const branches = new Map<string, Source>();
  const reviews = createReviews(routing as Parts, { ...builds, ...lifecycle }, { find: async (appId, branch) => branches.get(`${appId} ${branch}`), remove: async (appId, branch) => void branches.delete(`${appId} ${branch}`) });

  const reroute = (app: App): Promise<void> => routing.router.switchTo(appRoute(routing, currentTarget(routing, app), []));

  return {
    ...createBuildpackChanges(routing),
    ...createDomainChanges(routing, reroute),
    ...createEndpointChanges(routing),
    ...createSwitches(routing, reroute),
    ...builds,
    ...lifecycle,
    reviews,
    branches,
    asked,
    oneOffs: createFakeOneOffs(asked, (app) => current(app)),
    startBuild(app, user) {
      const build: Build = { id: randomUUID(), appId: app.id, status: "pending", commit: "a".repeat(40), sourceBlob: null, buildpack: null, slugId: null, releaseId: null, userId: user.id, reason: null, createdAt: now(), updatedAt: now() };
      store.builds.insert(build);
      const output = new PassThrough();
      outputs.set(build.id, output);
      return { build, output };
    },
    deploy(app, user, processTypes = { web: "npm start" }) {
      const slugId = randomUUID();
      store.slugs.insert({ id: slugId, appId: app.id, image: `sha256:${slugId}`, commit: "b".repeat(40), buildpack: "Node.js", buildpacks: ["nodejs"], processTypes, appJson: EMPTY_APP_JSON, stack: "debian-12", size: 1234, checksum: `SHA256:${"c".repeat(64)}`, prunedAt: null, createdAt: now() });
      const before = current(app);
      const made = release(app, user, { slugId, config: before.config, formation: nextFormation(Object.keys(processTypes), before.formation), description: "Deploy bbbbbbbb" });
      store.builds.insert({ id: randomUUID(), appId: app.id, status: "succeeded", commit: "b".repeat(40), sourceBlob: null, buildpack: "Node.js", slugId, releaseId: made.id, userId: user.id, reason: null, createdAt: now(), updatedAt: now() });
      return made;
    },

    async renameApp(app, name) {
      assertAppName(name);
      taken(name, () => store.apps.rename(app.id, name, now()));
      return store.apps.find(app.id) as App;
    },
    releaseSlug: async (app, slug, description, user) => release(app, user, { ...current(app), slugId: slug.id, description: description ?? "Deploy" }),
    async changeConfig(app, change, user) {
      const before = current(app);
      const config = applyConfigChange(before.config, change);
      const description = describeConfigChange(before.config, config);
      return description === undefined ? before : release(app, user, { ...before, config, description });
    },
    async scale(app, updates, user) {
      const before = current(app);
      const formation = { ...before.formation };
      for (const { type, quantity, size } of updates) {
        const known = formation[type];
        if (!known) throw notFound("formation");
        formation[type] = { quantity: quantity === undefined ? known.quantity : parseQuantity(quantity, known.quantity, type), size: typeof size === "string" ? size : known.size };
      }
      return release(app, user, { ...before, formation, description: "Scale" });
    },
    async rollback(app, to, user) {
      if (to.slugId === null) throw new AppError("no_slug", `v${to.version} has no slug to go back to.`);
      return release(app, user, { ...to, description: `Rollback to v${to.version}` });
    },
    async promote(source, app, user) {
      const { slugId, version } = current(source);
      const slug = slugId === null ? undefined : store.slugs.find(slugId);
      if (!slug) throw new AppError("no_slug", `${source.name} has no slug to promote.`);
      if (slug.processTypes["web"] === "crashes") throw new AppError("deploy_failed", "web.1 crashed at boot.");
      const copy = { ...slug, id: randomUUID(), appId: app.id };
      store.slugs.insert(copy);
      const { config, formation } = current(app);
      return release(app, user, { slugId: copy.id, config, formation, description: `Promote ${source.name} v${version}` });
    },
    restart: (app, which) => ask("restart", app, which),
    stop: (app, which) => ask("stop", app, which),
    dynos: async (app) => dynosOf(app),
    current,
    releaseStatus(of) {
      const deployment = store.deployments.ofRelease(of.id);
      const isCurrent = deployment?.state === "current";
      return { status: "succeeded", current: isCurrent, updatedAt: deployment?.updatedAt ?? of.createdAt, eligibleForRollback: !isCurrent && of.slugId !== null };
    },
    testOutput: (run, part) => new PassThrough().end(`${part} of ${run.number}\n`),
    buildOutput: (build) => outputs.get(build.id) ?? new PassThrough().end(),
  };
}
