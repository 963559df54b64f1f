/** The objects of the API: every field that Heroku's schema lists is there. */

import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { App } from "../../server/domain/model.ts";
import { startApiServer, type ApiServer } from "../support/api-server.ts";

let server: ApiServer;
let app: App;
beforeAll(async () => {
  server = await startApiServer();
  app = await server.pipeline.createApp("objects", server.ann.user);
});
afterAll(() => server.stop());

const uuid = expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-[48][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/) as string;
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/) as string;
const ann = () => ({ id: server.ann.user.id, email: "ann@example.com" });

test("an app, from birth: with its first release, and URLs that lead to it", async () => {
  const created = await server.ask<{ id: string; owner: unknown }>("POST", "/apps", { json: { name: "newborn", region: "local", stack: "debian-12" } });
  expect(created.status).toBe(201);
  expect(created.body).toEqual({
    acm: false, archived_at: null, build_stack: { id: uuid, name: "debian-12" }, buildpack_provided_description: null, create_status: "complete", created_at: time,
    generation: { id: uuid, name: "cedar" }, git_url: `${server.url}/newborn.git`, id: uuid, internal_routing: null, maintenance: false, name: "newborn",
    organization: null, owner: ann(), process_tier: null, region: { id: uuid, name: "local" }, released_at: time, repo_size: null, slug_size: null, space: null,
    stack: { id: uuid, name: "debian-12" }, team: null, updated_at: time, web_url: "http://newborn.localhost:8080/",
  });
  expect((await server.ask("GET", "/apps/newborn")).body).toEqual(created.body);
  expect((await server.ask("GET", `/apps/${created.body.id}`)).body).toEqual(created.body);
  expect((await server.ask("GET", "/apps/newborn/releases")).body).toMatchObject([{ version: 1, description: "Initial release", current: true, slug: null }]);
  expect(await server.ask("POST", "/apps", { json: { region: "mars" } })).toMatchObject({ status: 422, body: { message: 'region: there is one, "local".' } });

  const renamed = await server.ask("PATCH", "/apps/newborn", { json: { name: "grown-up" } });
  expect(renamed).toMatchObject({ status: 200, body: { id: created.body.id, name: "grown-up", web_url: "http://grown-up.localhost:8080/", git_url: `${server.url}/grown-up.git` } });
  expect((await server.ask("GET", "/apps/newborn")).status).toBe(404);
  expect((await server.ask("PATCH", "/apps/grown-up", { json: { locked: true } })).status).toBe(422);
  expect(await server.ask("DELETE", "/apps/grown-up")).toMatchObject({ status: 200, body: { name: "grown-up" } });
  expect((await server.ask("GET", `/apps/${created.body.id}`)).status).toBe(404);
});

test("lists of apps: what one may see, and what one owns", async () => {
  const names = async (path: string, as = server.ann) => (await server.ask<{ name: string }[]>("GET", path, { as })).body.map(({ name }) => name);
  await server.pipeline.createApp("bobs-app", server.bob.user);
  expect(await names("/apps")).toEqual(["objects"]);
  expect(await names("/apps", server.admin)).toEqual(["bobs-app", "objects"]);
  for (const self of ["~", "ann@example.com", server.ann.user.id]) expect(await names(`/users/${self}/apps`)).toEqual(["objects"]);
  expect(await names("/users/~/apps", server.admin)).toEqual([]);
  expect(await names("/users/bob@example.com/apps", server.admin)).toEqual(["bobs-app"]);
  expect(await server.ask("GET", "/users/bob@example.com/apps")).toMatchObject({ status: 404, body: { resource: "user" } });
});

test("the account, its apps' collaborators, and the lists that are empty yet", async () => {
  expect((await server.ask("GET", "/account")).body).toMatchObject({
    allow_tracking: false, beta: false, created_at: time, default_team: null, email: "ann@example.com", federated: false, id: server.ann.user.id, name: null, two_factor_authentication: false, verified: true,
  });
  expect((await server.ask("GET", "/apps/objects/collaborators")).body).toEqual([
    { app: { id: app.id, name: "objects" }, created_at: time, id: uuid, permissions: [], role: "owner", updated_at: time, user: { ...ann(), federated: false } },
  ]);
  for (const list of ["addons", "sni-endpoints", "buildpack-installations", "dynos", "formation", "builds"]) expect((await server.ask("GET", `/apps/objects/${list}`)).body).toEqual([]);
  expect(await server.ask("GET", "/apps/objects/pipeline-couplings")).toMatchObject({ status: 404, body: { id: "not_found", resource: "pipeline_coupling" } });
  expect((await server.ask("GET", "/stacks")).body).toMatchObject([{ name: "container", state: "public", default: false }, { name: "debian-12", state: "public", default: true }]);
  expect((await server.ask("GET", "/regions")).body).toMatchObject([{ name: "local", private_capable: false }]);
  expect(await server.ask("GET", "/stacks/heroku-24")).toMatchObject({ status: 404, body: { resource: "stack" } });
});

