/** Every string field of every route's body, and every part of every path, takes anything: an answer of the API's own comes of it, nothing of the inside, and the log is quiet. */

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startApiServer, type Answer, type ApiServer } from "../support/api-server.ts";
import { makeCast, makeWorld, type Cast } from "../support/api-world.ts";

const AWKWARD = [
  "", " ", "0", "-1", "null", "undefined", "true", "NaN", "[]", "{}", "~", "*", "%", "%00", "%2e%2e%2f", "../../etc/passwd", "..\\..\\", "/etc/passwd", "a;id", "$(id)", "`id`", "a|id", "a&&id", "-rf", "--help", "a\nid", "a\r\nX-Injected: 1",
  "a\u0000b", "' OR 1=1--", "\"; DROP TABLE users; --", "<img src=x onerror=alert(1)>", "{{7*7}}${7*7}", "__proto__", "constructor", "toString", "hasOwnProperty", "\u202Egnp.exe", "ａｐｐ", "аpp", "ﬀ", "İ", "\ud800", "👩‍👩‍👧‍👦", "Ω≈ç√∫˜µ≤", "\uFEFFbom", "\u0001\u0007\u001b[31m",
  "a".repeat(5000), "1e309", "9007199254740993", "2026-13-45T99:99:99Z", "00000000-0000-0000-0000-000000000000", "ann@example.com", "file:///etc/passwd", "http://127.0.0.1/", "javascript:alert(1)", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
];

type Schema = { type?: string | string[]; properties?: Record<string, Schema>; items?: Schema; anyOf?: Schema[] };
type Document = { paths: Record<string, Record<string, { requestBody?: { content: { "application/json": { schema: Schema } } } }>> };

let server: ApiServer;
let cast: Cast;
let document: Document;
beforeAll(async () => {
  server = await startApiServer(undefined, { PAAS_REQUESTS_PER_HOUR: "1000000" });
  cast = await makeCast(server);
  document = (await server.ask<Document>("GET", "/schema")).body;
});
afterAll(() => server.stop());
beforeEach(() => server.pass(3_600_000));

function expectOwnAnswer({ status, text, body, headers }: Answer<Record<string, unknown> | undefined>, what: string): void {
  expect(status, `${what}: ${text}`).toBeLessThan(500);
  expect(text, what).not.toMatch(/\.ts:|node_modules|SQLITE|at Object/);
  expect(headers.has("x-injected"), what).toBe(false);
  if (status >= 400 && body !== undefined) expect(body, what).toMatchObject({ id: expect.stringMatching(/^[a-z_]+$/) as string, message: expect.stringMatching(/^[^\n]{3,}$/) as string });
}

/** Paths of the string fields of a body, such as `source.app.id` and `targets.0.app.id`. */
function stringFields(schema: Schema, at: string[] = []): string[][] {
  if (schema.properties) return Object.entries(schema.properties).flatMap(([name, of]) => stringFields(of, [...at, name]));
  if (schema.items) return stringFields(schema.items, [...at, "0"]);
  return [schema.type].flat().includes("string") ? [at] : [];
}

function withField(body: unknown, [name = "", ...rest]: string[], value: unknown): unknown {
  const isList = /^\d+$/.test(name);
  const copy: Record<string, unknown> = { ...(typeof body === "object" && body !== null ? body : {}) };
  copy[name] = rest.length === 0 ? value : withField(copy[name], rest, value);
  return isList ? [copy[name]] : copy;
}

test("every string field of every body", async () => {
  let asked = 0;
  for (const [path, methods] of Object.entries(document.paths))
    for (const [method, { requestBody }] of Object.entries(methods)) {
      const schema = requestBody?.content["application/json"].schema;
      // A login's form is no JSON, and open logins are few on purpose: login.test.ts has them.
      if (!schema || path.startsWith("/auth")) continue;
      const route = `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`;
      const world = await makeWorld(server, cast, route);
      const concrete = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => world.params[name] ?? "");
      const as = path.startsWith("/admin") ? server.admin : server.ann;
      for (const field of stringFields(schema))
        // Each password costs a fifth of a second on purpose.
        for (const value of field.includes("password") || field.includes("new_password") ? AWKWARD.slice(0, 4) : AWKWARD) {
          asked += 1;
          expectOwnAnswer(await server.ask(method.toUpperCase(), concrete, { as, json: withField(world.body(route) ?? {}, field, value) }), `${route} ${field.join(".")} = ${JSON.stringify(value).slice(0, 60)}`);
        }
    }
  expect(asked).toBeGreaterThan(2000);
  expect(server.logged.filter(({ level }) => Number(level) >= 50)).toEqual([]);
});

test("every part of every path", async () => {
  const reads = Object.entries(document.paths).filter(([path, methods]) => methods["get"] && path.includes("{") && !path.startsWith("/auth/cli"));
  for (const [path] of reads) {
    const world = await makeWorld(server, cast, `GET ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`);
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
    for (const tried of names)
      for (const value of AWKWARD.filter((one) => one !== "" && one.isWellFormed())) {
        const concrete = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => (name === tried ? encodeURIComponent(value) : world.params[name] ?? ""));
        expectOwnAnswer(await server.ask("GET", concrete), `${path} ${tried} = ${JSON.stringify(value).slice(0, 60)}`);
      }
  }
  expect(server.logged.filter(({ level }) => Number(level) >= 50)).toEqual([]);
});

test("every value of every header that is read", async () => {
  const app = await server.pipeline.createApp("awkward-headers", server.ann.user);
  for (const header of ["range", "if-none-match", "accept", "request-id", "accept-expansion", "content-type", "cookie", "origin", "x-forwarded-for", "heroku-two-factor-code"])
    for (const value of AWKWARD.filter((one) => /^[\x20-\x7e]*$/.test(one) && one.length < 5000)) expectOwnAnswer(await server.ask("GET", `/apps/${app.id}/releases`, { headers: { [header]: value } }), `${header}: ${value}`);
  expect(server.logged.filter(({ level }) => Number(level) >= 50)).toEqual([]);
});
