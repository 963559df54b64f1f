/** A router in the test's own process, on port 0, with a snapshot of its own. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Limits } from "../../proxy/limits.ts";
import type { Route, Target } from "../../proxy/route.ts";
import { type RunningRouter, startRouter } from "../../proxy/router.ts";

export type TestRouter = { router: RunningRouter; port: number; lines: string[]; folder: string; close(): Promise<void> };

export async function testRouter(limits: Partial<Limits> = {}): Promise<TestRouter> {
  const folder = await mkdtemp(join(tmpdir(), "router-"));
  const lines: string[] = [];
  const router = await startRouter({
    bind: "127.0.0.1", port: 0, snapshot: join(folder, "routes.json"),
    limits: { shutdownMs: 100, ...limits }, accessLog: { add: (line) => void lines.push(line) },
  });
  return {
    router, port: router.port, lines, folder,
    close: async () => {
      await router.stop();
      await rm(folder, { recursive: true });
    },
  };
}

let deployments = 0;

/** A route for `app` at `app.test` with one target per port. */
export function routeTo(ports: number[], overrides: Partial<Route> = {}): Route {
  const deployment = `d${++deployments}`;
  const targets = ports.map((port, i): Target => ({ id: `${deployment}-${i}`, dyno: `web.${i + 1}`, address: "127.0.0.1", port }));
  return { id: "app", deployment, hosts: ["app.test"], targets, unavailable: "H10", redirectToTls: false, hstsSeconds: 0, errorPage: "", maintenancePage: "", ...overrides };
}
