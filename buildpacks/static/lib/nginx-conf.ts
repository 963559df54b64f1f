/** nginx's configuration of a site. @PORT@, @HOME@ and @ENV:NAME@ are filled in when a dyno starts. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Site } from "./static-json.ts";

/** What lies beside the site where its root is the top of the repository. */
const NOT_CONTENT = '^/(?:Procfile|app\\.json|static\\.json|package(?:-lock)?\\.json|bin/boot|node_modules)(?:/|$)';
/** File names with a hash of their content, as bundlers write them: hexadecimal, with letters and digits both, so no word and no date. */
const HASHED_NAME = "[.-](?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{8,40}\\.[A-Za-z0-9.]+$";

/** @param root the absolute path of the folder that is served. */
export function nginxConf(site: Site, root: string, isWholeRepository: boolean): string {
  const frame = readFileSync(join(import.meta.dirname, "../../lib/nginx.conf"), "utf8");
  const filled: Record<string, string> = { ERROR_LEVEL: site.errorLevel, ACCESS_LOG: site.accessLog ? "/dev/stdout line" : "off", SITE: sitePart(site, root, isWholeRepository) };
  return frame.replace(/@(ERROR_LEVEL|ACCESS_LOG|SITE)@/g, (_slot, name: string) => filled[name] ?? "");
}

function sitePart(site: Site, root: string, isWholeRepository: boolean): string {
  return `  charset ${site.encoding};
  charset_types text/plain text/css text/xml text/javascript application/javascript application/json application/manifest+json image/svg+xml;

  # A slug never changes while it is served.
  open_file_cache max=10000 inactive=1h;
  open_file_cache_valid 1h;
  gzip on;
  gzip_static on;
  gzip_min_length 512;
  gzip_vary on;
  gzip_proxied any;
  gzip_types text/plain text/css text/xml text/javascript application/javascript application/json application/manifest+json application/xml application/rss+xml application/wasm image/svg+xml font/ttf font/otf;

  # ETag is made of time and size, and compile has made the time of the content: it holds for as long as the content does.
  # The time itself says nothing then.
  etag on;
  if_modified_since off;
  add_header Last-Modified "";

  # The only way to write a dollar sign.
  geo $dollar {
    default "$";
  }
  map $request_uri $request_path {
    "~^(?<path>[^?]*)" $path;
  }
  map $uri $usual_cache_control {
    "~${HASHED_NAME}" "public, max-age=31536000, immutable";
    default "public, max-age=0, must-revalidate";
  }
${headerMaps(site)}
  map $uri $route {
${site.routes.map(([pattern, target]) => `    ${quoted(`~^${regex(pattern)}$`)} ${value(target.endsWith("/") ? `/${target}/index.html`.replace(/\/+/g, "/") : `/${target}`.replace(/^\/+/, "/"))};`).join("\n")}
    default "/.none";
  }

  server {
    listen @PORT@ default_server;
    root ${quoted(root)};
    index index.html;
${site.httpsOnly ? '    if ($http_x_forwarded_proto != "https") {\n      return 301 https://$host$request_uri;\n    }\n' : ""}${site.canonicalHost ? canonicalHost(site.canonicalHost) : ""}${site.errorPage ? `    error_page 404 500 ${quoted(`/${site.errorPage}`)};\n` : ""}
    location / {
      try_files $uri ${site.cleanUrls ? "$uri.html " : ""}$uri/ $route =404;
    }
    location ~ "/\\.(?!well-known(?:/|$))" {
      return 404;
    }
    location ~ "/$" {
      try_files \${uri}index.html $route =404;
    }
${isWholeRepository ? `    location ~ "${NOT_CONTENT}" {\n      return 404;\n    }\n` : ""}${site.redirects.map(([path, to], index) => redirect(path, to, index)).join("")}  }`;
}

/** One map a header: the last pattern that matches decides about all headers, as Heroku documents it. */
function headerMaps({ headers }: Site): string {
  const names = new Map<string, string>([
    ["cache-control", "Cache-Control"],
    ["x-content-type-options", "X-Content-Type-Options"],
  ]);
  for (const [, set] of headers) for (const name of Object.keys(set)) names.set(name.toLowerCase(), name);
  return [...names].map(([key, name], index) => headerMap(headers, key, name, index)).join("");
}

function headerMap(headers: Site["headers"], key: string, name: string, index: number): string {
  const usual = key === "cache-control" ? "$usual_cache_control" : key === "x-content-type-options" ? "nosniff" : '""';
  const lines = headers.toReversed().map(([pattern, set]) => {
    const own = Object.entries(set).find(([other]) => other.toLowerCase() === key)?.[1];
    return `    ${quoted(`~^${regex(pattern)}$`)} ${own === undefined ? usual : value(own)};`;
  });
  // What may be kept for long must not be said of an error.
  const when = key === "cache-control" ? "" : " always";
  return `  map $request_path $header_${index} {\n${[...lines, `    default ${usual};`].join("\n")}\n  }\n  add_header ${name} $header_${index}${when};\n`;
}

function redirect(path: string, { url, status }: { url: string; status: number }, index: number): string {
  return `    location = ${quoted(path)} {\n      try_files $uri @redirect_${index};\n    }\n    location @redirect_${index} {\n      return ${status} ${value(url, "variables")};\n    }\n`;
}

function canonicalHost(host: string): string {
  const name = value(host, "variables");
  return `    if ($host != ${name}) {\n      return 301 $http_x_forwarded_proto://${name.slice(1, -1)}$request_uri;\n    }\n`;
}

/** `*` is a part of a path between slashes, `**` any number of them. */
function regex(pattern: string): string {
  return pattern
    .split(/(\*\*|\*)/)
    .map((part) => (part === "**" ? ".*" : part === "*" ? "[^/]*" : part.replace(/[\\^$.|?+()[\]{}]/g, "\\$&")))
    .join("");
}

/** A string of nginx's that is not searched for variables. */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** A string of nginx's, where a dollar sign would start a variable. */
function value(text: string, variables?: "variables"): string {
  const parts = text.split(variables ? /(\$\{[A-Za-z_]\w*\})/ : /(?!)/).map((part, index) => (index % 2 === 1 ? `@ENV:${part.slice(2, -1)}@` : part.replaceAll("$", "${dollar}")));
  return quoted(parts.join(""));
}
