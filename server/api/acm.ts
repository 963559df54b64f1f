import type { FastifyInstance } from "fastify";
import { appView } from "./apps.ts";
import { appOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";

const NOTHING = { type: "object", additionalProperties: false, properties: {} };
const REFRESH = { type: "object", additionalProperties: false, required: ["acm_refresh"], properties: { acm_refresh: { const: true } } };

/** Automated certificate management: on, try again now, off. Each answers with the app; how it goes on stands in its domains. */
export function serveAcm(api: FastifyInstance, deps: ApiDeps): void {
  const { acm } = deps;

  api.post("/apps/:app/acm", { schema: { summary: "Turn automated certificates on", body: NOTHING } }, async (request) => {
    const app = appOf(request);
    await acm.enable(app);
    return appView(deps, request, app);
  });

  api.patch("/apps/:app/acm", { schema: { summary: "Ask again for the certificates that are missing", body: REFRESH } }, async (request) => {
    const app = appOf(request);
    await acm.refresh(app);
    return appView(deps, request, app);
  });

  api.delete("/apps/:app/acm", { schema: { summary: "Turn automated certificates off" } }, async (request) => {
    const app = appOf(request);
    await acm.disable(app);
    return appView(deps, request, app);
  });
}
