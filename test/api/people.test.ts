/** Accounts, authorizations, sessions, keys, collaborators, transfers: what people do with them. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startApiServer, type ApiServer, type Ask, type Person } from "../support/api-server.ts";
import { sshKey } from "../support/api-world.ts";

let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer();
});
afterAll(() => server.stop());
beforeEach(() => server.pass(600_000));

const uuid = expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-[48][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/) as string;
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/) as string;
const ownToken = expect.stringMatching(/^paas_[\w-]{43}$/) as string;
const status = async (as: Ask["as"], path = "/account") => (await server.ask("GET", path, as === undefined ? {} : { as })).status;
const basic = (email: string, password: string) => ({ as: null, headers: { authorization: `Basic ${Buffer.from(`${email}:${password}`).toString("base64")}` } });

type Authorization = { id: string; access_token: { id: string; token: string | null; expires_in: number | null }; scope: string[]; description: string };

/** Somebody with a password. */
async function newPerson(email: string, password = "a good password"): Promise<Person & { password: string }> {
  const made = await server.ask<{ id: string }>("POST", "/admin/users", { as: server.admin, json: { email, password } });
  expect(made.status).toBe(201);
  const login = await server.ask<Authorization>("POST", "/oauth/authorizations", { ...basic(email, password), json: {} });
  const user = server.store.users.find(made.body.id) ?? expect.unreachable();
  return { user, token: login.body.access_token.token ?? "", password };
}

describe("people", () => {
  test("an admin adds a person, who then logs in with the password; nobody sees it again", async () => {
    const made = await server.ask("POST", "/admin/users", { as: server.admin, json: { email: "Dan@Example.com", password: "secret-word-of-dan", name: "Dan" } });
    expect(made).toMatchObject({ status: 201, body: { email: "dan@example.com", name: "Dan", admin: false, suspended_at: null, last_login: null } });
    const login = await server.ask<Authorization>("POST", "/oauth/authorizations", { ...basic("DAN@example.com", "secret-word-of-dan"), json: { description: "Heroku CLI login from x", expires_in: 2_592_000, scope: ["global"] } });
    expect(login).toMatchObject({ status: 201, body: { access_token: { token: ownToken }, user: { email: "dan@example.com", full_name: "Dan" } } });
    expect(await server.ask("GET", "/account", { as: login.body.access_token.token })).toMatchObject({ status: 200, body: { email: "dan@example.com", last_login: time } });
    const seen = [made.text, login.text, (await server.ask("GET", "/admin/users", { as: server.admin })).text, JSON.stringify(server.logged)].join();
    expect(seen).not.toContain("secret-word-of-dan");
    expect(seen).not.toContain("scrypt");
  });

  test("an address is one person's, in any spelling", async () => {
    for (const email of ["ann@example.com", "ANN@example.com", " ann@Example.com"])
      expect(await server.ask("POST", "/admin/users", { as: server.admin, json: { email, password: "long enough to be taken" } })).toMatchObject({ status: 422, body: { id: "invalid_params", message: "email: ann@example.com is already taken." } });
    expect(await server.ask("PATCH", "/account", { as: await newPerson("other@example.com"), json: { email: "Ann@example.com", password: "a good password" } })).toMatchObject({ status: 422 });
  });

  test("who changes e-mail address or password says the present one; a new password ends the other sessions", async () => {
    const fay = await newPerson("fay@example.com");
    const session = "paas_session-of-somebody-else-who-knew-the-old-one00";
    server.store.tokens.add(fay.user.id, session, "elsewhere", null, { session: true });
    expect(await server.ask("PATCH", "/account", { as: fay, json: { name: "Fay" } })).toMatchObject({ status: 200, body: { name: "Fay" } });
    expect(await server.ask("PATCH", "/account", { as: fay, json: { new_password: "another good one" } })).toMatchObject({ status: 422, body: { message: expect.stringMatching(/^password: is required/) as string } });
    expect(await server.ask("PATCH", "/account", { as: fay, json: { new_password: "another good one", password: "wrong" } })).toMatchObject({ status: 403 });
    expect(await server.ask("PATCH", "/account", { as: fay, json: { new_password: "short", password: fay.password } })).toMatchObject({ status: 422, body: { message: "new_password: must have at least 10 characters." } });
    expect(await status(session)).toBe(200);
    expect(await server.ask("PATCH", "/account", { as: fay, json: { new_password: "another good one", email: "fay@new.example.com", password: fay.password } })).toMatchObject({ status: 200, body: { email: "fay@new.example.com" } });
    expect([await status(session), await status(fay)]).toEqual([401, 200]);
    expect((await server.ask("POST", "/oauth/authorizations", { ...basic("fay@new.example.com", fay.password), json: {} })).status).toBe(401);
    expect((await server.ask("POST", "/oauth/authorizations", { ...basic("fay@new.example.com", "another good one"), json: {} })).status).toBe(201);
  });

  test("whoever has no password yet sets a first one by their token", async () => {
    expect((await server.ask("POST", "/oauth/authorizations", { ...basic("bob@example.com", ""), json: {} })).status).toBe(401);
    expect((await server.ask("PATCH", "/account", { as: server.bob, json: { new_password: "bob's first one" } })).status).toBe(200);
    expect((await server.ask("POST", "/oauth/authorizations", { ...basic("bob@example.com", "bob's first one"), json: {} })).status).toBe(201);
  });

  test("a suspended person's tokens and password open nothing, until they are let in again", async () => {
    const gus = await newPerson("gus@example.com");
    const suspend = (suspended: boolean) => server.ask("PATCH", "/admin/users/gus@example.com", { as: server.admin, json: { suspended } });
    expect(await suspend(true)).toMatchObject({ status: 200, body: { suspended_at: time } });
    expect(await server.ask("GET", "/account", { as: gus })).toMatchObject({ status: 403, body: { id: "suspended" } });
    expect((await server.ask("POST", "/oauth/authorizations", { ...basic("gus@example.com", gus.password), json: {} })).status).toBe(403);
    expect(await suspend(false)).toMatchObject({ status: 200, body: { suspended_at: null } });
    expect(await status(gus)).toBe(200);
  });

  test("the last admin stays an admin and active", async () => {
    const demote = (json: unknown) => server.ask("PATCH", "/admin/users/admin@example.com", { as: server.admin, json });
    for (const json of [{ admin: false }, { suspended: true }]) expect(await demote(json)).toMatchObject({ status: 422, body: { message: expect.stringMatching(/last admin/) as string } });
    const second = await newPerson("second@example.com");
    await server.ask("PATCH", `/admin/users/${second.user.id}`, { as: server.admin, json: { admin: true } });
    expect((await demote({ admin: false })).status).toBe(200);
    expect((await server.ask("PATCH", "/admin/users/admin@example.com", { as: second, json: { admin: true } })).status).toBe(200);
  });
});

