/** A network of our own on this machine (ip-netns(8)), so that a second engine, its bridges and firewall do not meet the first's. */

import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";

export type OwnNetwork = {
  /** Wraps a command so that it runs inside. */
  inside: (command: string[]) => string[];
  /** The processes that live in it. */
  processes: () => number[];
  remove: () => void;
};

const SUBNET = "172.31.213.0/30";
const HOST_ADDRESS = "172.31.213.1";
const INSIDE_ADDRESS = "172.31.213.2";

/** Makes it, with a way out to the internet through the host. Root only. */
export function makeOwnNetwork(): OwnNetwork {
  const name = `paas-fresh-${randomBytes(3).toString("hex")}`;
  const outer = `pf${name.slice(-6)}o`;
  const inner = `pf${name.slice(-6)}i`;
  const rules = [
    ["-t", "nat", "POSTROUTING", "-s", SUBNET, "!", "-o", outer, "-j", "MASQUERADE"],
    ["-t", "filter", "FORWARD", "-i", outer, "-j", "ACCEPT"],
    ["-t", "filter", "FORWARD", "-o", outer, "-j", "ACCEPT"],
  ];
  const undo: (() => void)[] = [];
  const remove = (): void => {
    for (const step of undo.splice(0).reverse()) step();
  };
  try {
    ip("netns", "add", name);
    undo.push(() => ip("netns", "delete", name));
    ip("link", "add", outer, "type", "veth", "peer", "name", inner, "netns", name);
    undo.push(() => ip("link", "delete", outer));
    ip("address", "add", `${HOST_ADDRESS}/30`, "dev", outer);
    ip("link", "set", outer, "up");
    ip("-n", name, "link", "set", "lo", "up");
    ip("-n", name, "address", "add", `${INSIDE_ADDRESS}/30`, "dev", inner);
    ip("-n", name, "link", "set", inner, "up");
    ip("-n", name, "route", "add", "default", "via", HOST_ADDRESS);
    for (const rule of rules) {
      iptables("-I", rule);
      undo.push(() => iptables("-D", rule));
    }
  } catch (error) {
    remove();
    throw error;
  }
  // Not `ip netns exec`: that mounts a /sys of its own, without the cgroups that an engine needs.
  return {
    inside: (command) => ["nsenter", `--net=/run/netns/${name}`, ...command],
    processes: () => execFileSync("ip", ["netns", "pids", name], { encoding: "utf8" }).trim().split("\n").filter(Boolean).map(Number),
    remove,
  };
}

function ip(...args: string[]): void {
  execFileSync("ip", args);
}

function iptables(action: "-I" | "-D", [flag = "", table = "", chain = "", ...spec]: string[]): void {
  execFileSync("iptables", ["-w", "5", flag, table, action, chain, ...spec]);
}
