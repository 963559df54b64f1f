/** The router's access lines: whose app they are about, what they count for. */

import type { Store } from "../store/store.ts";
import type { Hub } from "./hub.ts";

/** What a line tells; undefined where it has no such word. */
export type Access = { status: number; serviceMs: number; bytes: number; code: string | undefined };

/** Counts requests; `appId` undefined: of no app's host. */
export type CountAccess = (appId: string | undefined, access: Access) => void;

type Owner = { appId: string; release: number } | undefined;

/** Domains and releases change now and then, requests come by the thousand: an answer of the database holds for so long. */
const REMEMBER_MS = 1000;
const MAX_REMEMBERED = 10_000;

/** Takes whole lines of the router's log. @param domain what the apps' own hosts end with */
export function createRouterLines(store: Pick<Store, "apps" | "domains" | "deployments" | "releases">, domain: string, hub: Hub, count: CountAccess): { take(lines: string): void; dropped(): number } {
  const owners = new Map<string, Owner>();
  const suffix = `.${domain}`;
  let forgetAt = 0;
  let dropped = 0;

  const look = (host: string): Owner => {
    const name = host.endsWith(suffix) ? host.slice(0, -suffix.length) : undefined;
    const appId = (name === undefined ? undefined : store.apps.find(name)?.id) ?? store.domains.findByHostname(host)?.appId;
    if (appId === undefined) return undefined;
    const releaseId = store.deployments.current(appId)?.releaseId;
    return { appId, release: (releaseId === undefined ? undefined : store.releases.find(releaseId)?.version) ?? 0 };
  };
  const ownerOf = (host: string): Owner => {
    const now = performance.now();
    if (now > forgetAt || owners.size > MAX_REMEMBERED) {
      owners.clear();
      forgetAt = now + REMEMBER_MS;
    }
    if (!owners.has(host)) owners.set(host, look(host));
    return owners.get(host);
  };

  return {
    take(lines) {
      for (let from = 0, to = lines.indexOf("\n"); to !== -1; from = to + 1, to = lines.indexOf("\n", from)) {
        const line = lines.slice(from, to);
        const host = hostOf(line);
        if (host === undefined) {
          dropped += Number(/^at=warn dropped=(\d+)$/.exec(line)?.[1] ?? 0);
          continue;
        }
        const owner = ownerOf(host);
        count(owner?.appId, accessOf(line));
        if (owner) hub.write(owner.appId, { source: "heroku", ps: "router", release: owner.release, text: line });
      }
    },
    /** Lines that the router itself could not hand on. */
    dropped: () => dropped,
  };
}

/** The first ` host=`: what stands before it, the path, holds no blank. */
function hostOf(line: string): string | undefined {
  const at = line.indexOf(" host=");
  return at === -1 ? undefined : line.slice(at + 6, line.indexOf(" ", at + 6));
}

/** What stands behind `fwd`, which clients can fill with anything, is looked for from the end. */
function accessOf(line: string): Access {
  const number = (name: string): number => Number.parseInt(line.slice(line.lastIndexOf(` ${name}=`) + name.length + 2), 10) || 0;
  return { status: number("status"), serviceMs: number("service"), bytes: number("bytes"), code: /^at=error code=(H\d\d)/.exec(line)?.[1] };
}
