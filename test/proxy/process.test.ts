import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRouterClient } from "../../proxy/client.ts";
import { rawClient, statuses, talk } from "../support/proxy-client.ts";
import { routeTo } from "../support/proxy-router.ts";
import { type RawUpstream, answering, rawUpstream, response } from "../support/proxy-upstream.ts";

const MAIN = new URL("../../proxy/main.ts", import.meta.url).pathname;
const GET = "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n";

let folder = "";
let app: RawUpstream;
const children: ChildProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "router-process-"));
  app = await rawUpstream(answering(response("hi")));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await app.close();
  await rm(folder, { recursive: true });
});

function run(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  return child;
}

type Ready = { ready: boolean; port: number; pid: number };

async function start(port = 0): Promise<{ child: ChildProcess; ready: Ready }> {
  const child = run("--port", String(port), "--socket", join(folder, "c.sock"), "--snapshot", join(folder, "routes.json"), "--log", join(folder, "access.log"));
  const [line] = (await once(createInterface(child.stdout!), "line")) as [string];
  return { child, ready: JSON.parse(line) as Ready };
}

async function stopped(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode;
}

const client = () => createRouterClient(join(folder, "c.sock"));

describe("the router process", () => {
  it("says when it is ready, takes a route over its socket, serves, and logs in Heroku's format", async () => {
    const { child, ready } = await start();
    expect(ready).toEqual({ ready: true, port: expect.any(Number) as number, pid: child.pid });
    expect((await stat(join(folder, "c.sock"))).mode & 0o777).toBe(0o600);
    const route = routeTo([app.port]);
    await client().switchTo(route);
    expect(await client().routes()).toEqual([route]);
    expect(statuses(await talk(ready.port, GET.replace("/ ", '/a"b '), /hi$/))).toEqual([200]);
    expect(await client().health()).toMatchObject({ pid: child.pid, port: ready.port, inFlight: 0 });
    child.kill("SIGTERM");
    expect(await stopped(child)).toBe(0);
    const [line] = (await readFile(join(folder, "access.log"), "utf8")).split("\n");
    expect(line).toMatch(/^at=info method=GET path="\/a\\"b" host=app\.test request_id=[0-9a-f-]{36} fwd="127\.0\.0\.1" dyno=web\.1 connect=\d+ms service=\d+ms status=200 bytes=\d+ protocol=http$/);
  });

  it("serves at once from its snapshot after SIGKILL, without the control plane", async () => {
    const first = await start();
    await client().switchTo(routeTo([app.port]));
    first.child.kill("SIGKILL");
    await stopped(first.child);
    const { ready } = await start();
    expect(statuses(await talk(ready.port, GET, /hi$/))).toEqual([200]);
    await client().remove("app");
    await client().remove("app");
    expect(statuses(await talk(ready.port, GET, /<\/html>/))).toEqual([404]);
  });

  it("puts a corrupt snapshot aside, says so, and starts without routes", async () => {
    await writeFile(join(folder, "routes.json"), '{"version":1,"routes":[{"id":');
    const child = run("--port", "0", "--socket", join(folder, "c.sock"), "--snapshot", join(folder, "routes.json"));
    const [complaint] = (await once(createInterface(child.stderr!), "line")) as [string];
    expect(JSON.parse(complaint)).toMatchObject({ message: "snapshot was unreadable, starting without routes" });
    await once(child.stdout!, "data");
    expect(await client().routes()).toEqual([]);
    const kept = (await readdir(folder)).find((name) => name.startsWith("routes.json.corrupt-"))!;
    expect(await readFile(join(folder, kept), "utf8")).toBe('{"version":1,"routes":[{"id":');
  });

  it("finishes what is in flight on SIGTERM, refuses new connections, and exits 0", async () => {
    const slow = await rawUpstream(() => {});
    const { child, ready } = await start();
    await client().switchTo(routeTo([slow.port]));
    const waiting = await rawClient(ready.port);
    waiting.send(GET);
    while (slow.received() === "") await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill("SIGTERM");
    await expect.poll(() => rawClient(ready.port).then(() => "open", () => "refused")).toBe("refused");
    slow.connections[0]!.socket.write(response("done"));
    expect((await waiting.closed()).text).toMatch(/Connection: close\r\n\r\ndone$/);
    expect(await stopped(child)).toBe(0);
    await slow.close();
  });

  it("survives a parent that no longer reads what it prints", async () => {
    const { child, ready } = await start();
    child.stdout!.destroy();
    child.stderr!.destroy();
    await client().switchTo(routeTo([app.port]));
    expect(statuses(await talk(ready.port, GET, /hi$/))).toEqual([200]);
    expect(child.exitCode).toBeNull();
  });

  it("names every problem with its options and exits 2", async () => {
    const child = run("--port", "70000", "--bind", "localhost", "--connections", "none");
    let text = "";
    child.stderr!.on("data", (part) => (text += String(part)));
    // Its exit may be known before its last words are read.
    expect(await once(child, "close")).toEqual([2, null]);
    for (const name of ["--port", "--bind", "--socket", "--snapshot", "--connections"]) expect(text).toContain(`${name} is`);
  });

  it("does not take the socket from a router that serves, and exits non-zero", async () => {
    await start();
    const second = run("--port", "0", "--socket", join(folder, "c.sock"), "--snapshot", join(folder, "other.json"));
    expect(await stopped(second)).toBe(1);
    expect((await client().health()).pid).toBe(children[0]!.pid);
  });
});

describe("the router's client", () => {
  it("tells by id what was wrong", async () => {
    await start();
    const route = routeTo([app.port]);
    await client().switchTo(route);
    await expect(client().switchTo(routeTo([app.port], { id: "other" }))).rejects.toMatchObject({ id: "host_in_use", what: "app.test" });
    await expect(client().switchTo({ ...route, hosts: ["App.test"] })).rejects.toMatchObject({ id: "invalid_route" });
    await expect(client().drain([route.targets[0]!.id], 10)).rejects.toMatchObject({ id: "target_live" });
    expect(await client().drain(["gone"], 10)).toEqual({ cut: 0 });
  });

  it("says router_unreachable when nobody listens, and router_timeout when nobody answers", async () => {
    await expect(client().health()).rejects.toMatchObject({ id: "router_unreachable" });
    const mute = await rawUpstream(() => {}, join(folder, "mute.sock"));
    await expect(createRouterClient(join(folder, "mute.sock"), { timeoutMs: 50 }).health()).rejects.toMatchObject({ id: "router_timeout" });
    await mute.close();
  });
});
