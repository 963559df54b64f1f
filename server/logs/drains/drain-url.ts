/** Where a drain leads, as its URL says. */

import { invalidParams } from "../../errors.ts";

export type DrainProtocol = "syslog" | "https" | "fluent";

export type DrainTarget = {
  protocol: DrainProtocol;
  tls: boolean;
  host: string;
  port: number;
  user: string;
  password: string;
  /** With its query; of fluent, the tag. */
  path: string;
  /** Fluentd's forward protocol, handshake: known to both ends. */
  sharedKey: string | undefined;
};

const SCHEMES: Record<string, { protocol: DrainProtocol; tls: boolean; port: number | undefined }> = {
  "syslog:": { protocol: "syslog", tls: false, port: undefined },
  "syslog+tls:": { protocol: "syslog", tls: true, port: 6514 },
  "https:": { protocol: "https", tls: true, port: 443 },
  "fluent:": { protocol: "fluent", tls: false, port: 24224 },
  "fluent+tls:": { protocol: "fluent", tls: true, port: 24224 },
};
const MAX_LENGTH = 2000;

/** @throws AppError invalid_params */
export function parseDrainUrl(url: unknown): DrainTarget {
  if (typeof url !== "string" || url.length > MAX_LENGTH || !/^[\x21-\x7e]+$/.test(url)) throw invalidParams(`url: must be a URL of at most ${MAX_LENGTH} printable ASCII characters.`);
  const parsed = URL.parse(url);
  const scheme = parsed ? SCHEMES[parsed.protocol] : undefined;
  if (!parsed || !scheme) throw invalidParams("url: must begin with syslog://, syslog+tls://, https://, fluent:// or fluent+tls://.");
  if (parsed.hostname === "") throw invalidParams("url: names no host.");
  const port = parsed.port === "" ? scheme.port : Number(parsed.port);
  if (port === undefined || port === 0) throw invalidParams("url: must name a port, such as syslog://logs.example.com:514.");
  if (parsed.hash !== "") throw invalidParams("url: takes no #fragment.");
  const path = scheme.protocol === "fluent" ? decode(parsed.pathname.replace(/^\//, "")) : `${parsed.pathname}${parsed.search}`;
  return {
    ...scheme, port, path,
    host: parsed.hostname.replace(/^\[|\]$/g, ""),
    user: decode(parsed.username), password: decode(parsed.password),
    sharedKey: scheme.protocol === "fluent" ? parsed.searchParams.get("shared_key") ?? undefined : undefined,
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalidParams("url: has a % that begins no escape.");
  }
}
