/** Desired state against what runs: what to keep, what to start, what to throw away. Nothing that runs is ever altered. */

/** A dyno that a release asks for. */
export type Wanted = { type: string; number: number; fingerprint: string };

/** What is known of a dyno that exists. */
export type Existing = Wanted & { id: string; running: boolean };

export type Plan<E extends Existing> = { keep: E[]; start: Wanted[]; discard: E[] };

/**
 * @param live ids that the router sends requests to: of two equal dynos these are kept.
 * @param stale existing dynos that must not be kept although they match (a restart).
 */
export function plan<E extends Existing>(wanted: Wanted[], existing: E[], live: ReadonlySet<string>, stale: (dyno: E) => boolean = () => false): Plan<E> {
  const keep: E[] = [];
  const start: Wanted[] = [];
  const candidates = existing.filter((dyno) => dyno.running && !stale(dyno)).sort((a, b) => Number(live.has(b.id)) - Number(live.has(a.id)));
  for (const want of wanted) {
    const match = candidates.find((dyno) => dyno.type === want.type && dyno.number === want.number && dyno.fingerprint === want.fingerprint);
    if (match) keep.push(match);
    else start.push(want);
  }
  return { keep, start, discard: existing.filter((dyno) => !keep.includes(dyno)) };
}
