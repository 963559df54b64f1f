/** What our containers, networks, volumes and images are called, and the labels that say whose they are. */

import type Dockerode from "dockerode";
import { randomBytes } from "node:crypto";
import type { Dyno, DynoSpec } from "./engine.ts";

/** Everything is read back from labels; names are for people. `paas.instance` keeps two installations apart. */
export const LABEL = {
  instance: "paas.instance",
  kind: "paas.kind",
  app: "paas.app",
  type: "paas.type",
  number: "paas.number",
  release: "paas.release",
  fingerprint: "paas.fingerprint",
  command: "paas.command",
  build: "paas.build",
  /** On dynos whose image is the user's own. */
  ownImage: "paas.own-image",
  /** On a slug: what of it later builds may use (slug-base.ts). */
  base: "paas.base",
  /** On a cache (build-caches.ts). */
  renewedAfter: "paas.renewed-after",
} as const;

/** `one-off` dynos end with whoever started them; `detached` ones run on, over a restart of the control plane, too. */
export type Kind = "dyno" | "one-off" | "detached" | "build" | "sandbox" | "network" | "cache" | "slug";

/** Bridges of ours start so: the firewall's rules match on it. Linux allows 15 characters. */
export const BRIDGE_PREFIX = "paas-";

export function labels(instance: string, kind: Kind, appId: string): Record<string, string> {
  return { [LABEL.instance]: instance, [LABEL.kind]: kind, [LABEL.app]: appId };
}

/** Docker's filter for what is ours. */
export function ours(instance: string, kind?: Kind, appId?: string): { label: string[] } {
  const label = [`${LABEL.instance}=${instance}`];
  if (kind) label.push(`${LABEL.kind}=${kind}`);
  if (appId) label.push(`${LABEL.app}=${appId}`);
  return { label };
}

const short = (id: string): string => id.replaceAll("-", "").slice(0, 8);

export function dynoName(instance: string, spec: DynoSpec): string {
  return `paas-${short(instance)}-${spec.appName}-${spec.type}.${spec.number}-${randomBytes(4).toString("hex")}`;
}
/** A build may need a second container while its first one is still being removed. */
export const buildName = (instance: string, appId: string): string => `paas-${short(instance)}-build-${appId}-${randomBytes(4).toString("hex")}`;
export const testRunName = (instance: string, runId: string): string => `paas-${short(instance)}-test-${runId}`;
/** @param purpose tests have a network of their own: they do not reach the app's dynos */
export const networkName = (instance: string, appId: string, purpose?: "test"): string => `paas-${short(instance)}-${appId}${purpose ? `-${purpose}` : ""}`;
export const cacheName = (instance: string, appId: string): string => `paas-${short(instance)}-cache-${appId}`;
export const bridgeName = (): string => `${BRIDGE_PREFIX}${randomBytes(5).toString("hex")}`;
export const slugTag = (buildId: string): { repo: string; tag: string } => ({ repo: "paas-slug", tag: buildId });

export function dynoLabels(instance: string, kind: "dyno" | "one-off" | "detached", spec: DynoSpec): Record<string, string> {
  return {
    ...labels(instance, kind, spec.appId),
    [LABEL.type]: spec.type,
    [LABEL.number]: String(spec.number),
    [LABEL.release]: String(spec.releaseVersion),
    [LABEL.fingerprint]: spec.fingerprint,
    [LABEL.command]: spec.command,
    ...(spec.ownImage ? { [LABEL.ownImage]: spec.ownImage } : {}),
  };
}

/** A dyno as its container's labels tell it. */
export function dynoFromContainer(info: Dockerode.ContainerInfo): Dyno {
  const label = (name: string): string => info.Labels[name] ?? "";
  const type = label(LABEL.type);
  const number = Number(label(LABEL.number));
  const running = info.State === "running";
  const address = Object.values(info.NetworkSettings?.Networks ?? {})[0]?.IPAddress;
  return {
    id: info.Id,
    appId: label(LABEL.app),
    name: `${type}.${number}`,
    type,
    number,
    releaseVersion: Number(label(LABEL.release)),
    fingerprint: label(LABEL.fingerprint),
    command: label(LABEL.command),
    running,
    address: running && address ? address : undefined,
    createdAt: new Date(info.Created * 1000).toISOString(),
  };
}
