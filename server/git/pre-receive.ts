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

export type PreReceiveOptions = {
  log: Logger;
  pushes: Pushes;
  /** True once: this push created the app, and nobody was told yet. */
  takeNews(appId: string): boolean;
  deploy(push: { app: App; user: User; branch: string; source: Source; address: string | undefined; startedAt: string }, output: Output, signal: AbortSignal): Promise<boolean>;
  runningBuild(appId: string): RunningBuild | undefined;
  maxSourceBytes: number;
  maxSourceMs: number;
  /** Fires when the server stops and the grace time is over. */
  stopping: AbortSignal;
};

const DEPLOY_BRANCHES = ["main", "master"];
const NONE = /^0+$/;

/** @returns the verdict on the whole push: git takes every ref of it or none. */
export function createPreReceive(options: PreReceiveOptions) {
  return async (call: HookCall, output: Output, hookGone: AbortSignal): Promise<boolean> => {
    const push = options.pushes.find(call.pid);
    if (!push) return reject(output, "this server does not know of it. Push again.");
    if (options.takeNews(push.app.id)) topic(output, `Created app ${push.app.name}`);

    const deploys = call.updates.filter((update) => branchOf(update) !== undefined);
    const [update, second] = deploys;
    if (!update) return skip(call.updates, output);
    const branch = branchOf(update) as string;
    if (second) return reject(output, "it has both main and master. Push the one that shall be deployed.");
    if (NONE.test(update.after)) return reject(output, `cannot delete ${branch} branch.`);

    const running = options.runningBuild(push.app.id) ?? options.pushes.deployingFor(push.app.id);
    if (running) return reject(output, busy(running));
    options.pushes.claim(push);

    const env = await quarantineEnvironment(push.directory, call.quarantine);
    const { tip, type, hasSubmodules } = await inspect(push.directory, update.ref, update.after, env);
    // git itself compares only after the hook, when the release would serve already.
    if (tip !== (NONE.test(update.before) ? undefined : update.before)) return reject(output, `${branch} has moved since. Pull, then push again.`);
    if (type !== "commit") return reject(output, `${branch} must point at a commit, not at a ${type}.`);

    if (hasSubmodules) problem(output, "Warning: submodules are not fetched; their folders will be empty.");
    const source = createSource({ directory: push.directory, commit: update.after, env, maxBytes: options.maxSourceBytes, maxMs: options.maxSourceMs });
    return deploy(options, push, { branch, update, source, output, hookGone });
  };
}

type Deploy = { branch: string; update: RefUpdate; source: Source; output: Output; hookGone: AbortSignal };

async function deploy(options: PreReceiveOptions, push: Push, { branch, update, source, output, hookGone }: Deploy): Promise<boolean> {
  const { app, user, address, startedAt } = push;
  const signal = AbortSignal.any([hookGone, push.signal, options.stopping]);
  try {
    const serves = await options.deploy({ app, user, branch, source, address, startedAt }, output, signal);
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
  await setHead(push.directory, branch).catch((error: unknown) => options.log.error({ err: error, app: app.name }, "HEAD was not set"));
  return true;
}

function branchOf(update: RefUpdate): string | undefined {
  return DEPLOY_BRANCHES.find((branch) => update.ref === `refs/heads/${branch}`);
}

function skip(updates: RefUpdate[], output: Output): boolean {
  if (updates.some(({ ref, after }) => ref.startsWith("refs/heads/") && !NONE.test(after)))
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

