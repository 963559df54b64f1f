/** Settings from the environment: the only reader of process.env on the server's side. */

import { resolve } from "node:path";
import { isIP } from "node:net";
import { availableParallelism } from "node:os";

export type Config = {
  dataDir: string;
  /** Git, API and dashboard. 0 picks a free port (tests). */
  apiPort: number;
  /** Git, API and one-off dynos over TLS. Undefined: switched off. */
  apiTlsPort: number | undefined;
  /** PEM files of the certificate to show there; undefined: one by a local authority of our own. */
  apiCertificate: { cert: string; key: string } | undefined;
  /** The router. 0 picks a free port (tests). */
  httpPort: number;
  /** The router's port for TLS; 0 picks a free one (tests). Undefined: no TLS. */
  httpsPort: number | undefined;
  bind: string;
  domain: string;
  adminToken: string | undefined;
  stackImage: string;
  /** SSL_CERT_FILE, as OpenSSL's programs know it: the certificates that builds trust. Undefined: the host's own. */
  caBundle: string | undefined;
  logLevel: string;
  /** All networks of dynos come from this range (CIDR). */
  networkRange: string;
  /** `spawn`: the control plane starts the router where none answers. `external`: something else runs it. */
  router: "spawn" | "external";
  /** Processes that serve requests, one core each at the most. */
  routerWorkers: number;
  /** Streams of one HTTP/2 connection at a time; 0: apps are not offered over HTTP/2. */
  http2Streams: number;
  /** Hosts that the images of Dockerfiles may come from. */
  registries: string[];
  /** Builds that may work at a time. */
  builds: number;
  /** Build sandboxes that may wait for the next push of an app that was just pushed. */
  buildsAhead: number;
  /** Slugs kept per app besides the current one. */
  slugsKept: number;
  limits: { dynoMemoryMb: number; buildMemoryMb: number; buildMinutes: number; testMinutes: number; releaseMinutes: number; bootSeconds: number; drainSeconds: number; stopSeconds: number; oneOffHours: number; oneOffDynos: number };
  /** Review apps are discarded so long after their last push. */
  reviewDays: number;
  /** Requests to the API that each token may make in an hour. */
  requestsPerHour: number;
  /** How long the audit trail goes back. */
  auditDays: number;
  /** PATH of the programs that we start: git, ip, iptables, node. */
  programPath: string;
  logs: {
    /** Kept on disk of each app. */
    historyMb: number;
    /** Kept on disk of all apps together. */
    totalMb: number;
    /** Private networks that log drains may reach all the same (CIDR). */
    drainAllow: string[];
    /** Certificates that drains over TLS are trusted by besides the public ones. A path. */
    drainCa: string | undefined;
  };
  /** Free space below which no push is taken. */
  minFreeDiskMb: number;
  /** Private networks that source archives and buildpacks may be fetched from all the same (CIDR), by plain http as well. */
  fetchAllow: string[];
  /** Where certificates of apps with ACM come from (RFC 8555). */
  acme: {
    directory: string;
    /** Told to the authority, for warnings. */
    email: string | undefined;
    /** Certificates that the authority's own HTTPS is trusted by instead of the public ones. A path. */
    ca: string | undefined;
  };
};

/** Thrown by loadConfig: one line for each setting that is wrong. */
export class ConfigError extends Error {
  readonly problems: string[];
  constructor(problems: string[]) {
    super(`Settings that need attention:\n${problems.map((problem) => `  ${problem}`).join("\n")}`);
    this.name = "ConfigError";
    this.problems = problems;
  }
}

const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"];
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;
const MIN_TOKEN_LENGTH = 20;
const EMAIL = /^[^\s@,?&]{1,64}@[^\s@,?&]{1,253}$/;
/** Well known and public: the engine asks them from the host itself, so nobody may send it to an address of their own. */
const REGISTRIES = "docker.io,ghcr.io,quay.io,gcr.io,mcr.microsoft.com,public.ecr.aws,registry.gitlab.com,registry.access.redhat.com,docker.elastic.co";
const REGISTRY = /^[a-z0-9][a-z0-9.-]{0,252}(:\d{1,5})?$/;
const LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory";

