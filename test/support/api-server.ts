/** A real server on a free port over a real database in a folder of its own. */

import type { FastifyInstance, RouteOptions } from "fastify";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { registerApi } from "../../server/api/api.ts";
import { createHttpServer } from "../../server/api/server.ts";
import { readOwnBuildpacks } from "../../server/buildpacks/own.ts";
import { createAcm } from "../../server/certificates/acm.ts";
import { loadConfig } from "../../server/config.ts";
import { newToken } from "../../server/domain/credentials.ts";
import type { App, User } from "../../server/domain/model.ts";
import type { DynoLogReader, Engine } from "../../server/engine/engine.ts";
import { createAudit } from "../../server/identity/audit.ts";
import { createIdentities } from "../../server/identity/identity.ts";
import { createLogs, type Logs } from "../../server/logs/logs.ts";
import { createFetcher } from "../../server/outbound/fetch.ts";
import { createAppLock } from "../../server/pipeline/app-lock.ts";
import type { RoutingParts } from "../../server/pipeline/domains.ts";
import type { Pipeline } from "../../server/pipeline/pipeline.ts";
import { createSources } from "../../server/sources/sources.ts";
import { createStore, type Store } from "../../server/store/store.ts";
import { createWebhookService, type WebhookService } from "../../server/webhooks/webhooks.ts";
import { createApiPipeline, type ApiPipeline } from "./api-pipeline.ts";
import { createMemoryRouter, type MemoryRouter } from "./memory-router.ts";

export type Person = { user: User; token: string };
/** `body` is whatever JSON came: the caller says what it expects of it. */
export type Answer<T> = { status: number; headers: Headers; body: T; text: string };

export type Ask = { as?: Person | string | null; json?: unknown; body?: string; headers?: Record<string, string> };

export type ApiServer = {
  url: string;
  port: number;
  fastify: FastifyInstance;
  store: Store;
  pipeline: ApiPipeline;
  router: MemoryRouter;
  /** Certificates that ACM asked for, oldest first: the test is the authority. */
  issued: { hostname: string; done: PromiseWithResolvers<{ chain: string; key: string }> }[];
  /** Method and path of every route that was registered. */
  routes: string[];
  /** Log lines, parsed. */
  logged: Record<string, unknown>[];
  admin: Person;
  ann: Person;
  bob: Person;
  ready: { now: boolean };
  logs: Logs;
  /** What a dyno of the app, such as `web.1`, prints: a line each. */
  print(app: App, dyno: string, releaseVersion: number, ...lines: string[]): void;
  /** A line of the router's log. */
  access(line: string): void;
  webhooks: WebhookService;
  /** Lets time pass for wrong tries and for the quota of requests. */
  pass(ms: number): void;
  /** A request with a token (ann's unless said otherwise) and a JSON body. */
  ask<T = Record<string, unknown>>(method: string, path: string, options?: Ask): Promise<Answer<T>>;
  stop(): Promise<void>;
};

/**
 * @param alter puts faults into the pipeline
 * @param env settings beyond the defaults
 */
