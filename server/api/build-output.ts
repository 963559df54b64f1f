/** A build's output, under a URL that is itself the permission. */

import type { FastifyInstance, FastifyReply } from "fastify";
import { notFound } from "../errors.ts";
import type { ApiDeps } from "./deps.ts";
import type { OutputUrls } from "./output-urls.ts";

/** The output as plain text, live while the build runs; the answer ends when the build does. */
export function serveBuildOutput(fastify: FastifyInstance, deps: ApiDeps, urls: OutputUrls): void {
  fastify.get<{ Params: { build: string; capability: string } }>("/build-output/:build/:capability", { schema: { summary: "A build's output" } }, async ({ params }, reply) => {
    const build = urls.permits(params.build, params.capability) ? deps.store.builds.find(params.build) : undefined;
    if (!build) throw notFound("build");
    return sendText(reply, deps.pipeline.buildOutput(build));
  });
}

/** Text as it comes, kept by nobody on the way. */
export function sendText(reply: FastifyReply, text: NodeJS.ReadableStream): FastifyReply {
  return reply.header("Content-Type", "text/plain; charset=utf-8").header("Cache-Control", "no-store").header("X-Content-Type-Options", "nosniff").send(text);
}