test("a release, by version, v-version and id; its config vars; and a rollback as a new release", async () => {
  const deployed = server.pipeline.deploy(app, server.ann.user, { web: "npm start", worker: "node worker.js", release: "node migrate.js" });
  const [path, slug] = ["/apps/objects/releases", deployed.slugId];
  const info = await server.ask("GET", `${path}/${deployed.version}`);
  expect(info.body).toEqual({
    addon_plan_names: [], app: { id: app.id, name: "objects" }, artifacts: [], created_at: time, current: true, description: "Deploy bbbbbbbb", eligible_for_rollback: false,
    id: deployed.id, output_stream_url: null, slug: { id: slug }, status: "succeeded", updated_at: time, user: ann(), version: 2,
  });
  for (const key of ["v2", deployed.id]) expect((await server.ask("GET", `${path}/${key}`)).body).toEqual(info.body);
  for (const key of ["3", "v3", "0", "x", app.id]) expect(await server.ask("GET", `${path}/${key}`)).toMatchObject({ status: 404, body: { resource: "release" } });

  await server.ask("PATCH", "/apps/objects/config-vars", { json: { LATER: "1" } });
  expect((await server.ask("GET", `${path}/2/config-vars`)).body).toEqual({});
  expect((await server.ask("GET", `${path}/3/config-vars`)).body).toEqual({ LATER: "1" });
  expect((await server.ask("GET", `${path}/2`)).body).toMatchObject({ current: false, eligible_for_rollback: true });

  const rollback = await server.ask("POST", path, { json: { release: deployed.id } });
  expect(rollback).toMatchObject({ status: 201, body: { version: 4, description: "Rollback to v2", slug: { id: slug }, current: true } });
  expect((await server.ask("GET", "/apps/objects/config-vars")).body).toEqual({});
  expect(await server.ask("POST", path, { json: { release: "v1" } })).toMatchObject({ status: 422, body: { id: "no_slug" } });
  for (const json of [{}, { slug, release: "v2" }])
    expect(await server.ask("POST", path, { json })).toMatchObject({ status: 422, body: { message: expect.stringMatching(/^release, slug: give one of them/) as string } });
  expect(await server.ask("POST", path, { json: { slug } })).toMatchObject({ status: 201, body: { slug: { id: slug } } });
});

test("config vars: a change answers with the whole config, one that changes nothing makes no release", async () => {
  const patch = async (json: unknown) => (await server.ask("PATCH", "/apps/objects/config-vars", { json })).body;
  expect(await patch({ A: "1", B: "2" })).toEqual({ A: "1", B: "2" });
  const { version } = server.pipeline.current(app);
  expect(await patch({ A: "1" })).toEqual({ A: "1", B: "2" });
  expect(server.pipeline.current(app).version).toBe(version);
  expect(await patch({ A: null, B: "" })).toEqual({});
});

test("a formation: every process type, scaled one by one and together", async () => {
  const listed = await server.ask<{ type: string }[]>("GET", "/apps/objects/formation");
  expect(listed.body.map(({ type }) => type)).toEqual(["release", "web", "worker"]);
  expect(listed.body[1]).toEqual({
    app: { id: app.id, name: "objects" }, command: "npm start", created_at: time, dyno_size: { id: uuid, name: "standard" }, id: uuid, quantity: 1, size: "standard", type: "web", updated_at: time,
  });
  const batch = await server.ask<{ type: string; quantity: number }[]>("PATCH", "/apps/objects/formation", { json: { updates: [{ type: "web", quantity: "+1" }, { type: "worker", quantity: 3, size: "standard" }] } });
  expect(Object.fromEntries(batch.body.map(({ type, quantity }) => [type, quantity]))).toEqual({ release: 0, web: 2, worker: 3 });
  expect(await server.ask("PATCH", "/apps/objects/formation/web", { json: { quantity: "-1" } })).toMatchObject({ status: 200, body: { type: "web", quantity: 1 } });
  expect((await server.ask("GET", "/apps/objects/formation/worker")).body).toMatchObject({ type: "worker", quantity: 3 });
  expect(await server.ask("GET", "/apps/objects/formation/nobody")).toMatchObject({ status: 404, body: { resource: "formation" } });
});

