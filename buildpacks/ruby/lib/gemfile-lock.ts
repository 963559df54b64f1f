/** Gemfile.lock: which gems in which versions (bundler.io: the lock file's own format, two and four blanks deep). */

export type LockedGem = { name: string; version: string };

/** The gems that come from a gem server, in the order of the file; those by path or git are not among them. */
export function lockedGems(lock: string): LockedGem[] {
  const fromServers = lock.split(/^(?=[A-Z])/m).filter((section) => section.startsWith("GEM")).join("");
  return [...fromServers.matchAll(/^ {4}([\w.-]+) \(([^)]+)\)$/gm)].map(([, name = "", version = ""]) => ({ name, version }));
}

/** Whether any source of the lock file brings this gem. */
export function hasGem(lock: string, name: string): boolean {
  return new RegExp(`^ {4}${name} \\(`, "m").test(lock);
}
