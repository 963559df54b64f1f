import type { FastifyInstance } from "fastify";
import type { App, LogDrain } from "../domain/model.ts";
import { appOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";
import { sendPage, type SortKeys } from "./range.ts";

const KEYS: SortKeys<LogDrain> = { id: (drain) => drain.id, url: (drain) => drain.url };
const CREATE = { type: "object", additionalProperties: false, required: ["url"], properties: { url: { type: "string", maxLength: 2000 } } };

type DrainParams = { Params: { drain: string } };

/** Log drains (devcenter: platform-api-reference#log-drain): list, add, info, remove. */
export function serveLogDrains(api: FastifyInstance, { logs: { drains }, store }: ApiDeps): void {
  api.get("/apps/:app/log-drains", { schema: { summary: "The app's log drains" } }, async (request, reply) => {
    const app = appOf(request);
    return sendPage(request, reply, store.logDrains.list(app.id), KEYS, (drain) => view(app, drain));
  });

  api.post<{ Body: { url: string } }>("/apps/:app/log-drains", { schema: { summary: "Add a log drain", body: CREATE } }, async (request, reply) => {
    const app = appOf(request);
    return reply.code(201).send(view(app, await drains.add(app, request.body.url)));
  });

  api.get<DrainParams>("/apps/:app/log-drains/:drain", { schema: { summary: "One log drain, by id, URL or token" } }, async (request) => {
    const app = appOf(request);
    return view(app, drains.find(app, request.params.drain));
  });

  api.delete<DrainParams>("/apps/:app/log-drains/:drain", { schema: { summary: "Remove a log drain" } }, async (request) => {
    const app = appOf(request);
    const drain = drains.find(app, request.params.drain);
    const last = view(app, drain);
    drains.remove(drain);
    return last;
  });

  /** Heroku's object, and how the drain fares since the control plane's start. */
  function view(app: App, drain: LogDrain) {
    const { delivered, dropped, waiting, lastError } = drains.state(drain);
    return {
      addon: null, app: { id: app.id, name: app.name }, created_at: drain.createdAt, id: drain.id, token: drain.token, updated_at: drain.updatedAt, url: drain.url,
      delivered, dropped, last_error: lastError, waiting,
    };
  }
}
