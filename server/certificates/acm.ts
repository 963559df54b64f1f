/** Automated certificate management (devcenter: automated-certificate-management): every custom domain of an app with ACM gets a certificate and keeps a valid one. */

import { randomUUID } from "node:crypto";
import { nextTry, renewalTime } from "../domain/acm.ts";
import { checkCertificate } from "../domain/certificate.ts";
import { coversHost } from "../domain/custom-domain.ts";
import type { App, Domain, SniEndpoint } from "../domain/model.ts";
import { AppError, invalidParams } from "../errors.ts";
import { bind, bindAutomatically } from "../pipeline/binding.ts";
import type { RoutingParts } from "../pipeline/domains.ts";
import { serveCertificates } from "../pipeline/served-certificates.ts";
import { freeName } from "../pipeline/sni-endpoints.ts";
import { IssuanceFailed, type Authority } from "./authority.ts";

export type Acm = {
  start(): void;
  /** Breaks off what is under way; resolves when nothing of it runs any more. */
  stop(): Promise<void>;
  /** Something may be due: a domain was added, or bound to nothing. */
  look(): void;
  /** Asks for certificates from now on. @throws AppError invalid_params where nothing could show them */
  enable(app: App): Promise<void>;
  /** Tries at once what has no certificate yet. @throws AppError invalid_params when ACM is off */
  refresh(app: App): Promise<void>;
  /** Throws the certificates away that it got. */
  disable(app: App): Promise<void>;
};

/** Authorities count what one address asks at once. */
const AT_ONCE = 3;
const ISSUE_MS = 5 * 60_000;
const MAX_SLEEP_MS = 60 * 60_000;

