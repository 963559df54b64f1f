/** A build's output under a URL that is itself the permission: Heroku's clients fetch it without a token. */

import type { FastifyInstance } from "fastify";
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Build } from "../domain/model.ts";
import { notFound } from "../errors.ts";
import type { ApiDeps } from "./deps.ts";

export type BuildOutputUrls = ReturnType<typeof createBuildOutputUrls>;

/** Paths that only who can read a build learns. They hold as long as this process lives: a client asks the build anew for the next. */
export function createBuildOutputUrls() {
  const key = randomBytes(32);
  const capability = (buildId: string): string => createHmac("sha256", key).update(buildId).digest("base64url");
  return {
    path: (build: Build): string => `/build-output/${build.id}/${capability(build.id)}`,
    permits(buildId: string, given: string): boolean {
      const [expected, actual] = [Buffer.from(capability(buildId)), Buffer.from(given)];
      return expected.length === actual.length && timingSafeEqual(expected, actual);
    },
  };
}

/** The output as plain text, live while the build runs; the answer ends when the build does. */
export function serveBuildOutput(fastify: FastifyInstance, deps: ApiDeps, urls: BuildOutputUrls): void {
  fastify.get<{ Params: { build: string; capability: string } }>("/build-output/:build/:capability", { schema: { summary: "A build's output" } }, async ({ params }, reply) => {
    const build = urls.permits(params.build, params.capability) ? deps.store.builds.find(params.build) : undefined;
    if (!build) throw notFound("build");
    return reply.header("Content-Type", "text/plain; charset=utf-8").header("Cache-Control", "no-store").header("X-Content-Type-Options", "nosniff").send(deps.pipeline.buildOutput(build));
  });
}
