import type { FastifyInstance } from "fastify";
import { applyConfigChange } from "../domain/config-vars.ts";
import { pipelineOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";

// Names and values are judged by domain/config-vars.ts, in one place for every way in.
const CHANGE = { type: "object" };

/** What the tests of a pipeline's apps find in their environment (`heroku ci:config`): read and change. */
export function serveTestConfigVars(api: FastifyInstance, { store }: ApiDeps): void {
  api.get("/pipelines/:pipeline/stage/test/config-vars", { schema: { summary: "Config vars of a pipeline's tests" } }, async (request) => store.testRuns.config(pipelineOf(request).id));

  api.patch("/pipelines/:pipeline/stage/test/config-vars", { schema: { summary: "Set config vars of a pipeline's tests; null removes one", body: CHANGE } }, async (request) => {
    const { id } = pipelineOf(request);
    const config = applyConfigChange(store.testRuns.config(id), request.body);
    store.testRuns.setConfig(id, config, new Date().toISOString());
    return config;
  });
}
