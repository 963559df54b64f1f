/** The router's lines, followed on the socket of real routers over their upgrade and their death; whose they are. */

import { request } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { followLog } from "../../proxy/client.ts";
import type { LogLine } from "../../server/logs/line.ts";
import { createRouterLines, type Access } from "../../server/logs/router-lines.ts";
import { eventually } from "../git/eventually.ts";
import { addApp, AT, openStore } from "../store/test-store.ts";
import { routerChild } from "../support/router-child.ts";

/** A request for an unknown host: the router answers 404 itself and logs it. */
function ask(port: number, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port, path, agent: false, headers: { host: "shop.localhost" } }, (response) => response.resume().on("end", resolve)).on("error", reject).end();
  });
}

test("lines come from a router, from its successor, and from the one that is started after a crash", async () => {
  const first = await routerChild();
  let second: Awaited<ReturnType<typeof routerChild>> | undefined;
  let lines = "";
  const stop = followLog(first.controlPath, (text) => (lines += text));
  onTestFinished(async () => {
    stop();
    await second?.close();
    await first.close();
  });
  const seen = async (path: string, port: number): Promise<void> => {
    await eventually(path, async () => {
      await ask(port, path);
      return lines.includes(`path="${path}"`);
    });
    // Whole lines, each once.
    expect(lines.endsWith("\n")).toBe(true);
  };
  await seen("/first", first.port);
  await first.client.upgrade();
  await seen("/successor", first.port);
  const { pid, workers } = await first.client.health();
  for (const one of [pid, ...workers]) process.kill(one, "SIGKILL");
  second = await routerChild("--socket", first.controlPath);
  await seen("/restarted", second.port);
  const ids = [...lines.matchAll(/request_id=(\S+)/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

function house() {
  const store = openStore();
  const written: [string, Partial<LogLine>][] = [];
  const counted: [string | undefined, Access][] = [];
  const lines = createRouterLines(store, "apps.example.com", { write: (appId: string, line: Partial<LogLine>) => void written.push([appId, line]) } as never, (appId, access) => void counted.push([appId, access]));
  return { store, written, counted, lines };
}
const line = (host: string, more: { path?: string; fwd?: string } = {}): string =>
  `at=info method=GET path="${more.path ?? "/"}" host=${host} request_id=r fwd="${more.fwd ?? "1.2.3.4"}" dyno=web.1 connect=0ms service=7ms status=200 bytes=5 protocol=http`;

test("a line is its app's by the app's own host or a custom domain, with the release that is current, and nobody else's", () => {
  const { store, written, counted, lines } = house();
  const [shop, other] = [addApp(store, "shop"), addApp(store, "other")];
  store.domains.insert({ id: "d", appId: other.id, hostname: "www.example.com", sniEndpointId: null, acmStatus: null, acmStatusReason: null, acmFailures: 0, acmDueAt: null, createdAt: AT, updatedAt: AT });
  lines.take(["shop.apps.example.com", "www.example.com", "shop.example.com", "x.shop.apps.example.com", "apps.example.com"].map((host) => `${line(host)}\n`).join(""));
  expect(written.map(([appId, { source, ps, text }]) => [appId, source, ps, text])).toEqual([[shop.id, "heroku", "router", line("shop.apps.example.com")], [other.id, "heroku", "router", line("www.example.com")]]);
  expect(counted.map(([appId]) => appId)).toEqual([shop.id, other.id, undefined, undefined, undefined]);
});

test("what a client writes into its path or header decides neither whose line it is nor what it counts for", () => {
  const { store, written, counted, lines } = house();
  const shop = addApp(store, "shop");
  addApp(store, "victim");
  lines.take(`${line("shop.apps.example.com", { path: "/?host=victim.apps.example.com", fwd: "x host=victim.apps.example.com status=500 bytes=9 service=9999ms, 1.2.3.4" })}\n`);
  expect(written.map(([appId]) => appId)).toEqual([shop.id]);
  expect(counted).toEqual([[shop.id, { status: 200, serviceMs: 7, bytes: 5, code: undefined }]]);
});

test("lines that the router dropped are counted", () => {
  const { lines } = house();
  lines.take("at=warn dropped=12\nat=warn dropped=3\n");
  expect(lines.dropped()).toBe(15);
});
