/** Health checks against real HTTP servers on loopback; of the engine only what is asked of it stands in. */

import { createServer, type RequestListener } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import type { HealthCheck } from "../../server/domain/app-json.ts";
import type { Dyno, Exit } from "../../server/engine/engine.ts";
import { AppError } from "../../server/errors.ts";
import { DEFAULT_PORT as WEB_PORT } from "../../server/domain/own-image.ts";
import { untilHealthy, type Patient } from "../../server/pipeline/health-check.ts";

let lastAddress = 0;

/** A dyno with an address of its own on loopback: dynos all listen on the same port. */
function dyno(type = "web"): Dyno & { address: string } {
  const address = `127.77.${process.pid % 250}.${++lastAddress}`;
  return { id: `id-${lastAddress}`, appId: "app", name: `${type}.1`, type, number: 1, releaseVersion: 1, fingerprint: "f", command: "x", running: true, address, createdAt: "" };
}

/** The engine as far as health checks ask it: a dyno that lives until `exit` is called. */
function patient(answers: Partial<Patient> = {}): Patient & { exit(exit: Exit): void } {
  const { promise, resolve } = Promise.withResolvers<Exit>();
  return {
    waitForExit: (_id, signal) => Promise.race([promise, aborted(signal)]),
    lastLines: async () => ["one", "two"],
    execute: async () => ({ code: 1, output: "" }),
    exit: resolve,
    ...answers,
  };
}

async function aborted(signal: AbortSignal | undefined): Promise<never> {
  if (!signal?.aborted) await new Promise((resolve) => signal?.addEventListener("abort", resolve, { once: true }));
  throw new DOMException("aborted", "AbortError");
}

async function listen(address: string, listener: RequestListener, port: number = WEB_PORT): Promise<Server> {
  const server = createServer(listener).listen(port, address);
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
}

function check(what: Partial<HealthCheck>): HealthCheck {
  return { type: "startup", name: "", httpHeaders: [], scheme: "http", attempts: 1, initialDelay: 0, timeout: 0.2, wait: 0.1, warn: false, ...what };
}

async function rejection(promise: Promise<unknown>): Promise<AppError> {
  const error: unknown = await promise.then(() => undefined, (reason: unknown) => reason);
  if (error instanceof AppError) return error;
  throw new Error(`expected an AppError, not ${String(error)}`);
}

test.each([200, 302, 404, 500])("a web dyno is healthy as soon as it answers HTTP, whatever it says: %i", async (status) => {
  const web = dyno();
  await listen(web.address, (_request, response) => response.writeHead(status).end());
  await untilHealthy(patient(), web, [], 60);
});

test("a web dyno that begins to listen later is healthy soon after", async () => {
  const web = dyno();
  const healthy = untilHealthy(patient(), web, [], 60);
  await new Promise((resolve) => setTimeout(resolve, 120));
  await listen(web.address, (_request, response) => response.end());
  const since = performance.now();
  await healthy;
  expect(performance.now() - since).toBeLessThan(5000);
});

test("a page that never ends keeps no deploy waiting: its head is answer enough", async () => {
  const web = dyno();
  await listen(web.address, (_request, response) => response.writeHead(200, { "content-type": "text/event-stream" }).write("data: 1\n\n"));
  const since = performance.now();
  await untilHealthy(patient(), web, [], 60);
  await untilHealthy(patient(), web, [check({ path: "/", timeout: 40 })], 60);
  expect(performance.now() - since).toBeLessThan(30_000);
});

test("a web dyno that never answers is told Error R10 with what it printed last", async () => {
  const error = await rejection(untilHealthy(patient(), dyno(), [], 1));
  expect(error.id).toBe("deploy_failed");
  expect(error.message).toMatch(/^web\.1: Error R10 \(Boot timeout\): the web process did not answer HTTP on \$PORT within 1 seconds of launch\./);
  expect(error.message).toMatch(/\nThe last lines that web\.1 printed:\n {2}one\n {2}two$/);
});

test("a dyno that exits is told so at once, with its status and its last lines", async () => {
  const engine = patient();
  const waiting = rejection(untilHealthy(engine, dyno(), [], 60));
  engine.exit({ code: 3, outOfMemory: false });
  expect((await waiting).message).toBe("web.1 exited with status 3 before it was up.\nThe last lines that web.1 printed:\n  one\n  two");
});

test("a dyno that used too much memory is told that", async () => {
  const engine = patient({ lastLines: async () => [] });
  const waiting = rejection(untilHealthy(engine, dyno("worker"), [], 60));
  engine.exit({ code: 137, outOfMemory: true });
  expect((await waiting).message).toBe("worker.1 was killed: it used more memory than it may (Error R14/R15).\nworker.1 printed nothing.");
});

test("a worker is healthy when it is still up after a moment, and nobody asks it for HTTP", async () => {
  const since = performance.now();
  await untilHealthy(patient(), dyno("worker"), [], 60);
  expect(performance.now() - since).toBeGreaterThan(900);
});

test("a worker that exits within that moment is not", async () => {
  const engine = patient();
  const waiting = rejection(untilHealthy(engine, dyno("worker"), [], 60));
  setTimeout(() => engine.exit({ code: 0, outOfMemory: false }), 300);
  expect((await waiting).message).toContain("worker.1 exited with status 0 before it was up.");
});

