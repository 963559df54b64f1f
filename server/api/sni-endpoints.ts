import type { FastifyInstance } from "fastify";
import { readCertificate } from "../domain/certificate.ts";
import type { App, SniEndpoint } from "../domain/model.ts";
import { findEndpoint } from "../pipeline/binding.ts";
import { appOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";
import { sendPage, type SortKeys } from "./range.ts";
import { stableId } from "./stable-id.ts";

// What is in the two is judged by domain/certificate.ts.
const CERTIFICATE = {
  type: "object", additionalProperties: false, required: ["certificate_chain", "private_key"],
  properties: { certificate_chain: { type: "string" }, private_key: { type: "string" } },
};

type Body = { Body: { certificate_chain: string; private_key: string } };
type EndpointParams = { Params: { endpoint: string } };
const KEYS: SortKeys<SniEndpoint> = { name: ({ name }) => name, id: ({ id }) => id };

/** SNI endpoints: certificates, those that people bring and those that ACM gets. Private keys go in and never out. */
export function serveSniEndpoints(api: FastifyInstance, deps: ApiDeps): void {
  const { pipeline, store, acm } = deps;
  const given = ({ certificate_chain: certificateChain, private_key: privateKey }: Body["Body"]) => ({ certificateChain, privateKey });

  api.get("/apps/:app/sni-endpoints", { schema: { summary: "The app's certificates" } }, async (request, reply) => {
    const app = appOf(request);
    return sendPage(request, reply, store.sniEndpoints.list(app.id), KEYS, (endpoint) => endpointView(deps, app, endpoint));
  });

  api.post<Body>("/apps/:app/sni-endpoints", { schema: { summary: "Add a certificate", body: CERTIFICATE } }, async (request, reply) => {
    const app = appOf(request);
    return reply.code(201).send(endpointView(deps, app, await pipeline.addSniEndpoint(app, given(request.body))));
  });

  api.get<EndpointParams>("/apps/:app/sni-endpoints/:endpoint", { schema: { summary: "One certificate, by id or name" } }, async (request) => {
    const app = appOf(request);
    return endpointView(deps, app, findEndpoint(deps, app.id, request.params.endpoint));
  });

  api.patch<EndpointParams & Body>("/apps/:app/sni-endpoints/:endpoint", { schema: { summary: "Replace a certificate", body: CERTIFICATE } }, async (request) => {
    const app = appOf(request);
    return endpointView(deps, app, await pipeline.replaceCertificate(app, request.params.endpoint, given(request.body)));
  });

  api.delete<EndpointParams>("/apps/:app/sni-endpoints/:endpoint", { schema: { summary: "Remove a certificate" } }, async (request) => {
    const app = appOf(request);
    const view = endpointView(deps, app, findEndpoint(deps, app.id, request.params.endpoint));
    await pipeline.removeSniEndpoint(app, view.id);
    // Where ACM is on, domains that are left without a certificate are its own now.
    acm.look();
    return view;
  });
}

function endpointView({ store }: ApiDeps, app: App, endpoint: SniEndpoint) {
  const facts = readCertificate(endpoint.certificateChain);
  return {
    app: { id: app.id, name: app.name }, certificate_chain: endpoint.certificateChain, created_at: endpoint.createdAt, display_name: null,
    domains: store.domains.list(app.id).filter(({ sniEndpointId }) => sniEndpointId === endpoint.id).map(({ id }) => id), id: endpoint.id, name: endpoint.name,
    ssl_cert: {
      acm: endpoint.acmDomainId !== null, "ca_signed?": !facts.selfSigned, cert_domains: facts.names, expires_at: facts.expiresAt, id: stableId("ssl-cert", facts.fingerprint),
      issuer: facts.issuer, "self_signed?": facts.selfSigned, starts_at: facts.startsAt, subject: facts.subject,
    },
    updated_at: endpoint.updatedAt,
  };
}
