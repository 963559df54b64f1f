/** The certificates in memory, found by the name that a client asks for (RFC 6066 3). */

import { X509Certificate, createPrivateKey } from "node:crypto";
import type { SecureContext } from "node:tls";
import type { Certificate, ServedCertificate } from "./certificate.ts";
import { canonicalHost } from "./host.ts";

/** Loaded with the first certificate: 4 MiB that a router without TLS does not need. */
const createSecureContext = (chain: string, key: string): SecureContext => process.getBuiltinModule("node:tls").createSecureContext({ cert: chain, key });

type Entry = { hosts: string[]; context: SecureContext };

export class Certificates {
  readonly #byId = new Map<string, Entry>();
  readonly #byHost = new Map<string, Entry>();

  /** Puts one in force, in the place of one of the same id. The certificate was checked before. */
  put({ id, hosts, chain, key }: Certificate): void {
    this.remove(id);
    const entry = { hosts, context: createSecureContext(chain, key) };
    this.#byId.set(id, entry);
    for (const host of hosts) this.#byHost.set(host, entry);
  }

  remove(id: string): void {
    const entry = this.#byId.get(id);
    if (entry === undefined) return;
    this.#byId.delete(id);
    for (const host of entry.hosts) if (this.#byHost.get(host) === entry) this.#byHost.delete(host);
    // One that was hidden behind it comes to light.
    for (const other of this.#byId.values()) for (const host of other.hosts) if (!this.#byHost.has(host)) this.#byHost.set(host, other);
  }

  /** The context for a server name; undefined where no certificate covers it. An exact name wins over a wildcard. */
  find(serverName: string): SecureContext | undefined {
    const host = canonicalHost(serverName);
    if (host === null) return undefined;
    const exact = this.#byHost.get(host);
    if (exact !== undefined) return exact.context;
    const dot = host.indexOf(".");
    return dot === -1 ? undefined : this.#byHost.get(`*${host.slice(dot)}`)?.context;
  }
}

/** A certificate as it comes from outside, or a sentence that says what is wrong with it. */
export function checkCertificate(value: unknown): Certificate | string {
  if (typeof value !== "object" || value === null) return "A certificate is an object.";
  const { id, hosts, chain, key } = value as Record<string, unknown>;
  if (typeof id !== "string" || id.length < 1 || id.length > 200) return "`id` is a string of 1 to 200 characters.";
  if (!Array.isArray(hosts) || !hosts.every((host): host is string => typeof host === "string" && isServedName(host)))
    return "`hosts` is a list of canonical host names, or of such with `*.` before them.";
  if (typeof chain !== "string" || typeof key !== "string") return "`chain` and `key` are PEM texts.";
  try {
    if (!new X509Certificate(chain).checkPrivateKey(createPrivateKey(key))) return "`key` belongs to another certificate.";
    createSecureContext(chain, key);
  } catch (error) {
    return `\`chain\` or \`key\` cannot be read: ${(error as Error).message}`;
  }
  return { id, hosts, chain, key };
}

/** What may be told of a certificate. */
export function served({ id, hosts, chain }: Certificate): ServedCertificate {
  return { id, hosts, fingerprint: new X509Certificate(chain).fingerprint256 };
}

function isServedName(name: string): boolean {
  const host = name.startsWith("*.") ? name.slice(2) : name;
  return canonicalHost(host) === host;
}
