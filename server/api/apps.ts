import type { FastifyInstance, FastifyRequest } from "fastify";
import { assertAppName } from "../domain/app-name.ts";
import { appUrl } from "../domain/hostname.ts";
import type { App } from "../domain/model.ts";
import { invalidParams } from "../errors.ts";
import { mayUse } from "../identity/access.ts";
import { userRef } from "./account.ts";
import { appOf, personOf, userOf } from "./auth.ts";
import type { ApiDeps } from "./deps.ts";
import { ownUrl } from "./own-url.ts";
import { GENERATION, REGION, stackNamed, stackRef } from "./platform.ts";
import { sendPage, type SortKeys } from "./range.ts";

const KEYS: SortKeys<App> = { name: (app) => app.name, id: (app) => app.id, updated_at: (app) => app.updatedAt };
// The rule of names is domain/app-name.ts's.
const NAME = { type: "string", maxLength: 1000 };
const CREATE = { type: "object", additionalProperties: false, properties: { name: NAME, region: { type: "string" }, stack: { type: "string" } } };
const UPDATE = { type: "object", additionalProperties: false, properties: { name: NAME, maintenance: { type: "boolean" }, build_stack: { type: "string" } } };

/** Apps: create, list, info, rename, maintenance mode, destroy. */
export function serveApps(api: FastifyInstance, deps: ApiDeps): void {
  const { pipeline, store } = deps;

  api.post<{ Body: { name?: string; region?: string; stack?: string } }>("/apps", { schema: { summary: "Create an app", body: CREATE } }, async (request, reply) => {
    const { name, region, stack } = request.body;
    if (name !== undefined) assertAppName(name);
    assertOnly("region", region, REGION);
    const chosen = stack === undefined ? undefined : stackNamed("stack", stack);
    const app = await pipeline.createApp(name, userOf(request));
    if (chosen !== undefined) store.apps.setStack(app.id, chosen, app.updatedAt);
    return reply.code(201).send(appView(deps, request, app));
  });

  api.get("/apps", { schema: { summary: "The apps that the user may see" } }, async (request, reply) => {
    const apps = store.apps.list().filter((app) => mayUse(store, userOf(request), app));
    return sendPage(request, reply, apps, KEYS, (app) => appView(deps, request, app));
  });

  api.get("/users/:user/apps", { schema: { summary: "The apps that a user owns or is a collaborator of (~: yourself)" } }, async (request, reply) => {
    const { id } = personOf(request);
    const shared = new Set(store.collaborators.appIds(id));
    return sendPage(request, reply, store.apps.list().filter((app) => app.ownerId === id || shared.has(app.id)), KEYS, (app) => appView(deps, request, app));
  });

  api.get("/apps/:app", { schema: { summary: "One app, by id or name" } }, async (request) => appView(deps, request, appOf(request)));

  api.patch<{ Body: { name?: string; maintenance?: boolean; build_stack?: string } }>("/apps/:app", { schema: { summary: "Rename an app, turn maintenance mode on or off, choose what its next build is made on", body: UPDATE } }, async (request) => {
    const app = appOf(request);
    const { name, maintenance, build_stack: stack } = request.body;
    const chosen = stack === undefined ? undefined : stackNamed("build_stack", stack);
    if (name !== undefined && name !== app.name) assertAppName(name);
    // The name first: it may be taken, and then nothing of the request has happened.
    const renamed = name === undefined || name === app.name ? app : await pipeline.renameApp(app, name);
    if (chosen !== undefined) store.apps.setStack(app.id, chosen, new Date().toISOString());
    if (maintenance !== undefined) await pipeline.turn(renamed, "maintenance", maintenance);
    return appView(deps, request, renamed);
  });

  api.delete("/apps/:app", { schema: { summary: "Destroy an app" } }, async (request) => {
    const app = appOf(request);
    const view = appView(deps, request, app);
    await pipeline.destroyApp(app);
    return view;
  });
}

/** The URL to push to, as the client of this request would reach it. */
export function gitUrl(deps: ApiDeps, request: FastifyRequest, app: App): string {
  return `${ownUrl(request, deps)}/${app.name}.git`;
}

/** The app as clients see it. */
export function appView(deps: ApiDeps, request: FastifyRequest, app: App) {
  const release = deps.pipeline.current(app);
  const slug = release.slugId === null ? undefined : deps.store.slugs.find(release.slugId);
  const on = deps.store.switches.of(app.id);
  return {
    acm: on.has("acm"), archived_at: null, build_stack: stackRef(deps.store.apps.stack(app.id)), buildpack_provided_description: slug?.buildpack ?? null,
    create_status: "complete", created_at: app.createdAt, generation: GENERATION, git_url: gitUrl(deps, request, app), id: app.id,
    internal_routing: null, maintenance: on.has("maintenance"), name: app.name, organization: null, owner: userRef(deps.store, app.ownerId),
    process_tier: null, region: REGION, released_at: release.createdAt, repo_size: null, slug_size: slug?.size ?? null, space: null,
    stack: stackRef(slug?.stack ?? deps.store.apps.stack(app.id)), team: null, updated_at: app.updatedAt, web_url: webUrl(deps, app, on.has("force-https")),
  };
}

/** Over TLS where plain HTTP only leads there. */
function webUrl({ config, routerPort, routerTlsPort }: ApiDeps, app: App, forceHttps: boolean): string {
  const tlsPort = routerTlsPort();
  return forceHttps && tlsPort !== undefined ? appUrl(app.name, config, tlsPort, "https") : appUrl(app.name, config, routerPort());
}

function assertOnly(field: string, given: string | undefined, { id, name }: { id: string; name: string }): void {
  if (given !== undefined && given !== id && given !== name) throw invalidParams(`${field}: there is one, "${name}".`);
}
