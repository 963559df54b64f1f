/** Custom domains: a name more or less in the app's route. */

import { randomUUID } from "node:crypto";
import { RouterError } from "../../proxy/client.ts";
import { customHostname, MAX_DOMAINS } from "../domain/custom-domain.ts";
import type { App, Domain } from "../domain/model.ts";
import { AppError, invalidParams } from "../errors.ts";
import { bind, bindAutomatically, covers, findDomain, findEndpoint } from "./binding.ts";
import type { Parts } from "./parts.ts";
import type { Pipeline } from "./pipeline.ts";
import { serveCertificates } from "./served-certificates.ts";

type DomainChanges = Pick<Pipeline, "addDomain" | "bindDomain" | "removeDomain">;
export type RoutingParts = Pick<Parts, "store" | "router" | "lock" | "config" | "now" | "log">;

/** @param reroute brings the app's route to what the database says, without starting anything. */
export function createDomainChanges(parts: RoutingParts, reroute: (app: App) => Promise<unknown>): DomainChanges {
  const { store, lock, config, now, log } = parts;

  /** Nothing is half a domain: what the router did not take is not in the database either. */
  const orUndo = async (work: () => Promise<unknown>, undo: () => void): Promise<void> => {
    try {
      await work();
    } catch (error) {
      // Gone meanwhile is the app's own end: there is nothing to undo.
      if (!(error instanceof AppError && error.id === "not_found")) store.transaction(undo);
      throw error instanceof RouterError && error.id === "host_in_use" ? new AppError("conflict", `hostname: ${error.what} is just being moved between apps; try again in a moment.`, { cause: error }) : error;
    }
  };

  return {
    addDomain: (app, given, sniEndpoint) =>
      lock.run(app.id, async () => {
        const hostname = customHostname(given, config.domain);
        const taken = store.domains.findByHostname(hostname);
        if (taken) throw new AppError("conflict", taken.appId === app.id ? `hostname: ${hostname} belongs to this app already.` : `hostname: ${hostname} is in use by another app: remove it there first.`);
        if (store.domains.hostnames(app.id).length >= MAX_DOMAINS) throw invalidParams(`hostname: an app can have at most ${MAX_DOMAINS} domains; remove one first.`);
        const endpoint = typeof sniEndpoint === "string" ? coveringEndpoint(parts, app, hostname, sniEndpoint) : undefined;
        const at = now();
        const domain: Domain = {
          id: randomUUID(), appId: app.id, hostname, sniEndpointId: null, acmStatus: null, acmStatusReason: null, acmFailures: 0, acmDueAt: null, createdAt: at, updatedAt: at,
        };
        store.transaction(() => {
          store.domains.insert(domain);
          if (endpoint) bind(parts, domain, endpoint);
          else bindAutomatically(parts, [domain]);
        });
        await orUndo(async () => {
          await reroute(app);
          await serveCertificates(parts);
        }, () => store.domains.remove(domain.id));
        log.info({ app: app.name, domain: hostname }, "domain added");
        return findDomain(parts, app.id, domain.id);
      }),

    bindDomain: (app, key, sniEndpoint) =>
      lock.run(app.id, async () => {
        const before = findDomain(parts, app.id, key);
        const endpoint = sniEndpoint === null ? undefined : coveringEndpoint(parts, app, before.hostname, sniEndpoint);
        const own = store.sniEndpoints.ofAcm(before.id);
        store.transaction(() => bind(parts, before, endpoint));
        await orUndo(() => serveCertificates(parts), () => {
          if (own && own.id !== endpoint?.id) store.sniEndpoints.insert(own);
          store.domains.update(before);
        });
        return findDomain(parts, app.id, before.id);
      }),

    removeDomain: (app, key) =>
      lock.run(app.id, async () => {
        const domain = findDomain(parts, app.id, key);
        const own = store.sniEndpoints.ofAcm(domain.id);
        store.domains.remove(domain.id);
        await orUndo(() => reroute(app), () => {
          store.domains.insert({ ...domain, sniEndpointId: null });
          if (own) store.sniEndpoints.insert(own);
          store.domains.update(domain);
        });
        // The host is gone from the route; a certificate more in the router serves nobody and goes at the supervisor's next look.
        await serveCertificates(parts).catch((error: unknown) => log.warn({ app: app.name, err: error }, "a certificate is left for the next look"));
        log.info({ app: app.name, domain: domain.hostname }, "domain removed");
        return domain;
      }),
  };
}

function coveringEndpoint(parts: RoutingParts, app: App, hostname: string, key: string): ReturnType<typeof findEndpoint> {
  const endpoint = findEndpoint(parts, app.id, key);
  if (!covers(endpoint, hostname)) throw invalidParams(`sni_endpoint: the certificate of ${endpoint.name} does not cover ${hostname}; choose or add one that does.`);
  return endpoint;
}