describe("authorizations", () => {
  test("one is made, listed, described, and revoked; its token is shown once, and later to itself alone", async () => {
    const made = await server.ask<Authorization>("POST", "/oauth/authorizations", { json: { description: "ci", scope: ["read", "write", "read"], expires_in: "3600" } });
    expect(made).toMatchObject({ status: 201 });
    expect(made.body).toEqual({
      access_token: { expires_in: expect.any(Number) as number, id: uuid, token: ownToken }, client: null, created_at: time, description: "ci", grant: null, id: uuid, refresh_token: null,
      scope: ["read", "write"], session: null, updated_at: time, user: { id: server.ann.user.id, email: "ann@example.com", full_name: null },
    });
    expect(Math.abs((made.body.access_token.expires_in ?? 0) - 3600)).toBeLessThan(5);
    const path = `/oauth/authorizations/${made.body.id}`;
    expect((await server.ask<Authorization>("GET", path)).body.access_token.token).toBeNull();
    const listed = (await server.ask<Authorization[]>("GET", "/oauth/authorizations")).body;
    expect(listed.filter(({ access_token: { token } }) => token !== null).map(({ access_token: { token } }) => token)).toEqual([server.ann.token]);
    expect(await server.ask("PATCH", path, { json: { description: "the other ci" } })).toMatchObject({ status: 200, body: { description: "the other ci" } });
    expect(await status(made.body.access_token.token, "/apps")).toBe(200);
    expect(await server.ask("DELETE", path)).toMatchObject({ status: 200, body: { id: made.body.id } });
    expect(await status(made.body.access_token.token, "/apps")).toBe(401);
    expect(await server.ask("GET", path)).toMatchObject({ status: 404, body: { resource: "authorization" } });
    expect(await server.ask("GET", "/oauth/authorizations/~")).toMatchObject({ status: 404, body: { resource: "authorization" } });
  });

  test("a token that is replaced opens nothing, the new one lives as long as the old did from its beginning", async () => {
    const made = await server.ask<Authorization>("POST", "/oauth/authorizations", { json: { expires_in: 1000, scope: ["identity"] } });
    const rotated = await server.ask<Authorization>("POST", `/oauth/authorizations/${made.body.id}/actions/regenerate-tokens`);
    expect(rotated).toMatchObject({ status: 200, body: { id: made.body.id, scope: ["identity"], access_token: { token: ownToken } } });
    expect(rotated.body.access_token.token).not.toBe(made.body.access_token.token);
    expect(Math.abs((rotated.body.access_token.expires_in ?? 0) - 1000)).toBeLessThan(5);
    expect([await status(made.body.access_token.token), await status(rotated.body.access_token.token)]).toEqual([401, 200]);
  });

  test.each([[{ scope: ["admin"] }, /^scope\.0: must be one of/], [{ scope: [] }, /^scope: /], [{ scope: "global" }, /^scope: /], [{ expires_in: -1 }, /^expires_in: /], [{ expires_in: 0 }, /^expires_in: /], [{ expires_in: 1e15 }, /^expires_in: /], [{ expires_in: "1e3" }, /^expires_in: /], [{ user: "x" }, /^user: /]])(
    "%j is refused", async (json, message) => expect(await server.ask("POST", "/oauth/authorizations", { json })).toMatchObject({ status: 422, body: { message: expect.stringMatching(message) as string } }));

  test("`heroku logout` finds its own token in the list and revokes it", async () => {
    const fresh = await newPerson("leaving@example.com");
    expect(await server.ask("DELETE", "/oauth/sessions/~", { as: fresh })).toMatchObject({ status: 404, body: { id: "not_found", resource: "session" } });
    const own = (await server.ask<Authorization[]>("GET", "/oauth/authorizations", { as: fresh })).body.find(({ access_token: { token } }) => token === fresh.token);
    expect((await server.ask("DELETE", `/oauth/authorizations/${own?.id}`, { as: fresh })).status).toBe(200);
    expect(await status(fresh)).toBe(401);
  });

  test("no clients are registered", async () => expect(await server.ask("GET", "/oauth/clients")).toMatchObject({ status: 200, body: [] }));
});