test("dynos: seen by name and id, restarted and stopped one by one, by type and all", async () => {
  const listed = await server.ask<{ id: string; name: string }[]>("GET", "/apps/objects/dynos");
  expect(listed.body.map(({ name }) => name)).toEqual(["web.1", "worker.1", "worker.2", "worker.3"]);
  const { version, id } = server.pipeline.current(app);
  expect(listed.body[0]).toEqual({
    app: { id: app.id, name: "objects" }, attach_url: null, command: "npm start", created_at: time, id: expect.any(String) as string, name: "web.1", release: { id, version }, size: "standard", state: "up", type: "web", updated_at: time,
  });
  const web = listed.body[0]?.id;
  for (const key of ["web.1", web]) expect((await server.ask("GET", `/apps/objects/dynos/${key}`)).body).toEqual(listed.body[0]);

  for (const [method, path] of [["DELETE", "dynos"], ["DELETE", "dynos/worker.2"], ["DELETE", `dynos/${web}`], ["DELETE", "formations/worker"], ["POST", `dynos/${web}/actions/stop`], ["POST", "dynos/worker.1/actions/stop"], ["POST", "formations/worker/actions/stop"]] as const)
    expect(await server.ask(method, `/apps/objects/${path}`, { body: "", headers: { "content-type": "application/json" } })).toMatchObject({ status: 202, body: {} });
  expect(server.pipeline.asked).toEqual(["restart", "restart worker.2", "restart web.1", "restart worker", "stop web.1", "stop worker.1", "stop worker"]);
  for (const [method, path] of [["GET", "dynos/web.9"], ["DELETE", "dynos/web.9"], ["POST", "dynos/web.9/actions/stop"]] as const)
    expect(await server.ask(method, `/apps/objects/${path}`)).toMatchObject({ status: 404, body: { resource: "dyno" } });
});

test("a build: pending with a live output that ends with it, then the slug and release that it made", async () => {
  const { build, output } = server.pipeline.startBuild(app, server.ann.user);
  const info = await server.ask<{ output_stream_url: string }>("GET", `/apps/objects/builds/${build.id}`);
  expect(info.body).toEqual({
    app: { id: app.id, name: "objects" }, buildpacks: [], created_at: time, generation: { id: uuid, name: "cedar" }, id: build.id,
    output_stream_url: expect.stringMatching(`^${server.url}/build-output/${build.id}/[\\w-]{43}$`) as string, release: null, slug: null,
    source_blob: { checksum: null, url: `${server.url}/objects.git`, version: "a".repeat(40), version_description: null },
    stack: "debian-12", status: "pending", updated_at: time, user: ann(),
  });

  output.write("-----> Building\n");
  const stream = await fetch(info.body.output_stream_url);
  expect([stream.status, stream.headers.get("content-type"), stream.headers.get("transfer-encoding")]).toEqual([200, "text/plain; charset=utf-8", "chunked"]);
  const reader = (stream.body ?? expect.unreachable()).pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader.read()).value).toBe("-----> Building\n");
  output.write("       live\n");
  expect((await reader.read()).value).toBe("       live\n");
  output.end();
  expect((await reader.read()).done).toBe(true);

  const { output_stream_url: url } = info.body;
  const other = url.replace(build.id, crypto.randomUUID());
  for (const wrong of [url.slice(0, -1), `${url}x`, url.replace(/[^/]+$/, "x".repeat(43)), other]) expect((await fetch(wrong)).status).toBe(404);

  const listed = await server.ask<unknown[]>("GET", "/apps/objects/builds", { headers: { range: "created_at ..; max=10, order=desc" } });
  expect(listed.body).toMatchObject([{ id: build.id }, { status: "succeeded", buildpacks: [{ name: "heroku/nodejs", url: "urn:buildpack:heroku/nodejs" }], slug: { id: uuid }, release: { id: uuid } }]);
  expect(await server.ask("GET", `/apps/objects/builds/${app.id}`)).toMatchObject({ status: 404, body: { resource: "build" } });

  const [slug] = server.store.slugs.kept(app.id);
  expect(await server.ask("GET", `/apps/objects/slugs/${slug?.id}`)).toMatchObject({ status: 200, body: { id: slug?.id, checksum: `SHA256:${"c".repeat(64)}`, commit: slug?.commit, process_types: slug?.processTypes } });
  expect(await server.ask("GET", `/apps/objects/slugs/${app.id}`)).toMatchObject({ status: 404, body: { resource: "slug" } });
});

test("who leaves a build's output lets go of it", async () => {
  const fresh = await server.pipeline.createApp("left-early", server.ann.user);
  const { build, output } = server.pipeline.startBuild(fresh, server.ann.user);
  const { body } = await server.ask<{ output_stream_url: string }>("GET", `/apps/left-early/builds/${build.id}`);
  output.write("some\n");
  const leave = new AbortController();
  const stream = await fetch(body.output_stream_url, { signal: leave.signal });
  expect(stream.status).toBe(200);
  const closed = once(output, "close");
  leave.abort();
  await closed;
  expect(output.destroyed).toBe(true);
});

test("an app's next build is made on the stack that was chosen; what serves stays on its own", async () => {
  await server.ask("POST", "/apps", { json: { name: "stacked", stack: "container" } });
  expect((await server.ask("GET", "/apps/stacked")).body).toMatchObject({ build_stack: { name: "container" } });
  expect(await server.ask("PATCH", "/apps/stacked", { json: { build_stack: "debian-12" } })).toMatchObject({ status: 200, body: { build_stack: { name: "debian-12" } } });
  expect(await server.ask("PATCH", "/apps/stacked", { json: { build_stack: "heroku-24" } })).toMatchObject({ status: 422, body: { id: "invalid_params", message: "build_stack: there are debian-12 and container." } });
});
