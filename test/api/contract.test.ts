/** What every answer of the API keeps to: headers, media types, errors, credentials. */

import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { App } from "../../server/domain/model.ts";
import { AppError } from "../../server/errors.ts";
import { startApiServer, type ApiServer } from "../support/api-server.ts";

let server: ApiServer;
let app: App;
beforeAll(async () => {
  server = await startApiServer((pipeline) => ({
    ...pipeline,
    restart: async () => {
      throw new Error("the engine said: secret-of-the-inside");
    },
    stop: async () => {
      throw new AppError("engine_unavailable", "The container engine does not answer.", { cause: new Error("ECONNREFUSED cause-of-the-inside") });
    },
  }));
  app = await server.pipeline.createApp("contract", server.ann.user);
  server.pipeline.deploy(app, server.ann.user);
});
afterAll(() => server.stop());

describe("Accept", () => {
  test.each([
    [200, "application/vnd.heroku+json; version=3"], [200, "application/vnd.heroku+json; version=3.sdk"], [200, "application/vnd.heroku+json;version=3.docker-releases"],
    [200, "*/*"], [200, "application/json"], [200, "application/vnd.heroku+json"], [200, 'application/vnd.heroku+json; version="3"'], [200, "application/vnd.heroku+json; version=4, application/vnd.heroku+json; version=3"],
    [406, "application/vnd.heroku+json; version=2"], [406, "application/vnd.heroku+json; version=4"], [406, "application/vnd.heroku+json; version=33"], [406, "application/vnd.heroku+json; version="],
  ])("%i for %s", async (status, accept) => {
    const answer = await server.ask("GET", "/account", { headers: { accept } });
    expect(answer.status).toBe(status);
    if (status === 406) expect(answer.body["id"]).toBe("not_acceptable");
  });
});

describe("Request-Id", () => {
  const idOf = async (headers: Record<string, string>, path = "/account") => (await server.ask("GET", path, { headers })).headers.get("request-id");

  test("a sane one is taken over", async () => expect(await idOf({ "request-id": "abc-123.X_y:z" })).toBe("abc-123.X_y:z"));
  test("the newest of the CLI's growing list is taken over, so that the list does not double", async () => expect(await idOf({ "request-id": "newest-1,older-2,oldest-3" })).toBe("newest-1"));
  test.each([["none", {}], ["too long", { "request-id": "x".repeat(201) }], ["with other characters", { "request-id": "a<b>" }], ["a list of 7 kB", { "request-id": `,${"x,".repeat(3500)}` }]])(
    "one is made for %s", async (_name, headers) => expect(await idOf(headers as Record<string, string>)).toMatch(/^[0-9a-f-]{36}$/));
  test("errors and unknown paths carry one too", async () => {
    for (const path of ["/nowhere", "/apps/nobody", "/apps/%zz", "/health"]) expect(await idOf({ "request-id": "mine" }, path)).toBe("mine");
  });
});

describe("ETag", () => {
  test("what has not changed is answered with 304 and no body, what has with the new", async () => {
    const first = await server.ask("GET", "/apps/contract/config-vars");
    const etag = first.headers.get("etag") ?? "";
    expect(etag).toMatch(/^"[\w-]{27}"$/);
    for (const given of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const again = await server.ask("GET", "/apps/contract/config-vars", { headers: { "if-none-match": given } });
      expect(again).toMatchObject({ status: 304, text: "" });
      expect(again.headers.get("etag")).toBe(etag);
      expect(again.headers.get("request-id")).not.toBeNull();
    }
    await server.ask("PATCH", "/apps/contract/config-vars", { json: { CHANGED: "1" } });
    expect(await server.ask("GET", "/apps/contract/config-vars", { headers: { "if-none-match": etag } })).toMatchObject({ status: 200, body: { CHANGED: "1" } });
  });

  test("errors and changes have none", async () => {
    expect((await server.ask("GET", "/apps/nobody", { headers: { "if-none-match": "*" } })).status).toBe(404);
    const changed = await server.ask("PATCH", "/apps/contract/config-vars", { json: {}, headers: { "if-none-match": "*" } });
    expect(changed.status).toBe(200);
    expect(changed.headers.has("etag")).toBe(false);
  });

  test("HEAD gives the same headers and no body", async () => {
    const [get, head] = [await server.ask("GET", "/apps/contract"), await server.ask("HEAD", "/apps/contract")];
    expect(head).toMatchObject({ status: 200, text: "" });
    expect(head.headers.get("etag")).toBe(get.headers.get("etag"));
  });
});

