/** `GET /schema`: what is served, as an OpenAPI 3.1 document made of the routes themselves. It is made when it is asked for and not kept. */

import type { FastifyInstance, RouteOptions } from "fastify";
import { ERROR_STATUS } from "../errors.ts";
import { policyOf } from "./policies.ts";

type Described = { body?: unknown; querystring?: { properties?: Record<string, unknown> }; summary?: string };
type Route = { method: string; path: string; schema: Described };

export type RouteBook = ReturnType<typeof createRouteBook>;

/** Remembers every route that is added to the contexts that it is shown to. */
export function createRouteBook() {
  const routes: Route[] = [];
  return {
    /** Call it before the context's routes are added. */
    read(api: FastifyInstance): void {
      api.addHook("onRoute", ({ method, url, schema }: RouteOptions) => {
        for (const one of [method].flat()) if (one !== "HEAD" && url !== "/schema") routes.push({ method: one, path: url, schema: (schema ?? {}) as Described });
      });
    },
    routes: (): readonly Route[] => routes,
  };
}

/** The document, for anybody: it holds nothing that the documentation does not. */
export function serveSchema(api: FastifyInstance, book: RouteBook): void {
  api.get("/schema", { schema: { summary: "This API as an OpenAPI 3.1 document" } }, async () => openApi(book.routes()));
}

/** @returns an OpenAPI 3.1 document, always the same for the same routes */
export function openApi(routes: readonly Route[]): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes.toSorted((a, b) => (a.path === b.path ? compare(a.method, b.method) : compare(a.path, b.path)))) {
    const path = route.path.replaceAll(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "paas", version: "3",
      description: "Heroku's Platform API, version 3, as far as it is served here. Lists are cut by the Range header (docs/api.md). `x-scope` is what a token needs, `x-role` who may, of those who see what the path names.",
    },
    paths,
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer" }, basic: { type: "http", scheme: "basic", description: "The token as password, the user name being anything." } },
      schemas: {
        error: {
          type: "object", required: ["id", "message"],
          properties: { id: { type: "string", enum: Object.keys(ERROR_STATUS) }, message: { type: "string" }, resource: { type: "string", description: "What was not found." } },
        },
      },
      responses: { error: { description: "A refusal or a failure.", content: { "application/json": { schema: { $ref: "#/components/schemas/error" } } } } },
    },
  };
}

function operation({ method, path, schema }: Route): Record<string, unknown> {
  const policy = policyOf(method, path);
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: "path", required: true, schema: { type: "string" } }));
  const inQuery = Object.entries(schema.querystring?.properties ?? {}).map(([name, of]) => ({ name, in: "query", required: false, schema: of }));
  return {
    operationId: `${method.toLowerCase()}${path.replaceAll(/[/:-](\w)/g, (_, letter: string) => letter.toUpperCase()).replaceAll(/\W/g, "")}`,
    summary: schema.summary ?? "",
    tags: [path.split("/").findLast((word) => word !== "" && !word.startsWith(":") && word !== "actions") ?? ""],
    ...(inPath.length + inQuery.length > 0 ? { parameters: [...inPath, ...inQuery] } : {}),
    ...(schema.body ? { requestBody: { required: true, content: { "application/json": { schema: schema.body } } } } : {}),
    responses: { "2XX": { description: "Done." }, default: { $ref: "#/components/responses/error" } },
    security: policy.scope === "open" ? [] : [{ bearer: [] }, { basic: [] }],
    "x-scope": policy.scope, ...(policy.role ? { "x-role": policy.role } : {}),
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
