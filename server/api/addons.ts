/** Add-ons: the catalogue is empty. Lists are, and whatever names an add-on, a service or a plan finds none, in Heroku's words. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { notFound } from "../errors.ts";
import { findApp, userOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";
import { sendPage } from "./range.ts";

const WORD = { type: ["string", "null"], maxLength: 200 };
const RESOLVE = { type: "object", properties: { addon: WORD, addon_attachment: WORD, app: WORD, addon_service: WORD } };
const CREATE = { type: "object", properties: { plan: { type: ["object", "string"] } } };
const ATTACH = { type: "object", properties: { addon: { type: ["object", "string"] }, app: { type: ["object", "string"] }, name: WORD } };

const EMPTY: [path: string, summary: string][] = [
  ["/addons", "Your add-ons: none"], ["/apps/:app/addons", "The app's add-ons: none"], ["/addon-attachments", "Your add-on attachments: none"], ["/apps/:app/addon-attachments", "The app's add-on attachments: none"],
  ["/addon-services", "The catalogue of add-ons: empty"],
];
const NOTHING: [path: string, summary: string, refusal: () => Error][] = [
  ["/addons/:addon", "One add-on: none is there", addOn], ["/apps/:app/addons/:addon", "One add-on: none is there", addOn], ["/addon-attachments/:attachment", "One attachment: none is there", attachment],
  ["/apps/:app/addon-attachments/:attachment", "One attachment: none is there", attachment],
  ["/addon-services/:service", "One service: none is there", service], ["/addon-services/:service/plans", "A service's plans: none is there", service],
];

export function serveAddons(api: FastifyInstance, { store }: ApiDeps): void {
  const none = async (request: FastifyRequest, reply: FastifyReply) => sendPage<{ id: string; name: string }>(request, reply, [], { id: ({ id }) => id, name: ({ name }) => name }, (addon) => addon);
  for (const [path, summary] of EMPTY) api.get(path, { schema: { summary } }, none);
  for (const [path, summary, refusal] of NOTHING) api.get(path, { schema: { summary } }, async () => {
    throw refusal();
  });

  api.post("/apps/:app/addons", { schema: { summary: "Provision an add-on: the catalogue is empty", body: CREATE } }, async () => {
    throw service();
  });
  api.post("/addon-attachments", { schema: { summary: "Attach an add-on: none is there", body: ATTACH } }, async () => {
    throw addOn();
  });

  // Heroku's CLI asks here before it does anything with an add-on.
  for (const [path, refusal] of [["/actions/addons/resolve", addOn], ["/actions/addon-attachments/resolve", attachment]] as const)
    api.post<{ Body: { app?: string | null } }>(path, { schema: { summary: "Find an add-on by a word: none is there", body: RESOLVE } }, async (request) => {
      if (request.body.app) findApp(store, userOf(request), request.body.app);
      throw refusal();
    });
}

function addOn(): Error {
  return notFound("add_on", "Couldn't find that add-on: this platform has none. Set a config var to reach a service of your own.");
}

function attachment(): Error {
  return notFound("attachment", "Couldn't find that add-on attachment: this platform has no add-ons.");
}

function service(): Error {
  return notFound("addon_service", "Couldn't find either the add-on service or the add-on plan: the catalogue is empty.");
}
