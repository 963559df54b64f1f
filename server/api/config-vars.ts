import type { FastifyInstance } from "fastify";
import { appOf, userOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";

// Names and values are judged by domain/config-vars.ts, in one place for every way in.
const CHANGE = { type: "object" };

/** Config vars: read and change. A change answers with the whole config once the new release serves. */
export function serveConfigVars(api: FastifyInstance, { pipeline }: ApiDeps): void {
  api.get("/apps/:app/config-vars", { schema: { summary: "The app's config vars" } }, async (request) => pipeline.current(appOf(request)).config);

  api.patch("/apps/:app/config-vars", { schema: { summary: "Set config vars; null removes one", body: CHANGE } }, async (request) => {
    const release = await pipeline.changeConfig(appOf(request), request.body, userOf(request));
    return release.config;
  });
}
