import type { FastifyInstance } from "fastify";
import type { ApiDeps } from "./deps.ts";

/** Figures for Prometheus, which sends a token as `authorization: credentials` says. Admins only: they are of all apps. */
export function serveMetrics(api: FastifyInstance, { logs }: ApiDeps): void {
  api.get("/metrics", { schema: { summary: "Figures in Prometheus' text format" } }, async (_request, reply) =>
    reply.header("Content-Type", "text/plain; version=0.0.4; charset=utf-8").send(await logs.metrics.text()));
}
