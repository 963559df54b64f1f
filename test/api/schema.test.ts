import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { POLICIES } from "../../server/api/policies.ts";
import { startApiServer } from "../support/api-server.ts";

type Operation = { operationId: string; summary: string; parameters?: { name: string; in: string }[]; requestBody?: { content: unknown }; responses: object; security: unknown[] };
type Document = { openapi: string; paths: Record<string, Record<string, Operation>>; components: Record<string, Record<string, unknown>> };

const FILE = join(import.meta.dirname, "../../docs/openapi.json");

/** `npm run openapi` writes the file; here it must be what is served. */
test("docs/openapi.json is what GET /schema answers: `npm run openapi` writes it anew", async () => {
  const server = await startApiServer();
  const { status, body } = await server.ask<Document>("GET", "/schema", { as: null });
  await server.stop();
  expect(status).toBe(200);
  if (process.env["UPDATE_OPENAPI"]) writeFileSync(FILE, `${JSON.stringify(body, null, 1)}\n`);
  const written = JSON.parse(readFileSync(FILE, "utf8")) as Document;
  const operations = ({ paths }: Document): string[] => Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => `${method} ${path} ${JSON.stringify(operation)}`));
  const [now, then] = [operations(body), operations(written)];
  const differing = new Set([...now.filter((one) => !then.includes(one)), ...then.filter((one) => !now.includes(one))].map((one) => one.split(" ", 2).join(" ")));
  expect([...differing], "run `npm run openapi`").toEqual([]);
  expect(JSON.stringify(body) === JSON.stringify(written), "run `npm run openapi`").toBe(true);
});

test("the document has every route with its parameters and its body, and says who may use it", async () => {
  const server = await startApiServer();
  const { body } = await server.ask<Document>("GET", "/schema", { as: null });
  await server.stop();
  expect(body.openapi).toBe("3.1.0");
  const operations = Object.entries(body.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ route: `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`, path, operation })));
  expect(operations.map(({ route }) => route).toSorted()).toEqual(Object.keys(POLICIES).filter((route) => route !== "GET /schema").toSorted());
  expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length);
  for (const { route, path, operation } of operations) {
    expect(operation.summary.length, `${route} has a summary`).toBeGreaterThan(3);
    expect((operation.parameters ?? []).filter((one) => one.in === "path").map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
    expect(operation.security).toHaveLength(POLICIES[route]?.scope === "open" ? 0 : 2);
  }
  const text = JSON.stringify(body);
  for (const [, kind = "", name = ""] of text.matchAll(/"#\/components\/(\w+)\/(\w+)"/g)) expect(body.components[kind]).toHaveProperty(name);
});
