import type { FastifyInstance } from "fastify";
import type { ApiDeps } from "./deps.ts";

/** `GET /health`, for whoever supervises the process. */
export function serveHealth(fastify: FastifyInstance, deps: Pick<ApiDeps, "ready">): void {
  fastify.get("/health", { schema: { summary: "Whether the control plane is ready" } }, async (_request, reply) => {
    const ready = deps.ready();
    return reply.code(ready ? 200 : 503).send({ status: ready ? "ok" : "starting" });
  });
}
