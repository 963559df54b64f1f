/** The shape of app.json as JSON Schema: Heroku's keys (devcenter: app-json-schema), health checks in Dokku's format. */

import { MAX_QUANTITY } from "./formation.ts";

const TYPE_PATTERN = "^[a-z][a-z0-9_-]{0,62}$";
const seconds = (minimum: number, fallback: number) => ({ type: "number", minimum, maximum: 3600, default: fallback });
const line = { type: "string", maxLength: 8192, pattern: "^[^\\u0000]*$" };

const formation = {
  type: "object",
  propertyNames: { pattern: TYPE_PATTERN },
  additionalProperties: {
    type: "object",
    required: ["quantity"],
    properties: { quantity: { type: "integer", minimum: 0, maximum: MAX_QUANTITY }, size: { type: "string", pattern: "^[A-Za-z0-9-]{1,40}$" } },
  },
};

const env = {
  type: "object",
  maxProperties: 1000,
  additionalProperties: {
    type: ["string", "object"],
    properties: { description: { type: "string" }, value: { type: "string" }, required: { type: "boolean" }, generator: { const: "secret" } },
  },
};

const addons = {
  type: "array",
  maxItems: 100,
  items: { type: ["string", "object"], minLength: 1, maxLength: 200, required: ["plan"], properties: { plan: { type: "string", minLength: 1, maxLength: 200 } } },
};

const healthCheck = {
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
};

/** What an environment may say otherwise than the top of the document. */
const settings = {
  env,
  formation,
  addons,
  buildpacks: { type: "array", maxItems: 20, items: { type: "object", required: ["url"], properties: { url: { type: "string", minLength: 1, maxLength: 2000, pattern: "^[\\x21-\\x7e]+$" } } } },
  scripts: { type: "object", properties: { postdeploy: line, "pr-predestroy": line, test: line, "test-setup": line } },
};
const environment = { type: "object", properties: settings };

export const APP_JSON_SCHEMA = {
  type: "object",
  properties: {
    ...settings,
    healthchecks: { type: "object", propertyNames: { pattern: TYPE_PATTERN }, additionalProperties: { type: "array", maxItems: 20, items: healthCheck } },
    environments: { type: "object", properties: { test: environment, review: environment } },
    stack: { type: "string", pattern: "^(debian-12|container|heroku-\\d\\d)$" },
  },
};