test.each(["web", "worker"])("an interrupted deploy does not wait on: %s", async (type) => {
  const stop = new AbortController();
  const waiting = rejection(untilHealthy(patient(), dyno(type), [], 60, stop.signal));
  setTimeout(() => stop.abort(), 50);
  expect(await waiting).toMatchObject({ id: "deploy_failed", message: "The deploy was interrupted." });
});

test.each(["web", "worker"])("a deploy that was interrupted before does not even begin to wait: %s", async (type) => {
  const since = performance.now();
  expect(await rejection(untilHealthy(patient(), dyno(type), [], 5, AbortSignal.abort()))).toMatchObject({ message: "The deploy was interrupted." });
  expect(performance.now() - since).toBeLessThan(4000);
});

test("an engine that goes away in between is told as that, without asking it for more", async () => {
  const away = new AppError("engine_unavailable", "away");
  const engine = patient({ waitForExit: async () => Promise.reject(away), lastLines: async () => Promise.reject(new Error("asked")) });
  expect(await rejection(untilHealthy(engine, dyno(), [], 5))).toBe(away);
});

test("a path must answer 2xx or 3xx: other answers are asked again until the attempts are over", async () => {
  const web = dyno();
  const answers = [503, 404, 200];
  const asked: (string | undefined)[] = [];
  await listen(web.address, (request, response) => {
    asked.push(request.url);
    response.writeHead(answers.shift() ?? 500).end();
  });
  await untilHealthy(patient(), web, [check({ path: "/up?x=1", timeout: 10 })], 60);
  expect(asked).toEqual(["/up?x=1", "/up?x=1", "/up?x=1"]);
});

test("a path that never answers well is told by the check's name and its last answer", async () => {
  const web = dyno();
  await listen(web.address, (_request, response) => response.writeHead(500).end());
  const { message } = await rejection(untilHealthy(patient(), web, [check({ name: "home page", path: "/" })], 60));
  expect(message).toMatch(/^web\.1: the health check "home page" did not hold within \d seconds \(last: GET \/ answered 500\)\.\n/);
});

test("the content must be in the page", async () => {
  const web = dyno();
  await listen(web.address, (_request, response) => response.end("all good"));
  await untilHealthy(patient(), web, [check({ path: "/", content: "good", timeout: 10 })], 60);
  const { message } = await rejection(untilHealthy(patient(), web, [check({ path: "/", content: "bad" })], 60));
  expect(message).toContain('GET / does not contain "bad"');
});

test("the check's headers are sent, and its own port is asked", async () => {
  const web = dyno();
  const seen: unknown[] = [];
  const server = await listen(web.address, (request, response) => {
    seen.push(request.headers["x-check"], request.headers["user-agent"]);
    response.end();
  }, 0);
  const { port } = server.address() as AddressInfo;
  await untilHealthy(patient(), web, [check({ path: "/", port, httpHeaders: [{ name: "X-Check", value: "yes" }], timeout: 10 })], 60);
  expect(seen).toEqual(["yes", "paas-health-check"]);
});

test("a page that takes longer than the check's time-out is no answer", async () => {
  const web = dyno();
  await listen(web.address, () => undefined);
  const { message } = await rejection(untilHealthy(patient(), web, [check({ path: "/" })], 60));
  expect(message).toContain("(last: no answer in time)");
});

test("a command must exit with 0, and print what it should", async () => {
  const asked: unknown[] = [];
  const answers = [{ code: 1, output: "not yet" }, { code: 0, output: "almost" }, { code: 0, output: "ready!" }];
  const engine = patient({
    async execute(_id, command, timeoutMs) {
      asked.push([command, timeoutMs]);
      return answers.shift() ?? { code: 0, output: "ready!" };
    },
  });
  await untilHealthy(engine, dyno("worker"), [check({ command: ["./ready", "a b"], content: "ready", attempts: 100 })], 60);
  expect(asked).toEqual(Array.from({ length: 3 }, () => [["./ready", "a b"], 200]));
});

test("a command that fails is told with its status and what it printed", async () => {
  const engine = patient({ execute: async () => ({ code: 7, output: "no database\n" }) });
  const { message } = await rejection(untilHealthy(engine, dyno("worker"), [check({ command: ["./ready"] })], 60));
  expect(message).toContain('the health check "./ready" did not hold');
  expect(message).toContain("(last: the command exited with status 7: no database)");
});

test("an uptime is waited for", async () => {
  const since = performance.now();
  await untilHealthy(patient(), dyno("worker"), [check({ uptime: 0.3 })], 60);
  expect(performance.now() - since).toBeGreaterThan(250);
  expect(performance.now() - since).toBeLessThan(30_000);
});

test("the first look waits for the initial delay", async () => {
  const web = dyno();
  const since = performance.now();
  let firstAfter = 0;
  await listen(web.address, (_request, response) => {
    firstAfter ||= performance.now() - since;
    response.end();
  });
  await untilHealthy(patient(), web, [check({ path: "/", initialDelay: 0.3, timeout: 10 })], 60);
  expect(firstAfter).toBeGreaterThan(290);
});

test("every check must hold", async () => {
  const web = dyno();
  await listen(web.address, (request, response) => response.writeHead(request.url === "/good" ? 200 : 500).end());
  const { message } = await rejection(untilHealthy(patient(), web, [check({ path: "/good" }), check({ path: "/bad" })], 60));
  expect(message).toContain('the health check "/bad" did not hold');
});
