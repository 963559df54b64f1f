/** app.json: what of it the platform acts on (devcenter: app-json-schema; health checks in Dokku's format). */

import { Ajv, type ErrorObject } from "ajv";
import { invalidParams } from "../errors.ts";
import { MAX_QUANTITY } from "./formation.ts";

/** One check of a process type. Times are seconds. Exactly one of path, command, uptime and listening says what is checked. */
export type HealthCheck = {
  type: "startup" | "readiness" | "liveness";
  name: string;
  path?: string;
  command?: string[];
  uptime?: number;
  listening?: boolean;
  content?: string;
  httpHeaders: { name: string; value: string }[];
  scheme: "http" | "https";
  port?: number;
  attempts: number;
  initialDelay: number;
  timeout: number;
  wait: number;
  warn: boolean;
};

export type AppJson = {
  formation: Record<string, { quantity: number; size?: string }>;
  healthchecks: Record<string, HealthCheck[]>;
};

export const MAX_APP_JSON_BYTES = 256 * 1024;
export const EMPTY_APP_JSON: AppJson = { formation: {}, healthchecks: {} };

const TYPE_PATTERN = "^[a-z][a-z0-9_-]{0,62}$";
const seconds = (minimum: number, fallback: number) => ({ type: "number", minimum, maximum: 3600, default: fallback });
const SCHEMA = {
  type: "object",
  properties: {
    formation: {
      type: "object",
      propertyNames: { pattern: TYPE_PATTERN },
      additionalProperties: {
        type: "object",
        required: ["quantity"],
        properties: { quantity: { type: "integer", minimum: 0, maximum: MAX_QUANTITY }, size: { type: "string", pattern: "^[A-Za-z0-9-]{1,40}$" } },
      },
    },
    healthchecks: {
      type: "object",
      propertyNames: { pattern: TYPE_PATTERN },
      additionalProperties: {
        type: "array",
        maxItems: 20,
        items: {
          type: "object",
          required: ["type"],
          oneOf: [{ required: ["path"] }, { required: ["command"] }, { required: ["uptime"] }, { required: ["listening"] }],
          properties: {
            type: { enum: ["startup", "readiness", "liveness"] },
            name: { type: "string", maxLength: 100, default: "" },
            path: { type: "string", pattern: "^/(?!/)[\\x21-\\x7e]*$", maxLength: 2000 },
            command: { type: "array", minItems: 1, maxItems: 100, items: { type: "string", maxLength: 8192, pattern: "^[^\\u0000]*$" } },
            uptime: { type: "number", exclusiveMinimum: 0, maximum: 3600 },
            listening: { const: true },
            content: { type: "string", minLength: 1, maxLength: 10_000 },
            httpHeaders: {
              type: "array",
              maxItems: 50,
              default: [],
              items: {
                type: "object",
                required: ["name", "value"],
                properties: { name: { type: "string", pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}$" }, value: { type: "string", pattern: "^[\\t\\x20-\\x7e]*$", maxLength: 4096 } },
              },
            },
            scheme: { enum: ["http", "https"], default: "http" },
            port: { type: "integer", minimum: 1, maximum: 65_535 },
            attempts: { type: "integer", minimum: 1, maximum: 1000, default: 3 },
            initialDelay: seconds(0, 0),
            timeout: { type: "number", exclusiveMinimum: 0, maximum: 600, default: 5 },
            wait: seconds(0, 5),
            warn: { type: "boolean", default: false },
          },
        },
      },
    },
  },
};
const validate = new Ajv({ allErrors: true, useDefaults: true, strict: false, removeAdditional: false }).compile<Partial<AppJson>>(SCHEMA);

/**
 * Reads app.json. Keys that the platform does not act on are left alone, as Heroku does.
 * @throws AppError invalid_params naming every field that is wrong.
 */
export function parseAppJson(bytes: Uint8Array): AppJson {
  if (bytes.length > MAX_APP_JSON_BYTES) throw invalidParams(`app.json: larger than ${MAX_APP_JSON_BYTES / 1024} KiB.`);
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalidParams(`app.json: is not valid JSON: ${error instanceof Error ? error.message.slice(0, 200) : "unreadable"}`);
  }
  if (!validate(document)) throw invalidParams(`app.json: ${sentences(validate.errors ?? []).join("; ")}`);
  return { formation: { ...document.formation }, healthchecks: { ...document.healthchecks } };
}

/** The checks that a new dyno of the type must pass before it is trusted. */
export function startupChecks({ healthchecks }: AppJson, type: string): HealthCheck[] {
  const checks = Object.hasOwn(healthchecks, type) ? healthchecks[type] : undefined;
  return (checks ?? []).filter((check) => check.type === "startup");
}

function sentences(errors: ErrorObject[]): string[] {
  const told = errors.filter((error) => !(error.keyword === "required" && error.schemaPath.includes("oneOf"))).map((error) => {
    const field = error.instancePath.slice(1).replaceAll("/", ".") || "the document";
    if (error.keyword === "oneOf") return `${field} must have exactly one of path, command, uptime and listening`;
    if (error.keyword === "enum") return `${field} must be one of ${(error.params as { allowedValues: unknown[] }).allowedValues.join(", ")}`;
    return `${field} ${error.message ?? "is wrong"}`;
  });
  return [...new Set(told)].slice(0, 10);
}
