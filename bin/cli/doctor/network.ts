/** What others can reach: the firewall's rules, the names, the ports. */

import { randomBytes } from "node:crypto";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { createRouterClient } from "../../../proxy/client.ts";
import type { Config } from "../../../server/config.ts";
import { BRIDGE_PREFIX } from "../../../server/engine/naming.ts";
import type { Host } from "../../setup/host.ts";
import { findCommand, runCommand } from "../../setup/run-command.ts";
import { fail, ok, warn, type Finding } from "./finding.ts";

const TIMEOUT_MS = 5000;
const BRIDGES = `${BRIDGE_PREFIX}+`;

/** As iptables lists them; what each keeps closed. */
const RULES = [
  { chain: "INPUT", pattern: new RegExp(`^-A INPUT -i ${escape(BRIDGES)} -j DROP$`, "m"), closes: "dynos reach this machine's own ports" },
  { chain: "DOCKER-USER", pattern: new RegExp(`^-A DOCKER-USER .*169\\.254\\.0\\.0/16.* -j DROP$`, "m"), closes: "dynos reach link-local services (a cloud's metadata)" },
  { chain: "DOCKER-USER", pattern: new RegExp(`^-A DOCKER-USER ! -i ${escape(BRIDGES)} -o ${escape(BRIDGES)} .*NEW -j DROP$`, "m"), closes: "others reach dynos past the router" },
];

export async function examineNetwork(config: Config, host: Host): Promise<Finding[]> {
  return [await judgeFirewall(host), await judgeNames(config.domain), ...(await judgePorts(config))];
}

async function judgeFirewall(host: Host): Promise<Finding> {
  if (!findCommand("iptables", host.env)) return fail("firewall", "iptables is missing", "Install it: `apt install iptables`.");
  const list = (chain: string): Promise<string> => runCommand("iptables", ["-w", "5", "-S", chain], { env: host.env, timeoutMs: TIMEOUT_MS * 2 });
  const chains = await Promise.all(["INPUT", "DOCKER-USER"].map(list)).catch(() => undefined);
  if (!chains) return warn("firewall", host.uid === 0 ? "iptables does not tell its rules" : "only root can see the rules", host.uid === 0 ? "Look yourself: `iptables -S DOCKER-USER`; without that chain Docker's firewall is off." : "Run this as root.");
  const open = RULES.filter(({ pattern }) => !pattern.test(chains.join("\n"))).map(({ closes }) => closes);
  if (open.length === 0) return ok("firewall", "the rules that keep dynos apart are in force");
  return warn("firewall", `rules are missing: ${open.join("; ")}`, "`npm start` puts them in force. If the platform runs, something took them away since: restart it.");
}

async function judgeNames(domain: string): Promise<Finding> {
  if (domain === "localhost" || domain.endsWith(".localhost")) return ok("DNS", `*.${domain} is this machine, for this machine alone (PAAS_DOMAIN)`);
  const name = `doctor-${randomBytes(4).toString("hex")}.${domain}`;
  const found = await lookup(name, { all: true }).then((addresses) => addresses.map(({ address }) => address), () => []);
  if (found.length === 0) return fail("DNS", `${name} has no address`, `Point *.${domain} at this machine: an A record, and AAAA where it has IPv6.`);
  const own = new Set(Object.values(networkInterfaces()).flatMap((list) => list ?? []).map(({ address }) => address));
  if (found.some((address) => own.has(address))) return ok("DNS", `*.${domain} is ${found.join(", ")}`);
  return warn("DNS", `*.${domain} is ${found.join(", ")}, which is no address of this machine`, "Right where those are led here (NAT, a floating address); else correct the record.");
}

async function judgePorts(config: Config): Promise<Finding[]> {
  const router = await createRouterClient(join(config.dataDir, "run", "router.sock")).health().catch(() => undefined);
  const served = (wanted: number, port: number | null | undefined): Promise<boolean> => Promise.resolve(wanted === port);
  const ports: [name: string, port: number | undefined, isOurs: (port: number) => Promise<boolean>][] = [
    ["PAAS_API_PORT", config.apiPort, (port) => isPlatform("http", config.bind, port)],
    ["PAAS_API_TLS_PORT", config.apiTlsPort, (port) => isPlatform("https", config.bind, port)],
    ["PAAS_HTTP_PORT", config.httpPort, (port) => served(port, router?.port)],
    ["PAAS_HTTPS_PORT", config.httpsPort, (port) => served(port, router?.tlsPort)],
  ];
  const wanted = ports.flatMap(([name, port, isOurs]) => (port ? [{ name, port, isOurs }] : []));
  return Promise.all(wanted.map(async ({ name, port, isOurs }): Promise<Finding> => {
    const code = await listenOnce(config.bind, port);
    const check = `port ${port}`;
    if (code === undefined) return ok(check, `free (${name})`);
    if (code === "EADDRINUSE") return (await isOurs(port)) ? ok(check, `ours (${name})`) : fail(check, `taken by another program (${name})`, `\`ss -ltnp 'sport = :${port}'\` shows which: stop it, or set ${name} to another port.`);
    if (code === "EACCES") return fail(check, `this user may not listen there (${name})`, `Run the platform as root, or set ${name} to a port from 1024 on.`);
    if (code === "EADDRNOTAVAIL") return fail(check, `${config.bind} is no address of this machine (${name})`, "Set PAAS_BIND to one of its addresses, or to 0.0.0.0.");
    return fail(check, `cannot be listened on: ${code} (${name})`, `Set ${name} or PAAS_BIND otherwise.`);
  }));
}

/** @returns the error's code, undefined when the port can be had */
async function listenOnce(host: string, port: number): Promise<string | undefined> {
  const server = createServer();
  try {
    server.listen({ host, port });
    await once(server, "listening");
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "unknown";
  } finally {
    server.close();
  }
}

/** Whether a control plane answers there; whose certificate it shows is not asked. */
function isPlatform(protocol: "http" | "https", bind: string, port: number): Promise<boolean> {
  const { request } = process.getBuiltinModule(protocol === "http" ? "node:http" : "node:https");
  const host = bind === "0.0.0.0" ? "127.0.0.1" : bind === "::" ? "::1" : bind;
  return new Promise((resolve) => {
    const asking = request({ host, port, path: "/health", agent: false, rejectUnauthorized: false, timeout: TIMEOUT_MS }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body = (body + text).slice(0, 1000)));
      response.on("end", () => resolve(/^\{"status":"(ok|starting)"\}$/.test(body.trim())));
      response.on("error", () => resolve(false));
    });
    asking.on("timeout", () => asking.destroy()).on("error", () => resolve(false)).end();
  });
}

function escape(text: string): string {
  return text.replaceAll(/[.+]/g, "\\$&");
}
