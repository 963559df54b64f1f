/** The receive-packs that run: who pushes, which of them deploys, and when a repository is at rest. */

import type { ChildProcessWithoutNullStreams } from "node:child_process";
import type { App, User } from "../domain/model.ts";

export type Push = {
  /** Of our receive-pack: the name under which its hook calls. */
  readonly pid: number;
  readonly app: App;
  readonly user: User;
  /** Where the pusher's connection comes from. */
  readonly address: string | undefined;
  readonly directory: string;
  readonly startedAt: string;
  /** Aborted when receive-pack has died: no verdict can move the ref any more. */
  readonly signal: AbortSignal;
  /** What the pipeline released, to compare with the ref afterwards. */
  released: { ref: string; commit: string } | undefined;
  /** Lets go of the client; git goes on. */
  detach(): void;
  kill(): void;
};

export type PushStart = { child: ChildProcessWithoutNullStreams; app: App; user: User; address: string | undefined; directory: string; detach(): void };

export type Pushes = ReturnType<typeof createPushes>;

/** @param onEnd called after each receive-pack's exit, when the app's claim is already free; `signal` names what killed it. */
export function createPushes(onEnd: (push: Push, signal: NodeJS.Signals | null) => void) {
  const open = new Map<number, Push>();
  const deploying = new Map<string, Push>();
  const resting = new Map<string, Promise<void>>();
  let idle: (() => void) | undefined;

  const isReceiving = (appId: string): boolean => [...open.values()].some((push) => push.app.id === appId);

  return {
    /** Remembers a receive-pack until it has exited. */
    begin({ child, app, user, address, directory, detach }: PushStart): void {
      const pid = child.pid as number;
      const gone = new AbortController();
      const push: Push = { pid, app, user, address, directory, startedAt: new Date().toISOString(), signal: gone.signal, released: undefined, detach, kill: () => child.kill() };
      open.set(pid, push);
      child.on("exit", (_code, signal) => {
        open.delete(pid);
        for (const [what, holder] of deploying) if (holder === push) deploying.delete(what);
        gone.abort(new Error("The push was broken off."));
        onEnd(push, signal);
        if (open.size === 0) idle?.();
      });
    },

    find: (pid: number): Push | undefined => open.get(pid),
    all: (): Push[] => [...open.values()],
    isReceiving,
    deployingFor: (appId: string, branch = ""): Push | undefined => deploying.get(`${appId} ${branch}`),

    /** The one push that deploys the app, or the review app of that branch of it, held until its receive-pack has moved the ref and exited. Check deployingFor() first. */
    claim(push: Push, branch = ""): void {
      deploying.set(`${push.app.id} ${branch}`, push);
    },

    /** Runs `work` while nothing receives for the app: skipped when something does, and what comes meanwhile waits in atRest(). */
    async rest(appId: string, work: () => Promise<void>): Promise<boolean> {
      if (isReceiving(appId) || resting.has(appId)) return false;
      const done = work().finally(() => resting.delete(appId));
      resting.set(appId, done.catch(() => {}));
      await done;
      return true;
    },

    /** Resolves when the app's repository may receive again. */
    atRest: async (appId: string): Promise<void> => resting.get(appId),

    /** Resolves when no receive-pack runs, false after `ms`. */
    async idle(ms: number): Promise<boolean> {
      if (open.size === 0) return true;
      return new Promise((resolve) => {
        const timer = setTimeout(() => resolve(false), ms);
        idle = () => {
          clearTimeout(timer);
          resolve(true);
        };
      });
    },
  };
}
