/** Domains, certificates and maintenance mode on the whole platform: the real router answers for them, over HTTP and TLS, through restarts of every part. */

import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { eventually } from "../git/eventually.ts";
import { startAcmeAuthority, type AcmeAuthority } from "../support/acme-authority.ts";
import { createCertificateMaker, type CertificateMaker } from "../support/certificate-maker.ts";
import { deploy, type DeployedApp } from "../support/deployed-app.ts";
import { freePort } from "../support/free-port.ts";
import { removeWorkspaces } from "../support/git-client.ts";
import { createInvariants } from "../support/invariants.ts";
import { startPaas, type Paas } from "../support/paas.ts";

vi.setConfig({ testTimeout: 150_000, hookTimeout: 150_000 });

type Seen = { status: number; body: string; location: string | undefined; hsts: string | undefined; certificate: string | undefined };

let paas: Paas;
let app: DeployedApp;
let maker: CertificateMaker;
let authority: AcmeAuthority;
let tlsPort: number;

beforeAll(async () => {
  const httpPort = await freePort();
  tlsPort = await freePort();
  maker = await createCertificateMaker();
  authority = await startAcmeAuthority({ challengePort: httpPort });
  paas = await startPaas({ PAAS_HTTP_PORT: String(httpPort), PAAS_HTTPS_PORT: String(tlsPort), PAAS_ACME_DIRECTORY: authority.directory, PAAS_ACME_CA: "" });
  // The file lies in the data folder, which is known only now.
  writeFileSync(join(paas.dataDir, "authority.pem"), authority.ca);
  await paas.stop();
  await paas.start({ PAAS_ACME_CA: join(paas.dataDir, "authority.pem") });
  app = await deploy(paas, "shop", { text: "hello from the shop" });
});
afterAll(async () => {
  await paas.remove();
  await authority.stop();
  await removeWorkspaces();
});
afterEach(() => api("PATCH", "/apps/shop", { maintenance: false }));

const restart = (): Promise<number> => paas.start({ PAAS_ACME_CA: join(paas.dataDir, "authority.pem") });

async function api<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await paas.api<T>(method, path, body);
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  return answer.body;
}

/** A request to the router for this host; over TLS with its name in the handshake. */
function look(host: string, { tls = false, path = "/" } = {}): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: tls ? tlsPort : paas.routerPort, path, agent: false, headers: { host } };
    const asking = (tls ? httpsRequest : httpRequest)({ ...options, ...(tls ? { servername: host, ca: [maker.root, authority.root], rejectUnauthorized: true } : {}) }, (response) => {
      const certificate = tls ? (response.socket as TLSSocket).getPeerCertificate().fingerprint256 : undefined;
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body, location: response.headers.location, hsts: response.headers["strict-transport-security"], certificate }));
      response.on("error", reject);
    });
    asking.on("error", reject).end();
  });
}

/** As a crash; the control plane starts another one. Its workers may serve on until they notice. */
async function killRouter(): Promise<void> {
  const { pid, workers } = await paas.router.health();
  process.kill(pid, "SIGKILL");
  await eventually("another router serves", () => paas.router.health().then((health) => health.pid !== pid && !health.workers.some((worker) => workers.includes(worker)), () => false));
}

async function certificateFor(...names: string[]): Promise<{ certificate_chain: string; private_key: string }> {
  const { chain, key } = await maker.issue(names);
  return { certificate_chain: chain, private_key: key };
}

it("a custom domain answers as soon as the API does, and no more once it is removed", async () => {
  expect((await look("www.added.example.com")).status).toBe(404);
  await api("POST", "/apps/shop/domains", { hostname: "www.added.example.com" });
  expect(await look("WWW.added.example.com")).toMatchObject({ status: 200, body: "hello from the shop" });
  await api("DELETE", "/apps/shop/domains/www.added.example.com");
  expect((await look("www.added.example.com")).status).toBe(404);
  expect((await look("shop.localhost")).status).toBe(200);
});

it("a certificate that is brought is shown in the next handshake, and its successor in the one after", async () => {
  await api("POST", "/apps/shop/domains", { hostname: "www.brought.example.com" });
  const { name } = await api<{ name: string }>("POST", "/apps/shop/sni-endpoints", await certificateFor("www.brought.example.com"));
  const first = await look("www.brought.example.com", { tls: true });
  expect(first).toMatchObject({ status: 200, body: "hello from the shop" });
  await api("PATCH", `/apps/shop/sni-endpoints/${name}`, await certificateFor("www.brought.example.com"));
  const second = await look("www.brought.example.com", { tls: true });
  expect(second.status).toBe(200);
  expect(second.certificate).not.toBe(first.certificate);
  await api("DELETE", `/apps/shop/sni-endpoints/${name}`);
  await expect(look("www.brought.example.com", { tls: true })).rejects.toThrow();
});

it("domains and certificates outlive a crash of the control plane and one of the router, with what was changed in between", async () => {
  await api("POST", "/apps/shop/domains", { hostname: "www.kept.example.com" });
  await api("POST", "/apps/shop/sni-endpoints", await certificateFor("www.kept.example.com"));
  const before = await look("www.kept.example.com", { tls: true });
  await paas.kill();
  expect(await look("www.kept.example.com", { tls: true })).toEqual(before);
  // What the router forgot, or what somebody put there, meanwhile.
  const [served] = await paas.router.certificates();
  await paas.router.removeCertificate(served?.id ?? "");
  await paas.router.putCertificate({ id: "stranger", hosts: ["x.example.com"], ...(await maker.issue(["x.example.com"])) });
  await restart();
  expect(await look("www.kept.example.com", { tls: true })).toEqual(before);
  expect((await paas.router.certificates()).map(({ id }) => id)).not.toContain("stranger");
  await killRouter();
  expect(await look("www.kept.example.com", { tls: true })).toEqual(before);
});

