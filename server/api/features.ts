import type { FastifyInstance } from "fastify";
import { sendPage } from "./range.ts";

/** Switches of an app that Heroku calls features: none yet. */
export function serveFeatures(api: FastifyInstance): void {
  api.get("/apps/:app/features", { schema: { summary: "The app's features" } }, async (request, reply) =>
    sendPage<{ id: string; name: string }>(request, reply, [], { id: ({ id }) => id, name: ({ name }) => name }, (feature) => feature));
}
