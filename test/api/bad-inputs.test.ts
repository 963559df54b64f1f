/** Groups A and C of the catalogue of bad inputs: 4xx, one clear sentence, no side effect, nothing of the inside shown. */

import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { App } from "../../server/domain/model.ts";
import { startApiServer, type Answer, type ApiServer, type Ask } from "../support/api-server.ts";

let server: ApiServer;
let app: App;
beforeAll(async () => {
  server = await startApiServer();
  app = await server.pipeline.createApp("app", server.ann.user);
  server.pipeline.deploy(app, server.ann.user, { web: "npm start", worker: "node worker.js" });
});
afterAll(async () => {
  expect(server.logged.filter((line) => Number(line["level"]) >= 50)).toEqual([]);
  await server.stop();
});

function expectRefusal({ status, body, text }: Answer<Record<string, unknown>>): void {
  expect([400, 401, 404, 422], text).toContain(status);
  expect(body["id"]).toMatch(/^[a-z_]+$/);
  expect(body["message"]).toMatch(/^[^\n]{5,400}\.$/);
  expect(text).not.toMatch(/\.ts:|node_modules|SQLITE|at Object/);
}

/** Sends bytes as they stand, for what fetch would refuse or repair. */
function raw(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, "127.0.0.1", () => socket.write(bytes));
    let text = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      socket.end();
    });
    socket.on("close", () => resolve(text)).on("error", (error) => (text === "" ? reject(error) : resolve(text)));
  });
}

const NAMES: Record<string, unknown> = {
  "A1 empty": "", "A2 one letter": "a", "A3 31 letters": "a".repeat(31), "A4 64 letters": "a".repeat(64),
  "A5": "-rf", "A6": "--help", "A7": "a;id", "A8": "$(id)", "A9": "`id`", "A10": "a|id", "A11": "a&&id", "A12 line feed": "a\nid",
  "A13 NUL": "a\u0000b", "A14": "../../etc", "A15": "..%2f..%2fetc", "A16": "%2e%2e", "A17 upper case of one that exists": "App",
  "A18": "app.", "A19": "app_1", "A20 Cyrillic": "аpp", "A21 full width": "ａｐｐ", "A22": "xn--80ak6aa92e",
  "A23": "__proto__", "A25 api": "api", "A25 git": "git", "A25 www": "www", "A25 admin": "admin", "A25 dashboard": "dashboard", "A25 localhost": "localhost",
  "A26 right to left": "a\u202Eb", "A27": "' OR 1=1--", "A28": "<img src=x onerror=alert(1)>", "A29": "{{7*7}}${7*7}", "A30 10 MB": "a".repeat(10_000_000),
  "A31 number": 123, "A32 list": ["a"], "A33 object": { $gt: "" }, "null": null, "true": true, "taken": "app",
};

describe("a bad app name is refused and makes nothing", () => {
  test.each(Object.entries(NAMES))("%s", async (_id, name) => {
    const before = server.store.apps.list().length;
    const body = JSON.stringify({ name });
    // The 10 MB one is refused by its Content-Length before it is read, so fetch may see the connection close first.
    const created = await server.ask("POST", "/apps", { body }).catch((error: unknown) => (body.length > 5_000_000 ? undefined : Promise.reject(error)));
    if (created) {
      expectRefusal(created);
      expect(created.body["message"]).toMatch(body.length > 5_000_000 ? /too large/ : /^name: /);
    }
    if (body.length < 5_000_000 && name !== "app") expectRefusal(await server.ask("PATCH", "/apps/app", { body }));
    expect(server.store.apps.list()).toHaveLength(before);
    expect(server.store.apps.find("app")?.id).toBe(app.id);
  });
});

test("A24: an app named constructor is an app like any other", async () => {
  expect(await server.ask("POST", "/apps", { json: { name: "constructor" } })).toMatchObject({ status: 201, body: { name: "constructor" } });
  expect(await server.ask("GET", "/apps/constructor/config-vars")).toMatchObject({ status: 200, body: {} });
});

