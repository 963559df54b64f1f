import { resolve } from "node:path";
import { expect, test } from "vitest";
import { ConfigError, loadConfig } from "../server/config.ts";

function problems(env: NodeJS.ProcessEnv): string[] {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test("every setting may be left out", () => {
  expect(loadConfig({})).toMatchObject({
    dataDir: resolve("data"), apiPort: 3000, httpPort: 8080, httpsPort: undefined, bind: "127.0.0.1", domain: "localhost", adminToken: undefined, stackImage: "", caBundle: undefined,
    logLevel: "info", networkRange: "10.213.0.0/16", router: "spawn", slugsKept: 10, registries: expect.arrayContaining(["docker.io", "ghcr.io"]) as string[],
    acme: { directory: "https://acme-v02.api.letsencrypt.org/directory", email: undefined, ca: undefined },
  });
});

test("the API's port for TLS follows its plain one, is set by itself, or is switched off; its certificate comes whole or not at all", () => {
  expect(loadConfig({}).apiTlsPort).toBe(3443);
  expect(loadConfig({ PAAS_API_PORT: "4000" }).apiTlsPort).toBe(4443);
  expect(loadConfig({ PAAS_API_PORT: "0" }).apiTlsPort).toBe(0);
  expect(loadConfig({ PAAS_API_TLS_PORT: "8443" }).apiTlsPort).toBe(8443);
  expect(loadConfig({ PAAS_API_TLS_PORT: "off" }).apiTlsPort).toBeUndefined();
  expect(problems({ PAAS_API_TLS_PORT: "8080" })).toEqual(["PAAS_API_TLS_PORT: must differ from PAAS_HTTP_PORT (both are 8080)."]);
  expect(problems({ PAAS_API_TLS_PORT: "on" })[0]).toContain("PAAS_API_TLS_PORT");
  expect(loadConfig({ PAAS_API_TLS_CERT: "/c.pem", PAAS_API_TLS_KEY: "/k.pem" }).apiCertificate).toEqual({ cert: "/c.pem", key: "/k.pem" });
  expect(problems({ PAAS_API_TLS_CERT: "/c.pem" })).toEqual(["PAAS_API_TLS_CERT, PAAS_API_TLS_KEY: set both or neither."]);
});

test("registries are hosts, with a port or without", () => {
  expect(loadConfig({ PAAS_REGISTRIES: "registry.example:5000, docker.io" }).registries).toEqual(["registry.example:5000", "docker.io"]);
  expect(problems({ PAAS_REGISTRIES: "https://ghcr.io" })[0]).toContain("PAAS_REGISTRIES: must be a list of hosts");
});

test("an empty or blank setting is one that is left out", () => {
  expect(loadConfig({ PAAS_DOMAIN: "", PAAS_API_PORT: "  ", PAAS_ADMIN_TOKEN: " " })).toEqual(loadConfig({}));
});

test("settings are read from the environment given, and blanks around them do not count", () => {
  const token = "0123456789-0123456789";
  expect(loadConfig({ PAAS_DATA_DIR: "/srv/paas/", PAAS_API_PORT: "0", PAAS_HTTP_PORT: " 80 ", PAAS_BIND: "::", PAAS_DOMAIN: "apps.example.com", PAAS_ADMIN_TOKEN: token, SSL_CERT_FILE: "/ca.pem", PAAS_STOP_SECONDS: "0" }))
    .toMatchObject({ dataDir: "/srv/paas", apiPort: 0, httpPort: 80, bind: "::", domain: "apps.example.com", adminToken: token, caBundle: "/ca.pem", limits: { stopSeconds: 0 } });
});

test("everything that is wrong is said at once, each by its name", () => {
  const found = problems({ PAAS_API_PORT: "x", PAAS_BIND: "localhost", PAAS_DOMAIN: "-a", PAAS_LOG_LEVEL: "loud", PAAS_ROUTER: "maybe", PAAS_ADMIN_TOKEN: "short" });
  expect(found.map((problem) => problem.split(":")[0])).toEqual(["PAAS_API_PORT", "PAAS_BIND", "PAAS_DOMAIN", "PAAS_LOG_LEVEL", "PAAS_ROUTER", "PAAS_ADMIN_TOKEN"]);
  expect(found[0]).toBe('PAAS_API_PORT: must be a whole number from 0 to 65535, not "x".');
  expect(() => loadConfig({ PAAS_API_PORT: "x", PAAS_BIND: "y" })).toThrow(/^Settings that need attention:\n {2}PAAS_API_PORT: .*\n {2}PAAS_BIND: /);
});

test.each(["-1", "65536", "1.5", "0x10", "1e3", "80 80", "Infinity"])("%s is no port", (value) => {
  expect(problems({ PAAS_HTTP_PORT: value })).toHaveLength(1);
});

test("the two ports must differ, unless both are to be picked", () => {
  expect(problems({ PAAS_API_PORT: "8080" })).toEqual(["PAAS_HTTP_PORT: must differ from PAAS_API_PORT (both are 8080)."]);
  expect(problems({ PAAS_API_PORT: "0", PAAS_HTTP_PORT: "0" })).toEqual([]);
});

test("the port for TLS is none of the others", () => {
  expect(loadConfig({ PAAS_HTTPS_PORT: "8443" }).httpsPort).toBe(8443);
  expect(loadConfig({ PAAS_HTTPS_PORT: "0", PAAS_HTTP_PORT: "0", PAAS_API_PORT: "0" }).httpsPort).toBe(0);
  expect(problems({ PAAS_HTTPS_PORT: "3000" })).toEqual(["PAAS_HTTPS_PORT: must differ from PAAS_API_PORT (both are 3000)."]);
  expect(problems({ PAAS_HTTPS_PORT: "8080" })).toEqual(["PAAS_HTTPS_PORT: must differ from PAAS_HTTP_PORT (both are 8080)."]);
  expect(problems({ PAAS_HTTPS_PORT: "https" })).toEqual(['PAAS_HTTPS_PORT: must be a whole number from 0 to 65535, not "https".']);
});

test("a certificate authority is asked over HTTPS alone, and knows a real address", () => {
  expect(loadConfig({ PAAS_ACME_DIRECTORY: "https://ca.example.com/acme", PAAS_ACME_EMAIL: "ops@example.com", PAAS_ACME_CA: "/ca.pem" }).acme).toEqual({ directory: "https://ca.example.com/acme", email: "ops@example.com", ca: "/ca.pem" });
  for (const url of ["http://ca.example.com/acme", "ca.example.com", "file:///etc", "https://"]) expect(problems({ PAAS_ACME_DIRECTORY: url })[0]).toMatch(/^PAAS_ACME_DIRECTORY: must be an https URL/);
  for (const email of ["ops", "a@b,c@d", "a b@c", "@example.com"]) expect(problems({ PAAS_ACME_EMAIL: email })[0]).toMatch(/^PAAS_ACME_EMAIL: must be an address/);
});

test.each(["Apps.example.com", "a..b", ".a", "a.", "a_b.com", "http://a.com", "a.com/x", "a b", "a:80", `${"a".repeat(64)}.com`, `${"a.".repeat(130)}com`])("%s is no domain", (value) => {
  expect(problems({ PAAS_DOMAIN: value })).toHaveLength(1);
});

test.each(["10.213.0.0/16", "10.0.0.0/12", "172.16.0.0/12", "172.31.240.0/20", "192.168.0.0/16"])("%s is a range for networks", (value) => {
  expect(loadConfig({ PAAS_NETWORK_RANGE: value }).networkRange).toBe(value);
});

test.each(["10.213.0.1/16", "10.213.0.0", "10.213.0.0/21", "10.0.0.0/11", "8.8.0.0/16", "172.32.0.0/16", "192.169.0.0/16", "10.256.0.0/16", "fd00::/64", "10.213.0.0/16/16"])("%s is no range for networks", (value) => {
  expect(problems({ PAAS_NETWORK_RANGE: value })).toHaveLength(1);
});

test.each([["", []], ["10.1.2.0/24, fd00::/8 ,192.168.1.5", ["10.1.2.0/24", "fd00::/8", "192.168.1.5"]]])("%j is a list of networks that drains may reach", (value, networks) => {
  expect(loadConfig({ PAAS_DRAIN_ALLOW: value }).logs.drainAllow).toEqual(networks);
});

test.each(["10.1.2.0/33", "10.1.2/24", "fd00::/129", "localhost", "10.0.0.0/8/8", "10.0.0.0/", "*"])("%s is no network that drains could reach", (value) => {
  expect(problems({ PAAS_DRAIN_ALLOW: value })).toEqual([expect.stringMatching(/^PAAS_DRAIN_ALLOW: must be a list of networks/)]);
});

test.each(["too-short", "has a blank in it somewhere", "has-ümlauts-in-it-somewhere", "0123456789012345678\n0"])("%j is no token for the administrator, and it is not repeated", (value) => {
  const [problem, ...more] = problems({ PAAS_ADMIN_TOKEN: value });
  expect(more).toEqual([]);
  expect(problem).toMatch(/^PAAS_ADMIN_TOKEN: must be at least 20 characters/);
  expect(problem).not.toContain(value);
});
