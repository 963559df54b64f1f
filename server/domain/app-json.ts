/** app.json: what of it the platform acts on (devcenter: app-json-schema; health checks in Dokku's format). */

import { Ajv, type ErrorObject } from "ajv";
import { AppError, invalidParams } from "../errors.ts";
import { APP_JSON_SCHEMA } from "./app-json-schema.ts";
import { assertConfigVar } from "./config-var.ts";

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

/** A config var that the app asks for. Without a value and without a generator somebody has to set it, unless it is not required. */
export type EnvVar = { description?: string; value?: string; generator?: "secret"; required: boolean };

/** Shell commands, run in one-off dynos. An empty one is none: so an environment takes one away. */
export type Scripts = { postdeploy?: string; test?: string; "test-setup"?: string; "pr-predestroy"?: string };

/** What an environment may say otherwise than the top of the document. */
export type Settings = {
  env: Record<string, EnvVar>;
  formation: Record<string, { quantity: number; size?: string }>;
  /** In order; none: detection decides. */
  buildpacks: { url: string }[];
  scripts: Scripts;
  /** Their plans, such as `heroku-postgresql:mini`. */
  addons: string[];
};

export type Environment = "test" | "review";

export type AppJson = Settings & {
  healthchecks: Record<string, HealthCheck[]>;
  environments: { [name in Environment]?: Partial<Settings> };
  stack?: string;
};

export const MAX_APP_JSON_BYTES = 256 * 1024;
export const EMPTY_APP_JSON: AppJson = { env: {}, formation: {}, buildpacks: [], scripts: {}, addons: [], healthchecks: {}, environments: {} };

type Written<Of extends Settings> = Partial<Omit<Of, "env" | "addons">> & { env?: Record<string, string | Omit<EnvVar, "required"> & { required?: boolean }>; addons?: (string | { plan: string })[] };
type Document = Written<AppJson> & { environments?: { [name in Environment]?: Written<Settings> } };

const validate = new Ajv({ allErrors: true, useDefaults: true, strict: false, removeAdditional: false }).compile<Document>(APP_JSON_SCHEMA);

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
  if (!validate(document)) throw wrong(sentences(validate.errors ?? []));
  const { test, review } = document.environments ?? {};
  const problems = [...envProblems("env", document.env), ...envProblems("environments.test.env", test?.env), ...envProblems("environments.review.env", review?.env)];
  if (problems.length > 0) throw wrong(problems);
  return {
    ...EMPTY_APP_JSON, ...settings(document), healthchecks: { ...document.healthchecks },
    environments: { ...(test && { test: settings(test) }), ...(review && { review: settings(review) }) },
    ...(document.stack !== undefined && { stack: document.stack }),
  };
}

/**
 * app.json as it holds in an environment: env, formation and scripts name by name, buildpacks and add-ons as a whole
 * (devcenter: heroku-ci, "any keys defined in the test environment take precedence").
 */
export function appJsonIn(appJson: AppJson, environment: Environment): AppJson {
  const own = appJson.environments[environment] ?? {};
  return {
    ...appJson,
    env: { ...appJson.env, ...own.env },
    formation: { ...appJson.formation, ...own.formation },
    scripts: { ...appJson.scripts, ...own.scripts },
    buildpacks: own.buildpacks ?? appJson.buildpacks,
    addons: own.addons ?? appJson.addons,
  };
}

/** Whether the app has tests that are to be run before a release. */
export function declaresTests({ environments, scripts }: AppJson): boolean {
  return environments.test !== undefined || Boolean(scripts.test);
}

/** What a new dyno of the type must pass before it is trusted: readiness too, for one that is not ready would be taken out of the route again at once. */
export function startupChecks(appJson: AppJson, type: string): HealthCheck[] {
  return checksOf(appJson, type).filter((check) => check.type !== "liveness");
}

/** What dynos of the type are asked as long as they run. An uptime that was reached once holds for ever. */
export function standingChecks(appJson: AppJson, type: string): HealthCheck[] {
  return checksOf(appJson, type).filter((check) => check.type !== "startup" && check.uptime === undefined);
}

function checksOf({ healthchecks }: AppJson, type: string): HealthCheck[] {
  return (Object.hasOwn(healthchecks, type) ? healthchecks[type] : undefined) ?? [];
}

/** Only what is written there: what is not written overrides nothing. */
function settings({ env, formation, buildpacks, scripts, addons }: Written<Settings>): Partial<Settings> {
  return {
    ...(env && { env: Object.fromEntries(Object.entries(env).map(([name, wanted]) => [name, envVar(wanted)])) }),
    ...(formation && { formation: { ...formation } }),
    ...(buildpacks && { buildpacks: buildpacks.map(({ url }) => ({ url })) }),
    ...(scripts && { scripts: { ...scripts } }),
    ...(addons && { addons: addons.map((addon) => (typeof addon === "string" ? addon : addon.plan)) }),
  };
}

/** Heroku requires what does not say otherwise (devcenter: app-json-schema#env). */
function envVar(wanted: NonNullable<Document["env"]>[string]): EnvVar {
  return typeof wanted === "string" ? { value: wanted, required: true } : { ...wanted, required: wanted.required ?? true };
}

/** What no config var may be called or hold. */
function envProblems(field: string, env: Document["env"]): string[] {
  return Object.entries(env ?? {}).flatMap(([name, wanted]) => {
    try {
      assertConfigVar(name, envVar(wanted).value ?? "");
      return [];
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      return [`${field}: ${error.message.replace(/\.$/, "")}`];
    }
  });
}

function wrong(problems: string[]): AppError {
  return invalidParams(`app.json: ${problems.slice(0, 10).join("; ")}`);
}

function sentences(errors: ErrorObject[]): string[] {
  const told = errors.filter((error) => !(error.keyword === "required" && error.schemaPath.includes("oneOf"))).map((error) => {
    const field = error.instancePath.slice(1).replaceAll("/", ".") || "the document";
    if (error.keyword === "oneOf") return `${field} must have exactly one of path, command, uptime and listening`;
    if (error.keyword === "enum") return `${field} must be one of ${(error.params as { allowedValues: unknown[] }).allowedValues.join(", ")}`;
    if (error.keyword === "const") return `${field} must be ${JSON.stringify((error.params as { allowedValue: unknown }).allowedValue)}`;
    if (field === "stack") return `stack must be debian-12, "container" (a Dockerfile), or one of Heroku's such as heroku-24`;
    return `${field} ${error.message ?? "is wrong"}`;
  });
  return [...new Set(told)];
}