const DEEP = 100_000;
const BODIES: Record<string, [body: string, headers?: Record<string, string>]> = {
  "A34 truncated": ['{"name": "x'],
  "A35 nested and unclosed": ["[".repeat(DEEP)],
  "A35 nested and closed": ["[".repeat(DEEP) + "]".repeat(DEEP)],
  "A35 nested objects": ['{"a":'.repeat(DEEP) + "1" + "}".repeat(DEEP)],
  "A36 duplicate keys": ['{"name": "one-name", "name": "other-name"}'],
  "A36 duplicate keys, one escaped": ['{"name": "one-name", "n\\u0061me": "other-name"}'],
  "A37 __proto__": ['{"__proto__": {"admin": true}}'],
  "A37 __proto__ within": ['{"name": "fine-name", "region": {"__proto__": {"admin": true}}}'],
  "A37 constructor.prototype": ['{"constructor": {"prototype": {"admin": true}}}'],
  "A39 garbage after the media type": ['{"name": "fine-name"}', { "content-type": "application/json garbage" }],
  "A40 text/plain": ['{"name": "fine-name"}', { "content-type": "text/plain" }],
  "a form": ["name=fine-name", { "content-type": "application/x-www-form-urlencoded" }],
  "a list": ["[]"], "a string": ['"fine-name"'], "null": ["null"], "words": ["fine-name"], "a field that is not one": ['{"nmae": "fine-name"}'],
};

