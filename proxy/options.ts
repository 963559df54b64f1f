/** The command line of the router process. */

import { isIP } from "node:net";
import { parseArgs } from "node:util";
import type { Limits } from "./limits.ts";

export type Options = {
  bind: string;
  port: number;
  /** The port for TLS; null where none is served. */
  tlsPort: number | null;
  socket: string;
  snapshot: string;
  log: string | null;
  workers: number;
  /** The listening sockets come from the router that started this one (succession.ts). */
  inherit: boolean;
  limits: Partial<Limits>;
};

export const USAGE =
  "usage: node proxy/main.ts --socket <path> --snapshot <path> [--bind <address>] [--port <number>] [--tls-port <number>]\n" +
  "       [--log <path>] [--workers <number>] [--connections <number>] [--connections-per-address <number>] [--http2-streams <number>]";

/** The options, or every problem with them. */
export function parseOptions(argv: string[]): { options: Options } | { problems: string[] } {
  let values: Record<string, string | undefined>;
  let inherit: boolean;
  try {
    const text = { type: "string" } as const;
    ({ inherit, ...values } = parseArgs({
      args: argv,
      options: {
        bind: text, port: text, "tls-port": text, socket: text, snapshot: text, log: text, workers: text, connections: text, "connections-per-address": text, "http2-streams": text,
        inherit: { type: "boolean", default: false },
      },
    }).values);
  } catch (error) {
    return { problems: [(error as Error).message] };
  }
  const problems: string[] = [];
  const bind = values["bind"] ?? "127.0.0.1";
  if (isIP(bind) === 0) problems.push("--bind is an IP address");
  const port = wholeNumber(values["port"] ?? "8080", 0, 65_535);
  if (port === null) problems.push("--port is a number between 0 and 65535");
  const tlsPort = values["tls-port"] === undefined ? null : wholeNumber(values["tls-port"], 0, 65_535);
  if (values["tls-port"] !== undefined && tlsPort === null) problems.push("--tls-port is a number between 0 and 65535");
  const workers = wholeNumber(values["workers"] ?? "1", 1, 256);
  if (workers === null) problems.push("--workers is a number between 1 and 256");
  const { socket = "", snapshot = "", log = null } = values;
  // The kernel's sun_path holds 108 octets with the final NUL.
  if (socket === "" || Buffer.byteLength(socket) > 107) problems.push("--socket is a path of at most 107 bytes");
  if (snapshot === "") problems.push("--snapshot is a path");
  if (log === "") problems.push("--log is a path");
  const limits: Partial<Limits> = {};
  for (const [name, key, least] of [["connections", "connections", 1], ["connections-per-address", "connectionsPerAddress", 1], ["http2-streams", "http2Streams", 0]] as const) {
    if (values[name] === undefined) continue;
    const value = wholeNumber(values[name], least, 1_000_000);
    if (value === null) problems.push(`--${name} is a number between ${least} and 1000000`);
    else limits[key] = value;
  }
  if (problems.length > 0 || port === null || workers === null) return { problems };
  return { options: { bind, port, tlsPort, socket, snapshot, log, workers, inherit, limits } };
}

function wholeNumber(text: string, least: number, most: number): number | null {
  const value = /^\d{1,7}$/.test(text) ? Number(text) : -1;
  return value >= least && value <= most ? value : null;
}
