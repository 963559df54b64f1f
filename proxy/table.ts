/** Which host goes to which targets. A route is replaced as a whole, in one step: no request sees half of a flip. */

import type { Limits } from "./limits.ts";
import { LiveTarget } from "./live-target.ts";
import type { Route } from "./route.ts";

/** A route as it is in force. */
export type LiveRoute = {
  route: Route;
  targets: LiveTarget[];
  /** `performance.now()` since when it has no target, for one and the same reason; null while it has some. */
  emptySince: number | null;
};

export class Table {
  readonly #limits: Limits;
  readonly #byHost = new Map<string, LiveRoute>();
  readonly #byId = new Map<string, LiveRoute>();
  /** Every target that a route names or that still works on a request. */
  readonly #targets = new Map<string, LiveTarget>();
  /** Requests that wait for a change, by host. */
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** The route of a canonical host: an exact match or nothing. */
  find(host: string): LiveRoute | undefined {
    return this.#byHost.get(host);
  }

  /** Puts a route in force whose hosts no other route holds: every request from now on follows it. */
  put(route: Route): void {
    const before = this.#byId.get(route.id);
    const live: LiveRoute = { route, targets: route.targets.map((spec) => this.#target(spec)), emptySince: emptySince(route, before) };
    for (const host of before?.route.hosts ?? []) this.#byHost.delete(host);
    for (const host of route.hosts) this.#byHost.set(host, live);
    this.#byId.set(route.id, live);
    this.#retire(before?.targets ?? []);
    this.#wake(new Set([...(before?.route.hosts ?? []), ...route.hosts]));
  }

  remove(routeId: string): void {
    const before = this.#byId.get(routeId);
    if (before === undefined) return;
    for (const host of before.route.hosts) this.#byHost.delete(host);
    this.#byId.delete(routeId);
    this.#retire(before.targets);
    this.#wake(new Set(before.route.hosts));
  }

  /** Calls `wake` once, when the route of `host` changes; never after the function that this returns was called. */
  onChange(host: string, wake: () => void): () => void {
    let waiting = this.#waiting.get(host);
    if (waiting === undefined) this.#waiting.set(host, (waiting = new Set()));
    waiting.add(wake);
    return () => {
      waiting.delete(wake);
      if (waiting.size === 0 && this.#waiting.get(host) === waiting) this.#waiting.delete(host);
    };
  }

  target(id: string): LiveTarget | undefined {
    return this.#targets.get(id);
  }

  /** Closes connections that rested long enough and forgets targets that nobody names and nothing works on. */
  sweep(now: number): void {
    for (const [id, target] of this.#targets) {
      target.sweep(now);
      if (!target.live && target.load === 0) this.#targets.delete(id);
    }
  }

  /** Closes every connection at rest. */
  close(): void {
    for (const target of this.#targets.values()) target.retire();
  }

  #target(spec: Route["targets"][number]): LiveTarget {
    let target = this.#targets.get(spec.id);
    // An id that comes back at another address is another target.
    if (target === undefined || target.spec.address !== spec.address || target.spec.port !== spec.port) this.#targets.set(spec.id, (target = new LiveTarget(spec, this.#limits)));
    target.live = true;
    return target;
  }

  #retire(candidates: LiveTarget[]): void {
    for (const target of candidates) if (!this.#isRouted(target)) target.retire();
  }

  #wake(hosts: Set<string>): void {
    for (const host of hosts) {
      const waiting = this.#waiting.get(host);
      this.#waiting.delete(host);
      for (const wake of waiting ?? []) wake();
    }
  }

  #isRouted(target: LiveTarget): boolean {
    for (const live of this.#byId.values()) if (live.targets.includes(target)) return true;
    return false;
  }
}

function emptySince(route: Route, before: LiveRoute | undefined): number | null {
  if (route.targets.length > 0) return null;
  const same = before !== undefined && before.route.unavailable === route.unavailable;
  return (same ? before.emptySince : null) ?? performance.now();
}
