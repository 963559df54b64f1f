import type { FastifyInstance } from "fastify";
import { appHost } from "../domain/hostname.ts";
import type { App, Domain } from "../domain/model.ts";
import { invalidParams } from "../errors.ts";
import { findDomain } from "../pipeline/binding.ts";
import { endpointOfOwnHost } from "../pipeline/served-certificates.ts";
import { appOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";
import { sendPage, type SortKeys } from "./range.ts";
import { stableId } from "./stable-id.ts";

// The rules of host names are domain/custom-domain.ts's.
const ENDPOINT = { type: ["string", "null"], minLength: 1, maxLength: 100 };
const ADD = { type: "object", additionalProperties: false, required: ["hostname"], properties: { hostname: { type: "string" }, sni_endpoint: ENDPOINT } };
const BIND = { type: "object", additionalProperties: false, required: ["sni_endpoint"], properties: { sni_endpoint: ENDPOINT } };

type View = ReturnType<typeof domainView>;
type DomainParams = { Params: { domain: string } };
const KEYS: SortKeys<View> = { hostname: ({ hostname }) => hostname, id: ({ id }) => id };

/** Domains: the app's own host (kind heroku) and its custom ones. */
export function serveDomains(api: FastifyInstance, deps: ApiDeps): void {
  const { pipeline, store, acm } = deps;

  api.get("/apps/:app/domains", { schema: { summary: "The app's domains" } }, async (request, reply) => {
    const app = appOf(request);
    const views = [ownHostView(deps, app), ...store.domains.list(app.id).map((domain) => domainView(deps, app, domain))];
    return sendPage(request, reply, views, KEYS, (view) => view);
  });

  api.post<{ Body: { hostname: string; sni_endpoint?: string | null } }>("/apps/:app/domains", { schema: { summary: "Add a custom domain", body: ADD } }, async (request, reply) => {
    const app = appOf(request);
    const domain = await pipeline.addDomain(app, request.body.hostname, request.body.sni_endpoint);
    acm.look();
    return reply.code(201).send(domainView(deps, app, domain));
  });

  api.get<DomainParams>("/apps/:app/domains/:domain", { schema: { summary: "One domain, by id or hostname" } }, async (request) => {
    const app = appOf(request);
    const own = ownHostView(deps, app);
    const { domain: key } = request.params;
    return key === own.id || key === own.hostname ? own : domainView(deps, app, findDomain(deps, app.id, key));
  });

  api.patch<DomainParams & { Body: { sni_endpoint: string | null } }>("/apps/:app/domains/:domain", { schema: { summary: "Show another certificate for a domain", body: BIND } }, async (request) => {
    const app = appOf(request);
    refuseOwnHost(deps, app, request.params.domain);
    const domain = await pipeline.bindDomain(app, request.params.domain, request.body.sni_endpoint);
    acm.look();
    return domainView(deps, app, domain);
  });

  api.delete<DomainParams>("/apps/:app/domains/:domain", { schema: { summary: "Remove a custom domain" } }, async (request) => {
    const app = appOf(request);
    refuseOwnHost(deps, app, request.params.domain);
    const view = domainView(deps, app, findDomain(deps, app.id, request.params.domain));
    await pipeline.removeDomain(app, view.id);
    return view;
  });
}

function domainView({ store, config }: ApiDeps, app: App, domain: Domain) {
  const endpoint = domain.sniEndpointId === null ? undefined : store.sniEndpoints.find(domain.sniEndpointId);
  return {
    acm_status: domain.acmStatus as string | null, acm_status_reason: domain.acmStatusReason, app: { id: app.id, name: app.name },
    cname: appHost(app.name, config.domain) as string | null, created_at: domain.createdAt, hostname: domain.hostname, id: domain.id, kind: "custom",
    sni_endpoint: endpoint ? { id: endpoint.id, name: endpoint.name } : null, status: "succeeded", updated_at: domain.updatedAt,
  };
}

/** The host that the app has from birth: it has no row, and nothing of it can be changed. */
function ownHostView(deps: ApiDeps, app: App): View {
  const key = endpointOfOwnHost(deps, app);
  const endpoint = key === undefined ? undefined : deps.store.sniEndpoints.find(key);
  return {
    acm_status: null, acm_status_reason: null, app: { id: app.id, name: app.name }, cname: null, created_at: app.createdAt,
    hostname: appHost(app.name, deps.config.domain), id: stableId("domain", app.id), kind: "heroku",
    sni_endpoint: endpoint ? { id: endpoint.id, name: endpoint.name } : null, status: "succeeded", updated_at: app.updatedAt,
  };
}

function refuseOwnHost(deps: ApiDeps, app: App, key: string): void {
  const { id, hostname } = ownHostView(deps, app);
  if (key === id || key === hostname) throw invalidParams(`domain: ${hostname} is the app's own and stays as it is; custom domains can be changed.`);
}
