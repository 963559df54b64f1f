/** The one place where routes and certificates change: checked, on disk, then in force everywhere; one change at a time. */

import type { Certificate, ServedCertificate } from "./certificate.ts";
import { checkCertificate, served } from "./certificates.ts";
import type { Challenge, Change, Member, Standing } from "./member.ts";
import type { Route } from "./route.ts";
import { checkRoute } from "./route-check.ts";
import { RouterError } from "./router-error.ts";
import { type Snapshot, saveSnapshot } from "./snapshot.ts";

export class RouteAuthority {
  readonly #snapshot: string;
  readonly #routes = new Map<string, Route>();
  readonly #holders = new Map<string, string>();
  readonly #certificates = new Map<string, Certificate>();
  readonly #challenges = new Map<string, Challenge>();
  readonly #members = new Set<Member>();
  #changes: Promise<unknown> = Promise.resolve();

  constructor(snapshot: string, { routes, certificates }: Snapshot) {
    this.#snapshot = snapshot;
    for (const route of routes) this.#keep(route);
    for (const certificate of certificates) this.#certificates.set(certificate.id, certificate);
  }

  /** Puts a route in force. See `Router` in client.ts for this and the next ones. Throws RouterError. */
  switchTo(value: unknown): Promise<void> {
    const route = checkRoute(value);
    if (typeof route === "string") return Promise.reject(new RouterError("invalid_route", route));
    return this.exclusively(async () => {
      this.#refuseConflict(route);
      if (JSON.stringify(this.#routes.get(route.id)) === JSON.stringify(route)) return;
      // On disk before in force: a crash between the two makes the switch come true, never a lie.
      await this.#save({ routes: [...this.routes().filter((other) => other.id !== route.id), route] });
      this.#forget(route.id);
      this.#keep(route);
      await this.#everywhere({ kind: "putRoute", route });
    });
  }

  remove(id: string): Promise<void> {
    return this.exclusively(async () => {
      if (!this.#routes.has(id)) return;
      await this.#save({ routes: this.routes().filter((route) => route.id !== id) });
      this.#forget(id);
      await this.#everywhere({ kind: "removeRoute", id });
    });
  }

  putCertificate(value: unknown): Promise<void> {
    const certificate = checkCertificate(value);
    if (typeof certificate === "string") return Promise.reject(new RouterError("invalid_certificate", certificate));
    return this.exclusively(async () => {
      const { id } = certificate;
      if (JSON.stringify(this.#certificates.get(id)) === JSON.stringify(certificate)) return;
      await this.#save({ certificates: [...this.#certificatesBut(id), certificate] });
      // Last in the map, so that it wins here as it does in the members.
      this.#certificates.delete(id);
      this.#certificates.set(id, certificate);
      await this.#everywhere({ kind: "putCertificate", certificate });
    });
  }

  removeCertificate(id: string): Promise<void> {
    return this.exclusively(async () => {
      if (!this.#certificates.has(id)) return;
      await this.#save({ certificates: this.#certificatesBut(id) });
      this.#certificates.delete(id);
      await this.#everywhere({ kind: "removeCertificate", id });
    });
  }

  certificates(): ServedCertificate[] {
    return [...this.#certificates.values()].map(served);
  }

  putChallenge(challenge: Challenge): Promise<void> {
    return this.exclusively(async () => {
      this.#challenges.set(challenge.token, challenge);
      await this.#everywhere({ kind: "putChallenge", challenge });
    });
  }

  removeChallenge(token: string): Promise<void> {
    return this.exclusively(async () => {
      this.#challenges.delete(token);
      await this.#everywhere({ kind: "removeChallenge", token });
    });
  }

  async drain(targetIds: string[], timeoutMs: number): Promise<{ cut: number }> {
    for (const route of this.#routes.values())
      for (const target of route.targets) if (targetIds.includes(target.id)) throw new RouterError("target_live", target.id);
    return { cut: await this.#sum((member) => member.drain(targetIds, timeoutMs)) };
  }

  routes(): Route[] {
    return [...this.#routes.values()];
  }

  inFlight(): Promise<number> {
    return this.#sum((member) => member.inFlight());
  }

  /** Everything that is in force: what a new member begins with. */
  standing(): Standing {
    return { routes: this.routes(), certificates: [...this.#certificates.values()], challenges: [...this.#challenges.values()] };
  }

  /** Makes a member from what is in force; no change comes between its making and its joining. */
  join<M extends Member>(make: (standing: Standing) => Promise<M>): Promise<M> {
    return this.exclusively(async () => {
      const member = await make(this.standing());
      this.#members.add(member);
      return member;
    });
  }

  leave(member: Member): void {
    this.#members.delete(member);
  }

  /** Everyone who serves by this authority, as one. */
  everyone(): Member {
    return {
      apply: (change) => this.#everywhere(change),
      drain: (targetIds, timeoutMs) => this.#sum((member) => member.drain(targetIds, timeoutMs)),
      inFlight: () => this.inFlight(),
    };
  }

  /** Runs `work` after all changes asked for before it, and before all that are asked for later. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#changes.then(work);
    this.#changes = result.catch(() => {});
    return result;
  }

  /** Resolves when the changes asked for so far are done. */
  async settled(): Promise<void> {
    await this.#changes;
  }

  async #everywhere(change: Change): Promise<void> {
    await Promise.all([...this.#members].map((member) => member.apply(change)));
  }

  async #sum(of: (member: Member) => Promise<number>): Promise<number> {
    const numbers = await Promise.all([...this.#members].map(of));
    return numbers.reduce((sum, one) => sum + one, 0);
  }

  #refuseConflict(route: Route): void {
    for (const host of route.hosts) {
      const holder = this.#holders.get(host);
      if (holder !== undefined && holder !== route.id) throw new RouterError("host_in_use", host);
    }
  }

  #certificatesBut(id: string): Certificate[] {
    return [...this.#certificates.values()].filter((certificate) => certificate.id !== id);
  }

  #keep(route: Route): void {
    this.#routes.set(route.id, route);
    for (const host of route.hosts) this.#holders.set(host, route.id);
  }

  #forget(routeId: string): void {
    for (const host of this.#routes.get(routeId)?.hosts ?? []) this.#holders.delete(host);
    this.#routes.delete(routeId);
  }

  async #save(next: Partial<Snapshot>): Promise<void> {
    try {
      await saveSnapshot(this.#snapshot, { routes: this.routes(), certificates: [...this.#certificates.values()], ...next });
    } catch (error) {
      throw new RouterError("snapshot_failed", (error as NodeJS.ErrnoException).code ?? "unknown", { cause: error });
    }
  }
}