describe("SSH keys", () => {
  test("one is added, listed with its fingerprint, and removed; the same twice is refused", async () => {
    const key = sshKey();
    const made = await server.ask<{ id: string; fingerprint: string }>("POST", "/account/keys", { json: { public_key: key } });
    expect(made).toMatchObject({ status: 201, body: { comment: "ann@laptop", email: "ann@example.com", fingerprint: expect.stringMatching(/^SHA256:[\w+/]{43}$/) as string, public_key: key } });
    expect(await server.ask("POST", "/account/keys", { json: { public_key: key } })).toMatchObject({ status: 422, body: { message: "public_key: this key is already taken." } });
    expect((await server.ask("GET", "/account/keys")).body).toEqual([made.body]);
    expect(await server.ask("GET", `/account/keys/${encodeURIComponent(made.body.fingerprint)}`)).toMatchObject({ body: made.body });
    expect((await server.ask("DELETE", `/account/keys/${made.body.id}`)).status).toBe(200);
    expect((await server.ask("GET", "/account/keys")).body).toEqual([]);
  });
});

describe("collaborators and transfers", () => {
  test("a collaborator uses the app as its owner does, and loses it when sent away", async () => {
    const app = await server.pipeline.createApp("shared", server.ann.user);
    const added = await server.ask("POST", "/apps/shared/collaborators", { json: { user: "bob@example.com", silent: true } });
    expect(added).toMatchObject({ status: 201 });
    expect(added.body).toEqual({ app: { id: app.id, name: "shared" }, created_at: time, id: uuid, permissions: [], role: "collaborator", updated_at: time, user: { id: server.bob.user.id, email: "bob@example.com", federated: false } });
    expect((await server.ask<{ role: string }[]>("GET", "/apps/shared/collaborators", { as: server.bob })).body.map(({ role }) => role)).toEqual(["owner", "collaborator"]);
    expect((await server.ask("PATCH", "/apps/shared/config-vars", { as: server.bob, json: { BY: "bob" } })).body).toEqual({ BY: "bob" });
    for (const user of ["bob@example.com", server.bob.user.id]) expect(await server.ask("POST", "/apps/shared/collaborators", { json: { user } })).toMatchObject({ status: 422, body: { message: "user: bob@example.com is already taken." } });
    expect(await server.ask("POST", "/apps/shared/collaborators", { json: { user: "ann@example.com" } })).toMatchObject({ status: 422 });
    expect(await server.ask("POST", "/apps/shared/collaborators", { json: { user: "nobody@example.com" } })).toMatchObject({ status: 404, body: { resource: "user" } });
    expect(await server.ask("DELETE", "/apps/shared/collaborators/ann@example.com")).toMatchObject({ status: 422 });
    expect((await server.ask("DELETE", "/apps/shared/collaborators/bob@example.com")).body).toEqual(added.body);
    expect(await status(server.bob, "/apps/shared")).toBe(404);
  });

  test("an app changes hands when the recipient accepts, and its owner until then stays a collaborator", async () => {
    const app = await server.pipeline.createApp("moving", server.ann.user);
    const offered = await server.ask<{ id: string }>("POST", "/account/app-transfers", { json: { app: "moving", recipient: "bob@example.com" } });
    expect(offered).toMatchObject({ status: 201 });
    expect(offered.body).toEqual({ app: { id: app.id, name: "moving" }, created_at: time, id: uuid, owner: { id: server.ann.user.id, email: "ann@example.com" }, recipient: { id: server.bob.user.id, email: "bob@example.com" }, state: "pending", updated_at: time });
    expect(await status(server.bob, "/apps/moving")).toBe(404);
    expect(await server.ask("POST", "/account/app-transfers", { json: { app: "moving", recipient: "admin@example.com" } })).toMatchObject({ status: 409 });
    const path = `/account/app-transfers/${offered.body.id}`;
    expect((await server.ask("PATCH", path, { json: { state: "accepted" } })).status).toBe(403);
    expect((await server.ask("DELETE", path, { as: server.bob })).status).toBe(403);
    expect(await server.ask("PATCH", "/account/app-transfers/moving", { as: server.bob, json: { state: "accepted" } })).toMatchObject({ status: 200, body: { state: "accepted" } });
    expect((await server.ask("GET", "/apps/moving", { as: server.bob })).body).toMatchObject({ owner: { email: "bob@example.com" } });
    expect((await server.ask("DELETE", "/apps/moving")).status).toBe(403);
    expect(await status(server.ann, "/apps/moving")).toBe(200);
    expect((await server.ask("PATCH", path, { as: server.bob, json: { state: "declined" } })).status).toBe(409);
  });

  test("a transfer that is declined or withdrawn changes nothing", async () => {
    await server.pipeline.createApp("staying", server.ann.user);
    const offer = async () => (await server.ask<{ id: string }>("POST", "/account/app-transfers", { json: { app: "staying", recipient: server.bob.user.id } })).body.id;
    expect((await server.ask("PATCH", `/account/app-transfers/${await offer()}`, { as: server.bob, json: { state: "declined" } })).body).toMatchObject({ state: "declined" });
    expect((await server.ask("DELETE", `/account/app-transfers/${await offer()}`)).status).toBe(200);
    expect((await server.ask("GET", "/apps/staying")).body).toMatchObject({ owner: { email: "ann@example.com" } });
    expect(await server.ask("POST", "/account/app-transfers", { json: { app: "staying", recipient: "ann@example.com" } })).toMatchObject({ status: 422 });
  });

  test("an admin takes an app over without asking", async () => {
    await server.pipeline.createApp("orphaned", server.ann.user);
    expect(await server.ask("POST", "/account/app-transfers", { as: server.admin, json: { app: "orphaned", recipient: "admin@example.com" } })).toMatchObject({ status: 201, body: { state: "accepted", owner: { email: "ann@example.com" } } });
    expect((await server.ask("GET", "/apps/orphaned")).body).toMatchObject({ owner: { email: "admin@example.com" } });
  });
});
