import type { FastifyInstance } from "fastify";
import { sendPage } from "./range.ts";

/** An app's add-ons: none yet. `heroku apps:info` asks for them. */
export function serveAddons(api: FastifyInstance): void {
  api.get("/apps/:app/addons", { schema: { summary: "The app's add-ons" } }, async (request, reply) =>
    sendPage<{ id: string; name: string }>(request, reply, [], { id: ({ id }) => id, name: ({ name }) => name }, (addon) => addon));
}