/**
 * Reads and checks every setting.
 * @throws ConfigError naming every problem at once.
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const problems: string[] = [];
  const text = (name: string, fallback: string): string => env[name]?.trim() || fallback;

  const integer = (name: string, fallback: number, min: number, max: number): number => {
    const raw = text(name, String(fallback));
    const value = Number(raw);
    if (!/^\d+$/.test(raw) || value < min || value > max) problems.push(`${name}: must be a whole number from ${min} to ${max}, not "${raw}".`);
    return value;
  };
  const check = (name: string, fallback: string, ok: (value: string) => boolean, rule: string): string => {
    const value = text(name, fallback);
    if (!ok(value)) problems.push(`${name}: must be ${rule}, not "${value}".`);
    return value;
  };

  const config: Config = {
    dataDir: resolve(text("PAAS_DATA_DIR", "./data")),
    apiPort: integer("PAAS_API_PORT", 3000, 0, 65535),
    apiTlsPort: undefined,
    apiCertificate: undefined,
    httpPort: integer("PAAS_HTTP_PORT", 8080, 0, 65535),
    httpsPort: text("PAAS_HTTPS_PORT", "") === "" ? undefined : integer("PAAS_HTTPS_PORT", 0, 0, 65535),
    bind: check("PAAS_BIND", "127.0.0.1", (value) => isIP(value) !== 0, "an IP address such as 127.0.0.1 or 0.0.0.0"),
    domain: check("PAAS_DOMAIN", "localhost", (value) => HOST_NAME.test(value), "a host name in lower case such as apps.example.com"),
    adminToken: text("PAAS_ADMIN_TOKEN", "") || undefined,
    stackImage: text("PAAS_STACK_IMAGE", ""),
    caBundle: text("SSL_CERT_FILE", "") || undefined,
    logLevel: check("PAAS_LOG_LEVEL", "info", (value) => LOG_LEVELS.includes(value), `one of ${LOG_LEVELS.join(", ")}`),
    networkRange: check("PAAS_NETWORK_RANGE", "10.213.0.0/16", isPrivateRange, "a private range of size /12 to /20 such as 10.213.0.0/16"),
    router: check("PAAS_ROUTER", "spawn", (value) => value === "spawn" || value === "external", "spawn or external") as Config["router"],
    routerWorkers: integer("PAAS_ROUTER_WORKERS", Math.ceil(availableParallelism() / 2), 1, 256),
    registries: list(check("PAAS_REGISTRIES", REGISTRIES, (value) => list(value).length > 0 && list(value).every((host) => REGISTRY.test(host)), "a list of hosts such as docker.io,ghcr.io")),
    builds: integer("PAAS_BUILDS", availableParallelism(), 1, 1000),
    buildsAhead: integer("PAAS_BUILDS_AHEAD", 8, 0, 1000),
    http2Streams: integer("PAAS_HTTP2_STREAMS", 100, 0, 1000),
    slugsKept: integer("PAAS_SLUGS_KEPT", 10, 1, 1000),
    limits: {
      dynoMemoryMb: integer("PAAS_DYNO_MEMORY_MB", 512, 32, 1_048_576),
      buildMemoryMb: integer("PAAS_BUILD_MEMORY_MB", 2048, 256, 1_048_576),
      buildMinutes: integer("PAAS_BUILD_MINUTES", 15, 1, 24 * 60),
      testMinutes: integer("PAAS_TEST_MINUTES", 30, 1, 24 * 60),
      releaseMinutes: integer("PAAS_RELEASE_MINUTES", 60, 1, 24 * 60),
      bootSeconds: integer("PAAS_BOOT_SECONDS", 60, 1, 3600),
      drainSeconds: integer("PAAS_DRAIN_SECONDS", 30, 0, 3600),
      stopSeconds: integer("PAAS_STOP_SECONDS", 30, 0, 3600),
      oneOffHours: integer("PAAS_ONE_OFF_HOURS", 24, 1, 24 * 30),
      oneOffDynos: integer("PAAS_ONE_OFF_DYNOS", 10, 0, 1000),
    },
    reviewDays: integer("PAAS_REVIEW_DAYS", 7, 1, 365),
    requestsPerHour: integer("PAAS_REQUESTS_PER_HOUR", 4500, 1, 1_000_000_000),
    auditDays: integer("PAAS_AUDIT_DAYS", 90, 1, 3650),
    programPath: text("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    logs: {
      historyMb: integer("PAAS_LOG_HISTORY_MB", 16, 1, 4096),
      totalMb: integer("PAAS_LOG_TOTAL_MB", 1024, 1, 1_048_576),
      drainAllow: list(check("PAAS_DRAIN_ALLOW", "", (value) => list(value).every(isNetwork), "a list of networks such as 10.1.2.0/24,fd00::/8")),
      drainCa: text("PAAS_DRAIN_CA", "") || undefined,
    },
    minFreeDiskMb: integer("PAAS_MIN_FREE_DISK_MB", 1024, 0, 1_048_576),
    fetchAllow: list(check("PAAS_FETCH_ALLOW", "", (value) => list(value).every(isNetwork), "a list of networks such as 10.1.2.0/24,fd00::/8")),
    acme: {
      directory: check("PAAS_ACME_DIRECTORY", LETS_ENCRYPT, isHttpsUrl, "an https URL such as https://acme-v02.api.letsencrypt.org/directory"),
      email: check("PAAS_ACME_EMAIL", "", (value) => value === "" || EMAIL.test(value), "an address such as ops@example.com") || undefined,
      ca: text("PAAS_ACME_CA", "") || undefined,
    },
  };

  // 3443 beside 3000, so that a second instance needs one setting less.
  if (text("PAAS_API_TLS_PORT", "") === "") config.apiTlsPort = config.apiPort === 0 ? 0 : Math.min(config.apiPort + 443, 65535);
  else if (text("PAAS_API_TLS_PORT", "") !== "off") config.apiTlsPort = integer("PAAS_API_TLS_PORT", 0, 0, 65535);
  const [cert, key] = [text("PAAS_API_TLS_CERT", ""), text("PAAS_API_TLS_KEY", "")];
  if (cert !== "" && key !== "") config.apiCertificate = { cert, key };
  else if (cert !== "" || key !== "") problems.push("PAAS_API_TLS_CERT, PAAS_API_TLS_KEY: set both or neither.");
  if (config.adminToken !== undefined && (config.adminToken.length < MIN_TOKEN_LENGTH || /[^\x21-\x7e]/.test(config.adminToken)))
    problems.push(`PAAS_ADMIN_TOKEN: must be at least ${MIN_TOKEN_LENGTH} characters of printable ASCII without blanks.`);
  const ports = [["PAAS_API_PORT", config.apiPort], ["PAAS_HTTP_PORT", config.httpPort], ["PAAS_HTTPS_PORT", config.httpsPort], ["PAAS_API_TLS_PORT", config.apiTlsPort]] as const;
  for (const [index, [name, port]] of ports.entries())
    for (const [other, taken] of ports.slice(0, index)) if (port && port === taken) problems.push(`${name}: must differ from ${other} (both are ${port}).`);
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

function list(value: string): string[] {
  return value.split(",").map((item) => item.trim()).filter(Boolean);
}

/** CIDR, IPv4 or IPv6; an address alone is a network of one. */
function isNetwork(value: string): boolean {
  const [address = "", size, more] = value.split("/");
  const version = isIP(address);
  return version !== 0 && more === undefined && (size === undefined || (/^\d{1,3}$/.test(size) && Number(size) <= (version === 4 ? 32 : 128)));
}

function isHttpsUrl(value: string): boolean {
  return URL.parse(value)?.protocol === "https:";
}

function isPrivateRange(value: string): boolean {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(value);
  if (!match) return false;
  const [a, b, c, d, size] = match.slice(1).map(Number) as [number, number, number, number, number];
  if ([a, b, c, d].some((part) => part > 255) || size < 12 || size > 20) return false;
  const address = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  const isPrivate = a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168);
  return isPrivate && address % 2 ** (32 - size) === 0;
}
