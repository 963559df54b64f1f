/** Review apps: an app of its own for a branch, made by a push or through the API, and discarded with its branch, with its parent, or when nobody pushes to it any more. */

import { randomUUID } from "node:crypto";
import type { App, Build, ConfigVars, ReviewApp, User } from "../domain/model.ts";
import { valuesOf } from "../domain/first-config.ts";
import { isReviewBranch, REVIEW_BRANCH_RULE, reviewAppName } from "../domain/review-app.ts";
import { AppError, invalidParams, publicMessage } from "../errors.ts";
import type { ArchiveBuild, Builds } from "./builds.ts";
import { runScript } from "./first-deploy.ts";
import { readManifest } from "./manifest.ts";
import { detail, problem, topic, type Output } from "./output.ts";
import type { Parts } from "./parts.ts";
import type { Push } from "./push.ts";
import { currentTarget } from "./release.ts";
import type { Branches, Source } from "./source.ts";

export type ReviewOrder = Pick<ArchiveBuild, "open" | "ended" | "version" | "sourceBlob"> & {
  parent: App;
  user: User;
  branch: string;
  prNumber: number | null;
  /** Config vars besides the parent's. */
  environment: ConfigVars;
};

export type Reviews = {
  /** Deploys a branch of the parent to its review app, which its first push makes. True when it serves. Never throws: the reason of a false is written to the output. */
  push(parent: App, push: Omit<Push, "app">, output: Output, signal: AbortSignal): Promise<boolean>;
  /** Makes a review app; it goes on by itself, and the row tells how. @throws AppError conflict: the branch has one */
  create(order: ReviewOrder): ReviewApp;
  /** Discards it, with its branch where that is one of the review apps' own. Resolves when it is gone. */
  discard(review: ReviewApp): Promise<void>;
  /** Those of a branch that is being deleted. False where it could not be done; the output says why. */
  branchGone(parent: App, branch: string, output: Output): Promise<boolean>;
  /** Discards what nobody pushes to any more, what has no parent, and what a crash left half made. Never throws. */
  tidy(now?: number): Promise<void>;
};

type Needs = Pick<Builds, "push" | "buildArchive" | "cancelBuild" | "runningBuild" | "awaitBuild"> & {
  createApp(name: string, user: User, options: { ownerId: string; config: ConfigVars }): Promise<App>;
  destroyApp(app: App): Promise<void>;
};

const DAY_MS = 24 * 3_600_000;
const NOBODY: Output = { write: () => undefined };

/**
 * Whether pushing the branch deploys it to a review app: below `review/` it does, and wherever there is one already.
 * @throws AppError invalid_params: a bad name, or its pipeline takes no review apps by pushes
 */
export function takesReview(store: Parts["store"], app: App, branch: string): boolean {
  const isReview = isReviewBranch(branch);
  if (isReview === false) throw invalidParams(`${branch} is no review branch: ${REVIEW_BRANCH_RULE}.`);
  if (isReview === undefined) return store.reviewApps.ofBranch(app.id, branch) !== undefined;
  const pipelineId = store.pipelines.couplingOf(app.id)?.pipelineId;
  if (pipelineId !== undefined && store.reviewApps.config(pipelineId)?.automatic === false)
    throw invalidParams(`the pipeline ${store.pipelines.find(pipelineId)?.name} makes no review apps by pushes (heroku reviewapps:enable --autodeploy turns it on).`);
  return true;
}