describe("credentials", () => {
  const account = (authorization: string) => server.ask("GET", "/account", { as: null, headers: { authorization } });

  test("Bearer, and Basic with the token as password behind any user name, have the same rights", async () => {
    const { token, user } = server.ann;
    for (const header of [`Bearer ${token}`, `bearer ${token}`, `Basic ${btoa(`:${token}`)}`, `Basic ${btoa(`${user.email}:${token}`)}`, `Basic ${btoa(`heroku:${token}`)}`])
      expect(await account(header)).toMatchObject({ status: 200, body: { id: user.id, email: user.email } });
  });

  test("the token as user name opens nothing", async () => expect((await account(`Basic ${btoa(`${server.ann.token}:`)}`)).status).toBe(401));

  test("a token whose prefix is right and the rest is not opens nothing", async () => {
    expect((await account(`Bearer ${server.ann.token.slice(0, -1)}${server.ann.token.endsWith("A") ? "B" : "A"}`)).status).toBe(401);
  });
});

describe("every answer", () => {
  test("is JSON and says how many requests are left", async () => {
    for (const [method, path, status] of [["GET", "/account", 200], ["DELETE", "/apps/nobody", 404], ["GET", "/apps/contract/addons", 200], ["GET", "/apps/contract/pipeline-couplings", 404], ["POST", "/apps/contract/releases", 422]] as const) {
      const answer = await server.ask(method, path);
      expect([path, answer.status, answer.headers.get("content-type")]).toEqual([path, status, "application/json; charset=utf-8"]);
    }
    expect(Number((await server.ask("GET", "/account")).headers.get("ratelimit-remaining"))).toBeGreaterThan(4000);
  });

  test("of a failure on the inside tells nothing of it, and the log has all", async () => {
    const failed = await server.ask("DELETE", "/apps/contract/dynos", { headers: { "request-id": "failed-1" } });
    expect(failed).toMatchObject({ status: 500, body: { id: "internal_server_error", message: "Internal server error." } });
    expect(failed.text).not.toMatch(/secret-of-the-inside|\.ts/);
    expect(JSON.stringify(server.logged.find((line) => line["level"] === 50 && line["reqId"] === "failed-1"))).toMatch(/secret-of-the-inside/);
  });

  test("of an error with a cause shows the sentence, and the log has the cause", async () => {
    const failed = await server.ask("POST", "/apps/contract/formations/web/actions/stop");
    expect(failed).toMatchObject({ status: 503, body: { id: "engine_unavailable", message: "The container engine does not answer." } });
    expect(failed.text).not.toMatch(/cause-of-the-inside/);
    expect(JSON.stringify(server.logged)).toMatch(/cause-of-the-inside/);
  });
});

describe("bodies, as Heroku's clients send them", () => {
  const empty = { "content-type": "application/json" };

  test("an empty body with a JSON content type is no body", async () => {
    const created = await server.ask<{ name: string }>("POST", "/apps", { body: "", headers: empty });
    expect(created).toMatchObject({ status: 201, body: { name: expect.stringMatching(/^[a-z]+-[a-z]+-\d{5}$/) as string } });
    expect(await server.ask("DELETE", `/apps/${created.body.name}`, { body: "", headers: empty })).toMatchObject({ status: 200, body: { name: created.body.name } });
  });

  test("no body and no content type at all is an empty one", async () => {
    const created = await server.ask<{ id: string }>("POST", "/apps");
    expect(created.status).toBe(201);
    expect((await server.ask("DELETE", `/apps/${created.body.id}`)).status).toBe(200);
  });

  test("Heroku's own media type is JSON too", async () => {
    const json = await server.ask("PATCH", "/apps/contract/config-vars", { json: { VIA: "vnd" }, headers: { "content-type": "application/vnd.heroku+json; version=3" } });
    expect(json).toMatchObject({ status: 200, body: { VIA: "vnd" } });
  });
});

test("the log has one line for each request, without query, token or body", async () => {
  await server.ask("GET", "/apps/contract?secret=in-the-query", { headers: { "request-id": "logged-1" } });
  const lines = server.logged.filter((line) => line["reqId"] === "logged-1");
  expect(lines).toEqual([expect.objectContaining({ msg: "request answered", method: "GET", route: "/apps/:app", app: "contract", status: 200 })]);
  expect(JSON.stringify(server.logged)).not.toMatch(/in-the-query|paas_[\w-]{20}/);
});

test("health is 503 until the control plane is ready, and needs no token", async () => {
  server.ready.now = false;
  expect(await server.ask("GET", "/health", { as: null })).toMatchObject({ status: 503, body: { status: "starting" } });
  server.ready.now = true;
  expect(await server.ask("GET", "/health", { as: null })).toMatchObject({ status: 200, body: { status: "ok" } });
});

test("a stop ends connections that never carried a request, and lets a running answer end", async () => {
  const other = await startApiServer();
  const left = await other.pipeline.createApp("running", other.ann.user);
  const { build, output } = other.pipeline.startBuild(left, other.ann.user);
  const { body } = await other.ask<{ output_stream_url: string }>("GET", `/apps/running/builds/${build.id}`);
  output.write("begun, ");
  const running = await fetch(body.output_stream_url);
  const spare = connect(other.port, "127.0.0.1");
  await once(spare, "connect");
  const closed = once(spare.resume(), "close");
  const stopped = other.stop();
  await closed;
  output.end("ended");
  expect(await running.text()).toBe("begun, ended");
  await stopped;
}, 30_000);
