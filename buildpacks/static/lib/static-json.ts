/** static.json, in the format of Heroku's static buildpack. */

import { lstatSync, readFileSync } from "node:fs";
import { join, normalize } from "node:path";
import { BuildFailure } from "../../lib/output.ts";

export type Site = {
  /** Relative to the app; undefined: look for index.html. */
  root: string | undefined;
  cleanUrls: boolean;
  httpsOnly: boolean;
  encoding: string;
  canonicalHost: string | undefined;
  errorPage: string | undefined;
  accessLog: boolean;
  errorLevel: string;
  /** Pattern and what answers it, the first match wins. */
  routes: [pattern: string, target: string][];
  /** Exact path, and where to. */
  redirects: [path: string, to: { url: string; status: number }][];
  /** Pattern and headers, the last match wins. */
  headers: [pattern: string, headers: Record<string, string>][];
};

const UNSUPPORTED: Record<string, string> = {
  basic_auth: "protect the app in a program of its own",
  proxies: "let the pages call the other app's own address",
};
const REDIRECTS = [301, 302, 303, 307, 308];
const ERROR_LEVELS = ["debug", "info", "notice", "warn", "error", "crit"];
/** RFC 9110, section 5.1. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const CONTROL = /[\u0000-\u001f\u007f]/;

/** @throws BuildFailure that names the key. */
export function readStaticJson(appDir: string): Site {
  const site: Site = { root: undefined, cleanUrls: false, httpsOnly: false, encoding: "UTF-8", canonicalHost: undefined, errorPage: undefined, accessLog: true, errorLevel: "error", routes: [], redirects: [], headers: [] };
  const path = join(appDir, "static.json");
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return site;
  if (!found.isFile()) throw new BuildFailure("static.json is not a regular file.");
  const entries = Object.entries(object("static.json", parse(readFileSync(path, "utf8").replace(/^\uFEFF/, ""))));
  for (const [key, value] of entries) {
    const take = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
    if (!take) throw refused(key);
    take(site, value);
  }
  return site;
}

const KEYS: Record<string, (site: Site, value: unknown) => void> = {
  root: (site, value) => (site.root = inside("root", text("root", value))),
  clean_urls: (site, value) => (site.cleanUrls = flag("clean_urls", value)),
  https_only: (site, value) => (site.httpsOnly = flag("https_only", value)),
  encoding: (site, value) => (site.encoding = matching("encoding", value, /^[A-Za-z0-9_-]+$/, "the name of a character set")),
  canonical_host: (site, value) => (site.canonicalHost = matching("canonical_host", value, /^([A-Za-z0-9.-]+|\$\{[A-Za-z_]\w*\})$/, "a host name, or ${CONFIG_VAR}")),
  error_page: (site, value) => (site.errorPage = inside("error_page", text("error_page", value))),
  logging: (site, value) => {
    for (const [key, setting] of Object.entries(object("logging", value))) {
      if (key === "access") site.accessLog = flag("logging.access", setting);
      else if (key === "error" && ERROR_LEVELS.includes(String(setting))) site.errorLevel = String(setting);
      else throw new BuildFailure(`"logging.${key}" in static.json is not known, or not one of its values.`, `"access" is true or false; "error" one of ${ERROR_LEVELS.join(", ")}.`);
    }
  },
  routes: (site, value) => {
    for (const [pattern, target] of Object.entries(object("routes", value))) site.routes.push([absolute("routes", pattern), text(`routes["${pattern}"]`, target)]);
  },
  redirects: (site, value) => {
    for (const [from, to] of Object.entries(object("redirects", value))) {
      const { url, status = 301, ...rest } = object(`redirects["${from}"]`, to);
      const unknown = Object.keys(rest)[0];
      if (unknown) throw new BuildFailure(`redirects["${from}"].${unknown} in static.json is not known.`, "A redirect has a url and a status.");
      if (!REDIRECTS.includes(Number(status))) throw new BuildFailure(`redirects["${from}"].status in static.json is ${JSON.stringify(status)}.`, `It must be one of ${REDIRECTS.join(", ")}.`);
      site.redirects.push([absolute("redirects", from), { url: text(`redirects["${from}"].url`, url), status: Number(status) }]);
    }
  },
  headers: (site, value) => {
    for (const [pattern, headers] of Object.entries(object("headers", value))) {
      const checked = Object.entries(object(`headers["${pattern}"]`, headers)).map(([name, content]) => {
        if (!TOKEN.test(name)) throw new BuildFailure(`headers["${pattern}"] in static.json names "${name}", which is no header name.`);
        return [name, text(`headers["${pattern}"].${name}`, content)];
      });
      site.headers.push([absolute("headers", pattern), Object.fromEntries(checked) as Record<string, string>]);
    }
  },
};

function refused(key: string): BuildFailure {
  const instead = Object.hasOwn(UNSUPPORTED, key) ? `Heroku's buildpack has it, this one does not: ${UNSUPPORTED[key]}.` : `Known: ${Object.keys(KEYS).join(", ")}.`;
  return new BuildFailure(`"${key}" in static.json is not supported.`, instead);
}

function parse(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch (error) {
    const message = (error as Error).message;
    const at = /line (\d+) column (\d+)/.exec(message);
    const line = at ? Number(at[1]) : content.split("\n").length;
    throw new BuildFailure(`Unable to parse static.json: ${message.replace(/ in JSON at position.*/, "")} at line ${line}:`, `    ${(content.split("\n")[line - 1] ?? "").slice(0, 120)}`);
  }
}

function object(key: string, value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new BuildFailure(`${key === "static.json" ? key : `"${key}" in static.json`} must be an object.`);
  return value as Record<string, unknown>;
}

function text(key: string, value: unknown): string {
  if (typeof value !== "string" || value === "" || CONTROL.test(value)) throw new BuildFailure(`"${key}" in static.json must be a line of text.`);
  return value;
}

function flag(key: string, value: unknown): boolean {
  if (typeof value !== "boolean") throw new BuildFailure(`"${key}" in static.json must be true or false.`);
  return value;
}

function matching(key: string, value: unknown, pattern: RegExp, what: string): string {
  if (typeof value !== "string" || !pattern.test(value)) throw new BuildFailure(`"${key}" in static.json must be ${what}.`);
  return value;
}

/** A path that stays inside the folder that it is relative to, without slashes at its ends. */
function inside(key: string, path: string): string {
  const plain = normalize(path).replace(/^\/+|\/+$/g, "");
  if (plain.split("/").includes("..")) throw new BuildFailure(`"${key}" in static.json is "${path}", which leaves the app.`);
  return plain || ".";
}

function absolute(key: string, path: string): string {
  if (!path.startsWith("/") || CONTROL.test(path)) throw new BuildFailure(`"${key}" in static.json names "${path}": a path starts with "/".`);
  return path;
}
