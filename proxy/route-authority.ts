/** The one place where routes change: checked, on disk, then in force everywhere; one change at a time. */

import type { Route } from "./route.ts";
import { checkRoute } from "./route-check.ts";
import { RouterError } from "./router-error.ts";
import { saveSnapshot } from "./snapshot.ts";

/** Something that serves by the routes: this process, or a worker. None of these rejects: one that is gone is done. */
export type Member = {
  put(route: Route): Promise<void>;
  remove(routeId: string): Promise<void>;
  /** Returns how many requests had to be cut. */
  drain(targetIds: string[], timeoutMs: number): Promise<number>;
  inFlight(): Promise<number>;
};

export class RouteAuthority {
  readonly #snapshot: string;
  readonly #routes = new Map<string, Route>();
  readonly #holders = new Map<string, string>();
  readonly #members = new Set<Member>();
  #changes: Promise<unknown> = Promise.resolve();

  constructor(snapshot: string, routes: Route[]) {
    this.#snapshot = snapshot;
    for (const route of routes) this.#keep(route);
  }

  /** Puts a route in force. See `Router.switchTo` in client.ts for this and the next three. Throws RouterError. */
  switchTo(value: unknown): Promise<void> {
    const route = checkRoute(value);
    if (typeof route === "string") return Promise.reject(new RouterError("invalid_route", route));
    return this.#change(async () => {
      this.#refuseConflict(route);
      if (JSON.stringify(this.#routes.get(route.id)) === JSON.stringify(route)) return;
      // On disk before in force: a crash between the two makes the switch come true, never a lie.
      await this.#save([...this.routes().filter((other) => other.id !== route.id), route]);
      this.#forget(route.id);
      this.#keep(route);
      await this.#everywhere((member) => member.put(route));
    });
  }

  remove(routeId: string): Promise<void> {
    return this.#change(async () => {
      if (!this.#routes.has(routeId)) return;
      await this.#save(this.routes().filter((route) => route.id !== routeId));
      this.#forget(routeId);
      await this.#everywhere((member) => member.remove(routeId));
    });
  }

  async drain(targetIds: string[], timeoutMs: number): Promise<{ cut: number }> {
    for (const route of this.#routes.values())
      for (const target of route.targets) if (targetIds.includes(target.id)) throw new RouterError("target_live", target.id);
    const cut = await Promise.all([...this.#members].map((member) => member.drain(targetIds, timeoutMs)));
    return { cut: cut.reduce((sum, one) => sum + one, 0) };
  }

  routes(): Route[] {
    return [...this.#routes.values()];
  }

  async inFlight(): Promise<number> {
    const busy = await Promise.all([...this.#members].map((member) => member.inFlight()));
    return busy.reduce((sum, one) => sum + one, 0);
  }

  /** Makes a member from the routes in force; no change comes between its making and its joining. */
  join<M extends Member>(make: (routes: Route[]) => Promise<M>): Promise<M> {
    return this.#change(async () => {
      const member = await make(this.routes());
      this.#members.add(member);
      return member;
    });
  }

  leave(member: Member): void {
    this.#members.delete(member);
  }

  /** Resolves when the changes asked for so far are done. */
  async settled(): Promise<void> {
    await this.#changes;
  }

  #change<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#changes.then(change);
    this.#changes = result.catch(() => {});
    return result;
  }

  async #everywhere(act: (member: Member) => Promise<void>): Promise<void> {
    await Promise.all([...this.#members].map(act));
  }

  #refuseConflict(route: Route): void {
    for (const host of route.hosts) {
      const holder = this.#holders.get(host);
      if (holder !== undefined && holder !== route.id) throw new RouterError("host_in_use", host);
    }
  }

  #keep(route: Route): void {
    this.#routes.set(route.id, route);
    for (const host of route.hosts) this.#holders.set(host, route.id);
  }

  #forget(routeId: string): void {
    for (const host of this.#routes.get(routeId)?.hosts ?? []) this.#holders.delete(host);
    this.#routes.delete(routeId);
  }

  async #save(routes: Route[]): Promise<void> {
    try {
      await saveSnapshot(this.#snapshot, routes);
    } catch (error) {
      throw new RouterError("snapshot_failed", (error as NodeJS.ErrnoException).code ?? "unknown", { cause: error });
    }
  }
}