export function createReviews(parts: Parts, apps: Needs, branches: Branches): Reviews {
  const { store, log } = parts;
  const busy = new Set<string>();
  const born = parts.now();

  const settle = (review: ReviewApp, changed: Partial<ReviewApp>): ReviewApp => {
    const next = { ...review, ...changed, updatedAt: parts.now() };
    store.reviewApps.update(next);
    return next;
  };

  function note(parent: App, branch: string, user: User, prNumber: number | null): ReviewApp {
    if (store.reviewApps.ofApp(parent.id)) throw invalidParams(`${parent.name} is a review app itself: push to its main branch.`);
    if (store.reviewApps.ofBranch(parent.id, branch)) throw new AppError("conflict", `The branch ${branch} of ${parent.name} has a review app already.`);
    const at = parts.now();
    const review: ReviewApp = {
      id: randomUUID(), appId: null, parentId: parent.id, pipelineId: store.pipelines.couplingOf(parent.id)?.pipelineId ?? null, branch, prNumber,
      status: "pending", message: null, creatorId: user.id, createdAt: at, updatedAt: at,
    };
    store.reviewApps.insert(review);
    busy.add(review.id);
    return review;
  }

  /** The parent's config vars, under those that app.json has for reviews alone, under those of the order. */
  async function makeApp(review: ReviewApp, parent: App, user: User, source: Source, environment: ConfigVars): Promise<{ review: ReviewApp; app: App }> {
    const { environments } = await readManifest(source);
    for (const failed of store.reviewApps.list()) if (failed.status === "errored" && failed.parentId === parent.id && failed.branch === review.branch) await discard(failed);
    const config = { ...currentTarget(parts, parent).release.config, ...valuesOf(environments.review?.env ?? {}), ...environment };
    const base = (review.pipelineId === null ? undefined : store.reviewApps.config(review.pipelineId)?.baseName) ?? parent.name;
    const name = reviewAppName(base, review.branch, (wanted) => store.apps.find(wanted) !== undefined);
    const app = await apps.createApp(name, user, { ownerId: parent.ownerId, config });
    // A list of its own would win over what app.json says of reviews.
    if (environments.review?.buildpacks === undefined) store.buildpackInstallations.replace(app.id, store.buildpackInstallations.list(parent.id));
    const at = parts.now();
    if (review.pipelineId !== null && store.pipelines.find(review.pipelineId)) store.pipelines.couple({ id: randomUUID(), pipelineId: review.pipelineId, appId: app.id, stage: "review", createdAt: at, updatedAt: at });
    return { review: settle(review, { appId: app.id, status: "creating" }), app };
  }

  /** As if it had never been wanted: what a push could not bring to serve. */
  async function undo(review: ReviewApp): Promise<void> {
    store.reviewApps.remove(review.id);
    const app = review.appId === null ? undefined : store.apps.find(review.appId);
    if (app) await apps.destroyApp(app).catch((err: unknown) => log.error({ app: app.name, err }, "a review app that failed could not be discarded"));
  }

  async function firstPush(parent: App, push: Omit<Push, "app">, output: Output, signal: AbortSignal): Promise<boolean> {
    let review = note(parent, push.branch, push.user, null);
    let served = false;
    try {
      const made = await makeApp(review, parent, push.user, push.source, {});
      review = made.review;
      topic(output, `Created review app ${made.app.name}`);
      served = await apps.push({ ...push, app: made.app }, output, signal);
      if (served) settle(review, { status: "created" });
      return served;
    } finally {
      busy.delete(review.id);
      if (!served) await undo(review);
    }
  }

  async function build(order: ReviewOrder, pending: ReviewApp): Promise<void> {
    const { parent, user, branch, prNumber, environment, open, ...archive } = order;
    let review = pending;
    const stop = new AbortController();
    try {
      // Read before there is an app: its config vars depend on what app.json says.
      const source = await open(NOBODY, stop.signal);
      const made = await makeApp(review, parent, user, source, environment);
      review = made.review;
      const started = apps.buildArchive({ ...archive, app: made.app, user, open: async () => source });
      if (!(await apps.awaitBuild(started))) throw new AppError("build_failed", buildReason(started));
      settle(review, { status: "created" });
    } catch (error) {
      if (!(error instanceof AppError)) log.error({ app: parent.name, branch, err: error }, "a review app could not be made");
      // The app stays, where there is one: its build's output says more.
      settle(review, { status: "errored", message: publicMessage(error) });
      if (review.appId === null) await order.ended();
    } finally {
      busy.delete(review.id);
    }
  }

  function buildReason({ id }: Build): string {
    return store.builds.find(id)?.reason ?? "The build failed.";
  }

  async function discard(review: ReviewApp): Promise<void> {
    busy.add(review.id);
    try {
      const app = review.appId === null ? undefined : store.apps.find(review.appId);
      if (!app) return store.reviewApps.remove(review.id);
      settle(review, { status: "deleting" });
      const running = apps.runningBuild(app.id);
      const creator = store.users.find(review.creatorId);
      if (running && creator) await apps.cancelBuild(running, creator).catch(() => undefined);
      const failed = await runScript(parts, currentTarget(parts, app), "pr-predestroy", NOBODY).catch(() => "could not be run");
      if (failed !== undefined) log.warn({ app: app.name, failed }, "the pr-predestroy script failed");
      await apps.destroyApp(app);
      log.info({ app: app.name, branch: review.branch }, "review app discarded");
    } finally {
      busy.delete(review.id);
    }
  }

  const isStale = (review: ReviewApp, now: number): boolean => {
    if (review.appId !== null && apps.runningBuild(review.appId)) return false;
    const config = review.pipelineId === null ? undefined : store.reviewApps.config(review.pipelineId);
    const pushed = (review.appId === null ? undefined : store.builds.list(review.appId).at(-1)?.createdAt) ?? review.updatedAt;
    return config?.destroyStale !== false && now - Date.parse(pushed) > (config?.staleDays ?? parts.config.reviewDays) * DAY_MS;
  };
  const isCutOff = ({ status, updatedAt }: ReviewApp): boolean => ["pending", "creating", "deleting"].includes(status) && updatedAt < born;

  const reviews: Reviews = {
    async push(parent, push, output, signal) {
      const known = store.reviewApps.ofBranch(parent.id, push.branch);
      const app = known?.appId ? store.apps.find(known.appId) : undefined;
      try {
        if (!known) return await firstPush(parent, push, output, signal);
        if (!app || busy.has(known.id)) {
          problem(output, `Push rejected, the review app of ${push.branch} is being made or discarded. Push again in a moment.`);
          return false;
        }
        topic(output, `Deploying to the review app ${app.name}`);
        const served = await apps.push({ ...push, app }, output, signal);
        settle(known, { status: "created" });
        return served;
      } catch (error) {
        if (!(error instanceof AppError)) log.error({ app: parent.name, err: error }, "a push to a review app failed");
        problem(output, `Push rejected: ${publicMessage(error)}`);
        return false;
      }
    },

    create(order) {
      const review = note(order.parent, order.branch, order.user, order.prNumber);
      void build(order, review);
      return review;
    },

    async discard(review) {
      await discard(review);
      const { parentId, branch } = review;
      await branches.remove(parentId, branch);
    },

    async branchGone(parent, branch, output) {
      const review = store.reviewApps.ofBranch(parent.id, branch);
      if (!review) return true;
      const app = review.appId === null ? undefined : store.apps.find(review.appId);
      try {
        await discard(review);
        if (app) detail(output, `Discarded the review app ${app.name}`);
        return true;
      } catch (error) {
        log.error({ app: parent.name, branch, err: error }, "a review app could not be discarded");
        problem(output, `Push rejected, the review app of ${branch} could not be discarded: ${publicMessage(error)}`);
        return false;
      }
    },

    async tidy(now = Date.parse(parts.now())) {
      const due = store.reviewApps.list().filter((one) => !busy.has(one.id) && (isStale(one, now) || isCutOff(one) || store.apps.find(one.parentId) === undefined));
      for (const review of due) {
        try {
          if (isCutOff(review) && review.status !== "deleting") settle(review, { status: "errored", message: "Interrupted: the control plane stopped in the middle of it." });
          else await reviews.discard(review);
        } catch (err) {
          log.warn({ review: review.id, err }, "a review app is left for the next look");
        }
      }
    },
  };
  return reviews;
}