export async function startApiServer(alter: (pipeline: ApiPipeline) => Pipeline = (pipeline) => pipeline, env: Record<string, string> = {}): Promise<ApiServer> {
  const dir = mkdtempSync(join(tmpdir(), "paas-api-"));
  const store = createStore(join(dir, "paas.db"), new URL("../../migrations", import.meta.url).pathname);
  const logged: Record<string, unknown>[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>) });
  const config = loadConfig({ PAAS_DATA_DIR: dir, PAAS_HTTPS_PORT: "8443", ...env });
  const router = createMemoryRouter();
  const routing: RoutingParts = { store, router, config, log, lock: createAppLock(), now: () => new Date().toISOString() };
  const pipeline = createApiPipeline(store, routing);
  const issued: { hostname: string; done: PromiseWithResolvers<{ chain: string; key: string }> }[] = [];
  const acm = createAcm(routing, {
    issue(hostname) {
      const done = Promise.withResolvers<{ chain: string; key: string }>();
      issued.push({ hostname, done });
      return done.promise;
    },
  });
  acm.start();
  // What listens on this machine stands for the internet.
  const webhooks = createWebhookService({ store, log, allow: ["127.0.0.1"] });
  webhooks.start();
  const sources = createSources({ dir: join(dir, "sources"), fetcher: createFetcher({ allow: [] }), assertSpace: async () => undefined, maxArchiveBytes: 1 << 20 });
  let openReader: Parameters<Engine["followLogs"]>[0] = () => undefined;
  let access: (lines: string) => void = () => undefined;
  const logs = createLogs({
    config, store, log, dir: join(dir, "logs"),
    engine: {
      dynos: async () => [],
      usage: async () => undefined,
      followLogs: async (open) => {
        openReader = open;
        return async () => undefined;
      },
    },
    followRouter: (take) => {
      access = take;
      return () => undefined;
    },
  });
  await logs.start();
  const ready = { now: true };
  let passed = 0;
  const routes: string[] = [];

  const fastify = createHttpServer(log);
  fastify.addHook("onRoute", ({ method, url }: RouteOptions) => void [method].flat().forEach((one) => routes.push(`${one} ${url}`)));
  const port = (): number => (fastify.server.address() as AddressInfo).port;
  registerApi(fastify, { config, store, ownBuildpacks: readOwnBuildpacks(), logs, identities: createIdentities(store, config.requestsPerHour, () => performance.now() + passed), audit: createAudit(store, config.auditDays, (err, { type, action }) => log.error({ err, type, action }, "a change is missing from the audit trail")), webhooks, pipeline: alter(pipeline), sources, branches: { find: async (appId, branch) => pipeline.branches.get(`${appId} ${branch}`) }, acm, log, routerPort: () => 8080, routerTlsPort: () => config.httpsPort, apiPort: port, tlsPort: () => 3443, ready: () => ready.now });
  await fastify.listen({ port: 0, host: "127.0.0.1" });

  const person = (email: string, admin = false): Person => {
    const user = store.users.create(email, { admin });
    const token = newToken();
    store.tokens.add(user.id, token, "test");
    return { user, token };
  };
  const [admin, ann, bob] = [person("admin@example.com", true), person("ann@example.com"), person("bob@example.com")];
  let printed = 0;
  const readers = new Map<string, DynoLogReader | undefined>();
  const print: ApiServer["print"] = (app, name, releaseVersion, ...lines) => {
    const key = `${app.id} ${name} ${releaseVersion}`;
    const [type = "", number] = name.split(".");
    const id = String(readers.size).padStart(12, "0");
    if (!readers.has(key)) readers.set(key, openReader({ id, appId: app.id, name, type, number: Number(number), releaseVersion, fingerprint: "", command: "", running: true, address: undefined, createdAt: "" }));
    for (const line of lines) readers.get(key)?.take({ channel: 1, at: `2026-11-23T22:14:47.${String(++printed).padStart(9, "0")}Z`, octets: Buffer.from(line), whole: true });
  };
  const url = `http://127.0.0.1:${port()}`;

  return {
    url, port: port(), fastify, store, pipeline, router, issued, routes, logged, admin, ann, bob, ready,
    logs, print, access: (line) => access(`${line}\n`),
    webhooks,
    pass: (ms) => void (passed += ms),
    async ask<T>(method: string, path: string, { as = ann, json, body, headers = {} }: Ask = {}) {
      const payload = json === undefined ? body : JSON.stringify(json);
      const response = await fetch(url + path, {
        method,
        redirect: "error",
        headers: {
          ...(as === null ? {} : { authorization: `Bearer ${typeof as === "string" ? as : as.token}` }),
          ...(payload === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(payload === undefined ? {} : { body: payload }),
      });
      const text = await response.text();
      const isJson = response.headers.get("content-type")?.startsWith("application/json") && text !== "";
      return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : undefined) as T, text };
    },
    async stop() {
      await webhooks.stop();
      const stopped = acm.stop();
      for (const { done } of issued) done.reject(new Error("the test is over"));
      await stopped;
      sources.close();
      await fastify.close();
      await logs.stop();
      store.close();
      rmSync(dir, { recursive: true });
    },
  };
}
