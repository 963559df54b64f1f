import type { FastifyInstance } from "fastify";
import { notFound } from "../errors.ts";

/** No app is in a Heroku pipeline yet; clients take this 404 for just that. */
export function servePipelineCouplings(api: FastifyInstance): void {
  api.get("/apps/:app/pipeline-couplings", { schema: { summary: "The app's pipeline" } }, async () => {
    throw notFound("pipeline_coupling", "This app is in no pipeline.");
  });
}