it("force-https leads to the same URL over TLS, and hsts says to stay there", async () => {
  await api("POST", "/apps/shop/domains", { hostname: "www.forced.example.com" });
  await api("POST", "/apps/shop/sni-endpoints", await certificateFor("www.forced.example.com"));
  await api("PATCH", "/apps/shop/features/force-https", { enabled: true });
  await api("PATCH", "/apps/shop/features/hsts", { enabled: true });
  const plain = await look("www.forced.example.com", { path: "/a?b=c" });
  expect(plain.status).toBeGreaterThanOrEqual(301);
  expect(plain.status).toBeLessThanOrEqual(308);
  expect(plain.location).toMatch(/^https:\/\/www\.forced\.example\.com(:\d+)?\/a\?b=c$/);
  expect(await look("www.forced.example.com", { tls: true })).toMatchObject({ status: 200, hsts: expect.stringMatching(/max-age=31536000/) as string });
  await app.push({ text: "hello from the shop" });
  expect((await look("www.forced.example.com")).location).toBeDefined();
  await api("PATCH", "/apps/shop/features/force-https", { enabled: false });
  await api("PATCH", "/apps/shop/features/hsts", { enabled: false });
  expect(await look("www.forced.example.com")).toMatchObject({ status: 200, hsts: undefined });
});

it("a certificate of an authority comes by a challenge that it fetches through the router", async () => {
  await api("POST", "/apps/shop/acm");
  await api("POST", "/apps/shop/domains", { hostname: "www.automatic.example.com" });
  await eventually("the certificate is issued", async () => {
    const domain = await api("GET", "/apps/shop/domains/www.automatic.example.com");
    if (domain["acm_status"] === "failing") throw new Error(String(domain["acm_status_reason"]));
    return domain["acm_status"] === "cert issued";
  }, 30_000);
  expect(await look("www.automatic.example.com", { tls: true })).toMatchObject({ status: 200, body: "hello from the shop" });
  await paas.kill();
  await restart();
  expect(await look("www.automatic.example.com", { tls: true })).toMatchObject({ status: 200 });
  expect(authority.ordered.filter((host) => host === "www.automatic.example.com")).toHaveLength(1);
  await api("DELETE", "/apps/shop/acm");
  await expect(look("www.automatic.example.com", { tls: true })).rejects.toThrow();
  expect(paas.output()).not.toMatch(/PRIVATE KEY/);
});

it("maintenance mode answers H80 on every host while the dynos go on; it stays through a deploy, a scaling and restarts of every part", async () => {
  const isDown = async (): Promise<void> => {
    const { status, body } = await look("shop.localhost");
    expect([status, body]).toEqual([503, expect.stringMatching(/H80/)]);
  };
  const running = async (): Promise<string[]> => (await paas.containers("dyno")).filter(({ State }) => State === "running").map(({ Id }) => Id).toSorted();
  const dynos = await running();
  await api("PATCH", "/apps/shop", { maintenance: true });
  await isDown();
  expect(await running()).toEqual(dynos);

  await app.push({ text: "the new shop" });
  await isDown();
  await api("PATCH", "/apps/shop/formation", { updates: [{ type: "web", quantity: 2 }] });
  await isDown();
  // One of the release before may still be ending.
  await expect.poll(running, { timeout: 30_000 }).toHaveLength(2);
  await paas.kill();
  await restart();
  await isDown();
  await killRouter();
  await isDown();
  expect(await api("GET", "/apps/shop")).toMatchObject({ maintenance: true });

  await createInvariants(paas).hold(10_000);

  const kept = await running();
  await api("PATCH", "/apps/shop", { maintenance: false });
  expect(await look("shop.localhost")).toMatchObject({ status: 200, body: "the new shop" });
  expect(await running()).toEqual(kept);
  await createInvariants(paas).hold(10_000);
});

it("an app that gets another name keeps its domains, and one that is destroyed leaves none, nor a certificate", async () => {
  const other = await deploy(paas, "leaving", { text: "leaving" });
  await api("POST", "/apps/leaving/domains", { hostname: "www.leaving.example.com" });
  await api("POST", "/apps/leaving/sni-endpoints", await certificateFor("www.leaving.example.com", "leaving.localhost", "left.localhost"));
  expect((await look("leaving.localhost", { tls: true })).status).toBe(200);
  await api("PATCH", "/apps/leaving", { name: "left" });
  expect(await look("www.leaving.example.com", { tls: true })).toMatchObject({ status: 200, body: "leaving" });
  expect((await look("left.localhost", { tls: true })).status).toBe(200);
  const before = (await paas.router.certificates()).length;
  await api("DELETE", `/apps/${other.id}`);
  expect((await look("www.leaving.example.com")).status).toBe(404);
  expect(await paas.router.certificates()).toHaveLength(before - 1);
  await api("POST", "/apps/shop/domains", { hostname: "www.leaving.example.com" });
  expect((await look("www.leaving.example.com")).status).toBe(200);
});