describe("a bad body is refused and makes nothing", () => {
  test.each(Object.entries(BODIES))("%s", async (_id, [body, headers = {}]) => {
    const before = server.store.apps.list().length;
    expectRefusal(await server.ask("POST", "/apps", { body, headers }));
    expect(server.store.apps.list()).toHaveLength(before);
  });

  test("A38: a tab in the media type", async () => {
    const body = '{"name": "fine-name"}';
    const answer = await raw(`POST /apps HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.ann.token}\r\nContent-Type: application/json\ta\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*"id":"bad_request"/);
    expect(server.store.apps.find("fine-name")).toBeUndefined();
  });

  test("malformed JSON is told apart from wrong fields, and the sentence says where", async () => {
    expect(await server.ask("POST", "/apps", { body: '{"name" "x"}' })).toMatchObject({ status: 400, body: { id: "bad_request", message: expect.stringMatching(/^The body is not valid JSON: .*position 8/) as string } });
    expect(await server.ask("POST", "/apps", { json: { nmae: "x" } })).toMatchObject({ status: 422, body: { id: "invalid_params", message: "nmae: is not a field that can be given here." } });
  });
});

describe("a bad quantity is refused and starts nothing", () => {
  const refused: Record<string, unknown> = { A41: -1, A42: 1e9, A43: 1.5, A45: 9007199254740993, huge: 1e300, "": "", "1e3": "1e3", "0x2": "0x2", "-5": "-5", " 2": " 2", long: "1".repeat(30), null: null, list: [2], object: {}, true: true };
  test.each(Object.entries(refused))("%s", async (_id, quantity) => {
    const before = server.store.releases.list(app.id).length;
    const batch = await server.ask("PATCH", "/apps/app/formation", { json: { updates: [{ type: "worker", quantity }] } });
    expectRefusal(batch);
    expect(batch.body["message"]).toMatch(/quantity/);
    expectRefusal(await server.ask("PATCH", "/apps/app/formation/worker", { json: { quantity } }));
    expect(server.store.releases.list(app.id)).toHaveLength(before);
  });

  test.each([["A44 as a string", "2", 2], ["more", "+1", 3], ["less", "-2", 1], ["a number", 0, 0]])("%s is taken", async (_id, quantity, result) => {
    const scaled = await server.ask<{ type: string; quantity: number }[]>("PATCH", "/apps/app/formation", { json: { updates: [{ type: "worker", quantity }] } });
    expect(scaled.status).toBe(200);
    expect(scaled.body.find(({ type }) => type === "worker")?.quantity).toBe(result);
  });

  test.each([["no type", [{ quantity: 1 }], /^updates\.0\.type: is required/], ["type as a number", [{ type: 1 }], /^updates\.0\.type: must be string/], ["not a list", { type: "web" }, /^updates: must be array/], ["an unknown type", [{ type: "nobody", quantity: 1 }], /formation/]])(
    "%s", async (_id, updates, message) => {
      const answer = await server.ask("PATCH", "/apps/app/formation", { json: { updates } });
      expectRefusal(answer);
      expect(answer.body["message"]).toMatch(message);
    });
});

describe("credentials", () => {
  test("A46: a method override header is ignored", async () => {
    expect(await server.ask("POST", "/apps/app", { headers: { "x-http-method-override": "DELETE" } })).toMatchObject({ status: 404 });
    expect(await server.ask("GET", "/apps/app", { headers: { "x-http-method-override": "DELETE" } })).toMatchObject({ status: 200 });
    expect(server.store.apps.find("app")?.id).toBe(app.id);
  });

  test("A47: a token in the query is no credential", async () => {
    expect(await server.ask("GET", `/account?token=${server.ann.token}&access_token=${server.ann.token}`, { as: null })).toMatchObject({ status: 401 });
  });

  test.each([["A48 nothing", "Bearer"], ["a blank", "Bearer "], ["Basic with nothing", "Basic"], ["Basic without a colon", `Basic ${btoa("x")}`], ["Basic with an empty password", `Basic ${btoa("x:")}`], ["Basic that is no base64", "Basic ~~~"], ["another scheme", "Digest x"], ["a token alone", "x"]])(
    "%s", async (_id, authorization) => {
      const answer = await server.ask("GET", "/account", { as: null, headers: { authorization } });
      expectRefusal(answer);
      expect(answer.status).toBe(401);
    });

  test("A49: a token of a megabyte is refused while it comes in", async () => {
    const answer = await raw(`GET /account HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${"x".repeat(1_000_000)}\r\n\r\n`).catch((error: NodeJS.ErrnoException) => error.code);
    expect(answer).toMatch(/^(HTTP\/1\.1 400 [^]*"id":"bad_request"|ECONNRESET|EPIPE)/);
    expect(await server.ask("GET", "/account")).toMatchObject({ status: 200 });
  });

  test("A50: two Authorization headers are refused, also when both are right", async () => {
    const line = `Authorization: Bearer ${server.ann.token}\r\n`;
    expect(await raw(`GET /account HTTP/1.1\r\nHost: x\r\n${line}${line}\r\n`)).toMatch(/^HTTP\/1\.1 401 /);
  });

  test("A52: of 100 creates of one name at once exactly one wins", async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => server.ask("POST", "/apps", { json: { name: "contested" } })));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    const refused = answers.filter(({ status }) => status !== 201);
    expect(new Set(refused.map(({ body }) => body["message"]))).toEqual(new Set(['name: "contested" is already taken.']));
  });
});

describe("config vars (group C)", () => {
  const patch = (options: Ask) => server.ask<Record<string, string>>("PATCH", "/apps/app/config-vars", options);
  const refuse = async (options: Ask, message: RegExp): Promise<void> => {
    const [versions, config] = [server.store.releases.list(app.id).length, server.pipeline.current(app).config];
    const answer = await server.ask("PATCH", "/apps/app/config-vars", options);
    expectRefusal(answer);
    expect(answer.body["message"]).toMatch(message);
    expect(server.store.releases.list(app.id)).toHaveLength(versions);
    expect(server.pipeline.current(app).config).toEqual(config);
  };

  test.each([["C1", ""], ["C2", "A B"], ["C3", "A=B"], ["C4", "1A"], ["C5", "A-B"], ["C6", "A;id"], ["C7", "A\nB"], ["C8", "__proto__"], ["C9", "PORT"], ["C10", "PAAS_TOKEN"], ["256 letters", "A".repeat(256)]])(
    "%s: the name %j is refused", async (_id, key) => refuse({ body: `{${JSON.stringify(key)}: "x", "FINE": "x"}` }, /name|__proto__/));

  test.each(["PATH", "LD_PRELOAD", "NODE_OPTIONS", "BASH_ENV", "GIT_SSH_COMMAND", "DOCKER_HOST"])("C11-16: %s is the app's own affair and never reaches this process", async (key) => {
    const before = process.env[key];
    expect((await patch({ json: { [key]: "/evil" } })).body[key]).toBe("/evil");
    expect(process.env[key]).toBe(before);
    expect((await patch({ json: { [key]: null } })).body).not.toHaveProperty(key);
  });

  test("C17: a value that no environment can carry", () => refuse({ json: { BIG: "x".repeat(128 * 1024 + 1) } }, /^config var BIG: .*128 KiB/));
  test("C18: 2 MB in all", () => refuse({ json: Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`V${index}`, "x".repeat(100_000)])) }, /1024 KiB/));
  test("C19: a NUL", () => refuse({ json: { A: "a\u0000b" } }, /NUL/));
  test("C24: 1,001 of them", () => refuse({ json: Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [`V${index}`, "x"])) }, /at most 1000/));
  test.each([["a number", 1], ["a list", []], ["an object", {}], ["true", true]])("a value that is %s", (_id, value) => refuse({ json: { A: value } }, /^config var A: the value must be a string/));
  test.each([["a list", "[]"], ["a string", '"A"'], ["null", "null"]])("a body that is %s", (_id, body) => refuse({ body }, /must be/));

  test("C20-22: awkward values come back byte for byte", async () => {
    const values = { PEM: "-----BEGIN KEY-----\nMIIB\r\n\tx\n-----END KEY-----\n", QUOTES: "'\"$(id)\\ ` ${HOME} %s", BLANKS: "  a=b=  ", UNICODE: "ａ\u202E💥\u0001", NAME_LIKE: "__proto__" };
    expect(await patch({ json: values })).toMatchObject({ status: 200, body: values });
    expect(await server.ask("GET", "/apps/app/config-vars")).toMatchObject({ body: values });
  });
});

test("__proto__ and a key that stands twice are refused before any route looks at the body", async () => {
  expect(await server.ask("PATCH", "/apps/app/config-vars", { body: '{"__proto__": "x"}' })).toMatchObject({ status: 400, body: { message: 'The body has the key "__proto__", which is not allowed.' } });
  expect(await server.ask("PATCH", "/apps/app/config-vars", { body: '{"A": "1", "A": "2"}' })).toMatchObject({ status: 400, body: { message: "The body is not valid JSON: an object has the same key twice." } });
  // What only looks like it is fine: the same word as key and value, escaped quotes, keys of different objects.
  const fine = { A: "A", B: '"A": ', C: '\\"A":', D: "" };
  expect((await server.ask("PATCH", "/apps/app/config-vars", { json: fine })).status).toBe(200);
});

test("a part of a path may be as long as an encoded URL, and no longer than 2048 characters", async () => {
  expect(await server.ask("GET", `/apps/${"a".repeat(2048)}`)).toMatchObject({ status: 404, body: { resource: "app" } });
  expect(await server.ask("GET", `/apps/${"a".repeat(2049)}`)).toMatchObject({ status: 400, body: { id: "bad_request", message: "A part of the path is too long." } });
});

test.each(["/apps/..%2f..%2fetc", "/apps/%2e%2e", "/apps/a%00b", "/apps/%ff", "/apps/%zz", `/apps/${"a".repeat(2000)}`, `/apps/${"a".repeat(3000)}`, "/apps/__proto__", "/apps/app/releases/-1", "/apps/app/releases/1e1", "/apps/app/dynos/..%2f", "//apps", "/nowhere", "/apps/app/"])(
  "the path %s finds nothing", async (path) => expectRefusal(await server.ask("GET", path)));
