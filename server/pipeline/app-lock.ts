/** One change of an app at a time. Locks live in memory: they end with the process, so none can be left behind by a crash. */

export type AppLock = {
  /** Runs the work alone for this app, after what came before. */
  run<T>(appId: string, work: () => Promise<T>): Promise<T>;
};

export function createAppLock(): AppLock {
  const last = new Map<string, Promise<unknown>>();
  return {
    async run(appId, work) {
      const before = last.get(appId) ?? Promise.resolve();
      const mine = before.then(work, work);
      const settled = mine.catch(() => undefined);
      last.set(appId, settled);
      try {
        return await mine;
      } finally {
        if (last.get(appId) === settled) last.delete(appId);
      }
    },
  };
}
