/**
 * Nothing addressed to a dyno whose network is gone may leave the machine: without this route the kernel would hand such packets to the
 * default gateway. A network that exists has a more specific route and is not touched by it (ip-route(8), type `unreachable`).
 */

import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The last but a few of all metrics: any other route for the same range wins over ours. */
const METRIC = 4278198272;
/** Bridges of containers; `if<index>` is how ip(8) names an interface that went between its two questions. */
const BRIDGE = /^(br-|docker|paas|if\d+$)/;
const COMMAND_MS = 10_000;

type HostRoute = { type?: string; dst: string; dev?: string; gateway?: string };

/**
 * Makes sure that the host holds an `unreachable` route for the whole range; asking again changes nothing.
 * @param range CIDR, such as `10.213.0.0/16`.
 * @throws Error saying what to do where another route of the host overlaps the range, or where we may not add one.
 */
export async function ensureUnreachableRoute(range: string): Promise<void> {
  const routes = await hostRoutes();
  if (routes.some((route) => isOurs(route, range))) return;
  const clash = overlappingRoute(routes, range);
  if (clash) throw new Error(`The address range ${range} (PAAS_NETWORK_RANGE) overlaps the host's route ${describe(clash)}: set PAAS_NETWORK_RANGE to a private range that this machine does not use.`);
  const args = ["route", "replace", "unreachable", range, "metric", String(METRIC)];
  await ip(args).catch((cause: unknown) => {
    throw new Error(`The route that keeps traffic for stopped dynos on this machine could not be added: run \`sudo ip ${args.join(" ")}\`, or start as root.`, { cause });
  });
}

/** The first route of the host's own that shares addresses with the range. The default route and networks of containers inside it do not count. */
export function overlappingRoute(routes: HostRoute[], range: string): HostRoute | undefined {
  const wanted = interval(range);
  return routes.find((route) => {
    if (route.dst === "default" || isOurs(route, range)) return false;
    const taken = interval(route.dst);
    if (taken.last < wanted.first || taken.first > wanted.last) return false;
    const inside = taken.first >= wanted.first && taken.last <= wanted.last;
    return !(inside && (route.type === "unreachable" || BRIDGE.test(route.dev ?? "")));
  });
}

function isOurs(route: HostRoute, range: string): boolean {
  return route.type === "unreachable" && route.dst === range;
}

async function hostRoutes(): Promise<HostRoute[]> {
  return JSON.parse((await ip(["-json", "-4", "route", "show", "table", "main"])) || "[]") as HostRoute[];
}

async function ip(args: string[]): Promise<string> {
  const { stdout } = await run("ip", args, { timeout: COMMAND_MS });
  return stdout.trim();
}

function describe(route: HostRoute): string {
  return [route.dst, route.gateway && `via ${route.gateway}`, route.dev && `on ${route.dev}`].filter(Boolean).join(" ");
}

/** First and last address as numbers; a bare address is a range of one. */
function interval(cidr: string): { first: number; last: number } {
  const [address = "", size = "32"] = cidr.split("/");
  const first = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  return { first, last: first + 2 ** (32 - Number(size)) - 1 };
}
