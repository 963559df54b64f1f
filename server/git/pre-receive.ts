/** What a push may do, and the deploy that decides whether it is taken. Refs come from the hook's input alone. */

import type { Logger } from "pino";
import type { App, User } from "../domain/model.ts";
import { AppError, publicMessage } from "../errors.ts";
import { problem, topic, type Output } from "../pipeline/output.ts";
import type { Source } from "../pipeline/source.ts";
import type { HookCall, RefUpdate } from "./hook-server.ts";
import type { Push, Pushes } from "./pushes.ts";
import { inspect, quarantineEnvironment, setHead } from "./repository.ts";
import { createSource } from "./source.ts";

export type RunningBuild = { user: string; startedAt: string; id: string };

/** Branches that have apps of their own. */
export type GitReviews = {
  /** Whether pushing the branch deploys it to a review app of the app. @throws AppError a sentence for the pusher where it must not be pushed */
  takes(app: App, branch: string): boolean;
  /** Resolves true when the review app serves it. */
  deploy(push: DeployOf, output: Output, signal: AbortSignal): Promise<boolean>;
  /** The branch is being deleted. False where it must stay. */
  branchGone(push: Omit<DeployOf, "source" | "startedAt">, output: Output): Promise<boolean>;
};

type DeployOf = { app: App; user: User; branch: string; source: Source; address: string | undefined; startedAt: string };

export type PreReceiveOptions = {
  log: Logger;
  pushes: Pushes;
  /** True once: this push created the app, and nobody was told yet. */
  takeNews(appId: string): boolean;
  deploy(push: DeployOf, output: Output, signal: AbortSignal): Promise<boolean>;
  runningBuild(appId: string): RunningBuild | undefined;
  reviews: GitReviews;
  maxSourceBytes: number;
  maxSourceMs: number;
  /** Fires when the server stops and the grace time is over. */
  stopping: AbortSignal;
};

const DEPLOY_BRANCHES = ["main", "master"];
const HEADS = "refs/heads/";
const NONE = /^0+$/;

/** @returns the verdict on the whole push: git takes every ref of it or none. */
export function createPreReceive(options: PreReceiveOptions) {
  return async (call: HookCall, output: Output, hookGone: AbortSignal): Promise<boolean> => {
    const push = options.pushes.find(call.pid);
    if (!push) return reject(output, "this server does not know of it. Push again.");
    if (options.takeNews(push.app.id)) topic(output, `Created app ${push.app.name}`);

    const { wanted, gone, refused } = sort(options.reviews, push.app, call.updates);
    if (refused !== undefined) return reject(output, refused);
    const [first, second] = wanted;
    if (!first) return (await discardReviews(options, push, gone, output)) && skip(call.updates, output);
    const { branch, update, isReview } = first;
    if (second) return reject(output, isReview || second.isReview ? `it has both ${branch} and ${second.branch}. Push one of them at a time.` : "it has both main and master. Push the one that shall be deployed.");
    if (NONE.test(update.after)) return reject(output, `cannot delete ${branch} branch.`);
    if (gone.length > 0) return reject(output, `it deploys ${branch} and deletes ${gone.join(", ")}. Push one of them at a time.`);

    const claim = isReview ? branch : "";
    const running = (isReview ? undefined : options.runningBuild(push.app.id)) ?? options.pushes.deployingFor(push.app.id, claim);
    if (running) return reject(output, busy(running));
    options.pushes.claim(push, claim);

    const env = await quarantineEnvironment(push.directory, call.quarantine);
    const { tip, type } = await inspect(push.directory, update.ref, update.after, env);
    // git itself compares only after the hook, when the release would serve already.
    if (tip !== (NONE.test(update.before) ? undefined : update.before)) return reject(output, `${branch} has moved since. Pull, then push again.`);
    if (type !== "commit") return reject(output, `${branch} must point at a commit, not at a ${type}.`);

    const source = createSource({ directory: push.directory, commit: update.after, env, maxBytes: options.maxSourceBytes, maxMs: options.maxSourceMs });
    return deploy(options, push, { branch, update, isReview, source, output, hookGone });
  };
}

type Deploy = Deployable & { source: Source; output: Output; hookGone: AbortSignal };

async function deploy(options: PreReceiveOptions, push: Push, { branch, update, isReview, source, output, hookGone }: Deploy): Promise<boolean> {
  const { app, user, address, startedAt } = push;
  const signal = AbortSignal.any([hookGone, push.signal, options.stopping]);
  try {
    const serves = await (isReview ? options.reviews.deploy : options.deploy)({ app, user, branch, source, address, startedAt }, output, signal);
    if (!serves) {
      if (options.stopping.aborted) problem(output, "Push rejected, the server is stopping. What ran before still serves; push again in a moment.");
      return false;
    }
  } catch (error) {
    if (options.stopping.aborted) return reject(output, "the server is stopping. What ran before still serves; push again in a moment.");
    if (!(error instanceof AppError) || error.status >= 500) options.log.error({ err: error, app: app.name }, "deploy of a push failed");
    return reject(output, publicMessage(error));
  }
  push.released = { ref: update.ref, commit: update.after };
  if (isReview) return true;
  await setHead(push.directory, branch).catch((error: unknown) => options.log.error({ err: error, app: app.name }, "HEAD was not set"));
  return true;
}

type Deployable = { branch: string; update: RefUpdate; isReview: boolean };

/** What of a push is to be deployed, which branches with review apps are deleted by it, and why it cannot be taken at all. */
function sort(reviews: GitReviews, app: App, updates: RefUpdate[]): { wanted: Deployable[]; gone: string[]; refused: string | undefined } {
  const [wanted, gone]: [Deployable[], string[]] = [[], []];
  for (const update of updates) {
    const branch = branchOf(update);
    if (branch === undefined) continue;
    if (DEPLOY_BRANCHES.includes(branch)) wanted.push({ branch, update, isReview: false });
    else if (NONE.test(update.after)) gone.push(branch);
    else {
      try {
        if (reviews.takes(app, branch)) wanted.push({ branch, update, isReview: true });
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        return { wanted: [], gone: [], refused: error.message };
      }
    }
  }
  return { wanted, gone, refused: undefined };
}

async function discardReviews({ reviews }: PreReceiveOptions, { app, user, address }: Push, branches: string[], output: Output): Promise<boolean> {
  for (const branch of branches) if (!(await reviews.branchGone({ app, user, branch, address }, output))) return false;
  return true;
}

function branchOf({ ref }: RefUpdate): string | undefined {
  return ref.startsWith(HEADS) ? ref.slice(HEADS.length) : undefined;
}

function skip(updates: RefUpdate[], output: Output): boolean {
  if (updates.some(({ ref, after }) => ref.startsWith(HEADS) && !NONE.test(after)))
    topic(output, `Pushed to branch other than [${DEPLOY_BRANCHES.join(", ")}], skipping build.`);
  return true;
}

function busy(running: RunningBuild | Push): string {
  const [who, what] = "id" in running ? [running.user, `build ${running.id}`] : [running.user.email, "another push"];
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(running.startedAt)) / 1000));
  return `${what} of this app is running: started ${seconds} s ago by ${who}. Push again when it is done.`;
}

function reject(output: Output, why: string): false {
  problem(output, `Push rejected, ${why}`);
  return false;
}

