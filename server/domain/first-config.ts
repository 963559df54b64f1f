/** The config vars that app.json asks for, as the first release of an app gets them (devcenter: app-json-schema#env). */

import { randomBytes } from "node:crypto";
import { invalidParams } from "../errors.ts";
import type { AppJson, EnvVar } from "./app-json.ts";
import type { ConfigVars } from "./model.ts";

const SECRET_BYTES = 32;

/** 256 bits in hexadecimal: what `"generator": "secret"` asks for. */
export const generateSecret = (): string => randomBytes(SECRET_BYTES).toString("hex");

/** Values that app.json has or lets the platform make. What nobody gave a value is not among them. */
export function valuesOf(env: AppJson["env"], generate: () => string = generateSecret): ConfigVars {
  const values = Object.entries(env).map(([name, { value, generator }]) => [name, value || (generator === undefined ? "" : generate())] as const);
  return Object.fromEntries(values.filter(([, value]) => value !== ""));
}

/**
 * What is to be added to the config vars that an app has already, before its first release.
 * @throws AppError invalid_params naming what is required, has no value and was not set, and how to set it
 */
export function firstConfig(env: AppJson["env"], current: ConfigVars, app: string): ConfigVars {
  const unset = Object.fromEntries(Object.entries(env).filter(([name]) => !Object.hasOwn(current, name)));
  const added = valuesOf(unset);
  const missing = Object.entries(unset).filter(([name, { required }]) => required && !Object.hasOwn(added, name));
  if (missing.length > 0) throw invalidParams(whatIsMissing(missing, app));
  return added;
}

function whatIsMissing(missing: [name: string, EnvVar][], app: string): string {
  const lines = missing.map(([name, { description }]) => `  ${name}${description === undefined ? "" : `: ${description.replace(/\s+/g, " ").slice(0, 200)}`}`);
  return [
    "app.json: this app needs config vars that have no value:", ...lines,
    `Set them, then push again: paas config:set -a ${app} ${missing.map(([name]) => `${name}=…`).join(" ")}`,
    'One that the app can do without is marked so: "required": false.',
  ].join("\n");
}
