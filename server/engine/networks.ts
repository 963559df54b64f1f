/** One network per app, and one for its tests, all from one address range, so that no app reaches another (DESIGN: invariant 10). */

import { setTimeout as sleep } from "node:timers/promises";
import type Dockerode from "dockerode";
import { AppError } from "../errors.ts";
import { isStatus, unlessGone, within } from "./docker-call.ts";
import { bridgeName, labels, networkName } from "./naming.ts";

const SUBNET_SIZE = 26;
const CALL_MS = 30_000;
const REMOVALS = 50;
const AGAIN_MS = 100;

/**
 * Gives the function that makes an app's network where it is missing, and gives its name. Idempotent, also against other
 * installations on the same engine: a subnet that somebody took in between is left to them and the next one is tried.
 * Dynos of one app that start at once share one call: asked twice at a time, the engine makes two networks of one name.
 * That function throws AppError engine_unavailable, also when the range is used up.
 */
export function createNetworks(docker: Dockerode, instance: string, range: string): (appId: string, purpose?: "test") => Promise<string> {
  const making = new Map<string, Promise<string>>();
  return (appId, purpose) => {
    const name = networkName(instance, appId, purpose);
    const made = making.get(name) ?? ensureNetwork(docker, instance, range, appId, name).finally(() => making.delete(name));
    making.set(name, made);
    return made;
  };
}

async function ensureNetwork(docker: Dockerode, instance: string, range: string, appId: string, name: string): Promise<string> {
  const networks = await within(CALL_MS, "list networks", docker.listNetworks());
  if (networks.some((network) => network.Name === name)) return name;

  const taken = networks.flatMap((network) => network.IPAM?.Config ?? []).map((config) => config.Subnet ?? "").filter((subnet) => subnet.includes("."));
  for (const subnet of freeSubnets(range, taken)) {
    try {
      await within(CALL_MS, "create network", docker.createNetwork({
        Name: name,
        CheckDuplicate: true,
        Driver: "bridge",
        Labels: labels(instance, "network", appId),
        IPAM: { Driver: "default", Config: [{ Subnet: subnet }] },
        Options: { "com.docker.network.bridge.name": bridgeName() },
      }));
      return name;
    } catch (error) {
      const message = String(error);
      if (/already exists/.test(message)) return name;
      if (!/overlap|invalid pool|in use/i.test(message)) throw error;
    }
  }
  throw new AppError("engine_unavailable", `No network is free in ${range}: set PAAS_NETWORK_RANGE to a larger range, or remove apps.`);
}

/**
 * Removes a network and whatever still hangs on it. The engine refuses (403) while it counts an endpoint there, and goes on to count one for a
 * moment, or for ever, after its container is no more: only the endpoint's name takes it away then (Docker API: NetworkDisconnect, Force). Idempotent.
 * @throws AppError engine_unavailable; the engine's own error when it goes on to refuse
 */
export async function removeNetwork(docker: Dockerode, id: string): Promise<void> {
  const network = docker.getNetwork(id);
  for (let left = REMOVALS; ; left--) {
    try {
      return void (await unlessGone(within(CALL_MS, "remove network", network.remove())));
    } catch (error) {
      if (!isStatus(error, 403) || left === 0) throw error;
    }
    const found = (await unlessGone(within(CALL_MS, "inspect network", network.inspect()))) as { Containers?: Record<string, { Name: string }> } | undefined;
    const endpoints = Object.values(found?.Containers ?? {});
    await Promise.all(endpoints.map(({ Name }) => unlessGone(within(CALL_MS, "disconnect from network", network.disconnect({ Container: Name, Force: true })))));
    if (endpoints.length === 0) await sleep(AGAIN_MS);
  }
}

/** The range's subnets that overlap none of the taken ones, in order. */
export function* freeSubnets(range: string, taken: string[]): Generator<string> {
  const [start, size] = parse(range);
  const used = taken.map(parse).map(([base, bits]) => [base, base + 2 ** (32 - bits)] as const);
  const step = 2 ** (32 - SUBNET_SIZE);
  for (let base = start; base < start + 2 ** (32 - size); base += step)
    if (!used.some(([from, to]) => base < to && from < base + step)) yield `${format(base)}/${SUBNET_SIZE}`;
}

function parse(cidr: string): [base: number, size: number] {
  const [address = "", size = "32"] = cidr.split("/");
  const base = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  return [base, Number(size)];
}

function format(base: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join(".");
}