/** @param random 0 to 1 */
export function createAcm(parts: RoutingParts, authority: Authority, random: () => number = Math.random): Acm {
  const { store, lock, config, now, log } = parts;
  const running = new Map<string, Promise<void>>();
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let started = false;

  function look(): void {
    clearTimeout(timer);
    if (!started || stopping.signal.aborted) return;
    const at = now();
    for (const domain of store.domains.due(at)) {
      if (running.size >= AT_ONCE) return;
      if (!running.has(domain.id)) begin(domain);
    }
    const next = store.domains.nextDue(at);
    if (next === undefined) return;
    timer = setTimeout(look, Math.min(Math.max(Date.parse(next) - Date.parse(at), 1), MAX_SLEEP_MS));
    timer.unref();
  }

  function begin(domain: Domain): void {
    // Counted before it is tried: a control plane that dies of it, again and again, does not use the authority's patience up.
    const tried = { ...domain, acmFailures: domain.acmFailures + 1 };
    store.domains.update({ ...tried, acmDueAt: nextTry(tried.acmFailures, new Date(now()), random()) });
    const work = obtain(tried).catch((error: unknown) => log.error({ domain: domain.hostname, err: error }, "a certificate could not be kept")).finally(() => {
      running.delete(domain.id);
      look();
    });
    running.set(domain.id, work);
  }

  async function obtain(domain: Domain): Promise<void> {
    try {
      const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(ISSUE_MS)]);
      const { chain, key } = await authority.issue(domain.hostname, signal);
      await keep(domain, chain, key);
    } catch (error) {
      if (stopping.signal.aborted) return;
      await noteFailure(domain, error);
    }
  }

  /** Writes the certificate down and lets the router have it, unless nobody wants it any more. */
  async function keep({ id, appId, hostname }: Domain, chainPem: string, keyPem: string): Promise<void> {
    const { chain, key, facts } = checkCertificate(chainPem, keyPem, new Date(now()));
    if (!coversHost(facts.names, hostname)) throw new IssuanceFailed("The certificate authority gave one that does not cover the domain.", 0);
    await lock.run(appId, async () => {
      const domain = wanted(id);
      if (!domain) return;
      const at = now();
      const before = store.sniEndpoints.ofAcm(id);
      const endpoint: SniEndpoint = before
        ? { ...before, certificateChain: chain, privateKey: key, updatedAt: at }
        : { id: randomUUID(), appId, name: freeName(parts), certificateChain: chain, privateKey: key, acmDomainId: id, createdAt: at, updatedAt: at };
      store.transaction(() => {
        if (before) store.sniEndpoints.update(endpoint);
        else store.sniEndpoints.insert(endpoint);
        bind(parts, domain, endpoint);
      });
      await serve();
      // Said when it is so: whoever reads it may look at the site.
      const bound = wanted(id);
      if (bound) store.domains.update({ ...bound, acmStatus: "cert issued", acmStatusReason: null, acmFailures: 0, acmDueAt: renewalTime(facts), updatedAt: now() });
      log.info({ domain: hostname, expiresAt: facts.expiresAt }, "certificate issued");
    });
  }

  async function noteFailure({ id, appId, hostname }: Domain, error: unknown): Promise<void> {
    const reason = error instanceof IssuanceFailed || error instanceof AppError ? error.message : "The platform could not ask for a certificate. Its log says why.";
    await lock.run(appId, async () => {
      const domain = wanted(id);
      if (!domain) return;
      const at = now();
      const acmDueAt = nextTry(domain.acmFailures, new Date(at), random(), error instanceof IssuanceFailed ? error.retryAfterMs : 0);
      store.domains.update({ ...domain, acmStatus: "failing", acmStatusReason: reason, acmDueAt, updatedAt: at });
      log.warn({ domain: hostname, err: error, nextTry: acmDueAt }, "no certificate");
    });
  }

  /** The domain, if it still waits for a certificate of ours. */
  function wanted(id: string): Domain | undefined {
    const domain = store.domains.find(id);
    return domain !== undefined && domain.acmStatus !== null ? domain : undefined;
  }

  /** What the router does not hear now, it hears at the supervisor's next look. */
  async function serve(): Promise<void> {
    await serveCertificates(parts).catch((error: unknown) => log.warn({ err: error }, "the router does not have all certificates"));
  }

  return {
    start() {
      started = true;
      look();
    },
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await Promise.all(running.values());
    },
    look,
    enable: (app) =>
      lock.run(app.id, async () => {
        if (config.httpsPort === undefined) throw invalidParams("acm: nothing would show the certificates, for the router has no port for TLS. The operator sets one (PAAS_HTTPS_PORT).");
        store.transaction(() => {
          store.switches.set(app.id, "acm", true, now());
          // ACM begins with every domain that no certificate is bound to.
          for (const domain of store.domains.list(app.id)) bind(parts, domain, domain.sniEndpointId === null ? undefined : store.sniEndpoints.find(domain.sniEndpointId));
        });
        log.info({ app: app.name }, "ACM is on");
        look();
      }),
    refresh: (app) =>
      lock.run(app.id, async () => {
        if (!store.switches.of(app.id).has("acm")) throw invalidParams("acm_refresh: ACM is off for this app: turn it on first (POST /apps/:app/acm).");
        const at = now();
        for (const domain of store.domains.list(app.id))
          if (domain.acmStatus !== null && domain.acmStatus !== "cert issued") store.domains.update({ ...domain, acmStatus: "pending", acmFailures: 0, acmDueAt: at, updatedAt: at });
        look();
      }),
    disable: (app) =>
      lock.run(app.id, async () => {
        store.transaction(() => {
          store.switches.set(app.id, "acm", false, now());
          for (const domain of store.domains.list(app.id)) {
            const own = store.sniEndpoints.ofAcm(domain.id);
            if (own) store.sniEndpoints.remove(own.id);
            if (own && domain.sniEndpointId === own.id) bindAutomatically(parts, [domain]);
            else bind(parts, domain, domain.sniEndpointId === null ? undefined : store.sniEndpoints.find(domain.sniEndpointId));
          }
        });
        log.info({ app: app.name }, "ACM is off");
        await serve();
      }),
  };
}
