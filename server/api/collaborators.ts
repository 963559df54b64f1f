import type { FastifyInstance } from "fastify";
import { userRef } from "./account.ts";
import { appOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";
import { sendPage } from "./range.ts";
import { stableId } from "./stable-id.ts";

/** Who may touch an app: its owner. */
export function serveCollaborators(api: FastifyInstance, deps: ApiDeps): void {
  api.get("/apps/:app/collaborators", { schema: { summary: "Who may touch the app" } }, async (request, reply) => {
    const app = appOf(request);
    const owner = {
      app: { id: app.id, name: app.name }, created_at: app.createdAt, id: stableId("collaborator", app.id, app.ownerId),
      permissions: [], role: "owner", updated_at: app.createdAt, user: { ...userRef(deps.store, app.ownerId), federated: false },
    };
    return sendPage(request, reply, [owner], { id: ({ id }) => id }, (item) => item);
  });
}
