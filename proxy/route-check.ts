/** A route as it comes from outside (the control socket, the snapshot), checked field by field. */

import { isIP } from "node:net";
import { canonicalHost } from "./host.ts";
import type { Route, Target, Unavailable } from "./route.ts";

const UNAVAILABLE: readonly string[] = ["H10", "H14", "H80", "H81"] satisfies Unavailable[];

/** The route, or a sentence that names the field that is wrong. Unknown fields are dropped. */
export function checkRoute(value: unknown): Route | string {
  if (!isRecord(value)) return "A route is an object.";
  const { id, deployment, hosts, targets, unavailable } = value;
  if (!isName(id)) return "`id` is a string of 1 to 200 characters.";
  if (!isName(deployment)) return "`deployment` is a string of 1 to 200 characters.";
  if (!Array.isArray(hosts) || !hosts.every((host): host is string => typeof host === "string" && canonicalHost(host) === host))
    return "`hosts` is a list of canonical host names: lower case, no port, no final dot.";
  if (new Set(hosts).size !== hosts.length) return "`hosts` names a host twice.";
  if (!Array.isArray(targets)) return "`targets` is a list.";
  const checked: Target[] = [];
  for (const target of targets) {
    const result = checkTarget(target);
    if (typeof result === "string") return result;
    checked.push(result);
  }
  if (new Set(checked.map((target) => target.id)).size !== checked.length) return "`targets` names a target twice.";
  if (typeof unavailable !== "string" || !UNAVAILABLE.includes(unavailable)) return "`unavailable` is one of H10, H14, H80, H81.";
  // These are missing in snapshots of earlier versions.
  const { redirectToTls = false, hstsSeconds = 0, errorPage = "", maintenancePage = "" } = value;
  if (typeof redirectToTls !== "boolean") return "`redirectToTls` is true or false.";
  if (typeof hstsSeconds !== "number" || !Number.isInteger(hstsSeconds) || hstsSeconds < 0) return "`hstsSeconds` is a whole number.";
  if (!isPage(errorPage)) return "`errorPage` is an http or https URL, or empty.";
  if (!isPage(maintenancePage)) return "`maintenancePage` is an http or https URL, or empty.";
  return { id, deployment, hosts, targets: checked, unavailable: unavailable as Unavailable, redirectToTls, hstsSeconds, errorPage, maintenancePage };
}

function checkTarget(value: unknown): Target | string {
  if (!isRecord(value)) return "A target is an object.";
  const { id, dyno, address, port } = value;
  if (!isName(id)) return "A target's `id` is a string of 1 to 200 characters.";
  // It goes into log lines as it is.
  if (typeof dyno !== "string" || !/^[a-z0-9._-]{1,100}$/i.test(dyno)) return "A target's `dyno` is a name such as web.1.";
  if (typeof address !== "string" || isIP(address) === 0) return "A target's `address` is an IP address.";
  if (typeof port !== "number" || !Number.isInteger(port) || port < 1 || port > 65_535) return "A target's `port` is between 1 and 65535.";
  return { id, dyno, address, port };
}

function isPage(value: unknown): value is string {
  return value === "" || (typeof value === "string" && value.length <= 2_000 && /^https?:\/\//.test(value) && URL.canParse(value));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value.length >= 1 && value.length <= 200;
}
