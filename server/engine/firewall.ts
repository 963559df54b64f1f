/** What dynos and builds may not reach: the host's own ports and link-local services; and nobody reaches a dyno but the router. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { BRIDGE_PREFIX } from "./naming.ts";

const run = promisify(execFile);
const BRIDGES = `${BRIDGE_PREFIX}+`;

type Rule = { chain: string; spec: string[] };

/**
 * Puts the rules in force, each once. Idempotent; installations on one host share them.
 * The engine's own rules already keep its bridges apart, these close what those leave open on Engine 20.10.
 * @param openPort a port of the host that apps may reach, the router's, where it listens on more than loopback.
 * @throws Error when iptables is missing or refuses.
 */
export async function ensureFirewall(openPort: number | undefined): Promise<void> {
  const input: Rule[] = [
    ...(openPort === undefined ? [] : [{ chain: "INPUT", spec: ["-i", BRIDGES, "-p", "tcp", "--dport", String(openPort), "-j", "ACCEPT"] }]),
    { chain: "INPUT", spec: ["-i", BRIDGES, "-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "ACCEPT"] },
  ];
  for (const rule of input) await ensure(rule, "first");
  // Last of its group: an ACCEPT that another installation adds later is still put before it.
  await ensure({ chain: "INPUT", spec: ["-i", BRIDGES, "-j", "DROP"] }, "last");
  await ensure({ chain: "DOCKER-USER", spec: ["-i", BRIDGES, "-d", "169.254.0.0/16", "-j", "DROP"] }, "first");
  await ensure({ chain: "DOCKER-USER", spec: ["!", "-i", BRIDGES, "-o", BRIDGES, "-m", "conntrack", "--ctstate", "NEW", "-j", "DROP"] }, "first");
}

async function ensure({ chain, spec }: Rule, place: "first" | "last"): Promise<void> {
  try {
    await iptables("-C", chain, ...spec);
  } catch {
    await iptables(place === "first" ? "-I" : "-A", chain, ...spec);
  }
}

async function iptables(...args: string[]): Promise<void> {
  await run("iptables", ["-w", "5", ...args], { timeout: 10_000 });
}
