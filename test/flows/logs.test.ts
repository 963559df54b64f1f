/** What an app's people see of it in one stream, from the push to the end, over crashes of the app and of the control plane. */

import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../git/eventually.ts";
import { deploy, type DeployedApp } from "../support/deployed-app.ts";
import { removeWorkspaces } from "../support/git-client.ts";
import { ADMIN_TOKEN, startPaas, type Paas } from "../support/paas.ts";

let paas: Paas;
beforeAll(async () => void (paas = await startPaas({ PAAS_DRAIN_ALLOW: "127.0.0.1" })));
afterAll(async () => {
  await paas.remove();
  await removeWorkspaces();
});

/** Lines without their times. */
async function logs(app: string, query = ""): Promise<string[]> {
  const response = await fetch(`http://127.0.0.1:${paas.apiPort}/apps/${app}/logs?lines=1500&${query}`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
  expect(response.status).toBe(200);
  return (await response.text()).split("\n").filter(Boolean).map((line) => line.slice(33));
}
/** Follows the stream until it has that line, for 20 s at the most. */
async function untilLogged(app: string, wanted: string | RegExp, query = ""): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${paas.apiPort}/apps/${app}/logs?lines=1500&tail=true&${query}`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` }, signal: AbortSignal.timeout(20_000) });
  let rest = "";
  let all = "";
  try {
    for await (const chunk of (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream())) {
      all += chunk;
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      if (lines.some((line) => (typeof wanted === "string" ? line.slice(33) === wanted : wanted.test(line.slice(33))))) return;
    }
  } catch (cause) {
    throw new Error(`no line ${String(wanted)} in:\n${all}`, { cause });
  }
}
const ADMIN = "admin@localhost";

let app: DeployedApp;
test("a push, a request, a config change and a scaling are told in Heroku's words, in their order", async () => {
  app = await deploy(paas, "story", { text: "hello", worker: true, releaseSeconds: 0 });
  await paas.get("story", "/version?a=b");
  await untilLogged("story", /^heroku\[router\]: .*path="\/version\?a=b" host=story\.localhost .* dyno=web\.1 .* status=200 /);
  expect((await paas.api("PATCH", "/apps/story/config-vars", { FOO: "1" })).status).toBe(200);
  expect((await paas.api("PATCH", "/apps/story/formation", { updates: [{ type: "worker", quantity: 1 }] })).status).toBe(200);
  await untilLogged("story", "heroku[worker.1]: State changed from starting to up");
  await untilLogged("story", "app[worker.1]: working");
  await untilLogged("story", "heroku[web.1]: Process exited with status 0");

  const lines = await logs("story");
  const inOrder = (...wanted: (string | RegExp)[]): void => {
    let at = -1;
    for (const one of wanted) {
      const next = lines.findIndex((line, index) => index > at && (typeof one === "string" ? line === one : one.test(line)));
      expect(next, `${String(one)} after line ${at} of:\n${lines.join("\n")}`).toBeGreaterThan(at);
      at = next;
    }
  };
  inOrder(`app[api]: Initial release by user ${ADMIN}`, `app[api]: Release v1 created by user ${ADMIN}`, `app[api]: Build started by user ${ADMIN}`, "app[api]: Build succeeded", /^app\[api\]: Deploy [0-9a-f]{8} by user admin@localhost$/,
    `app[api]: Release v2 created by user ${ADMIN}`, /^heroku\[release\.2\]: Starting process with command `echo/, "app[release.2]: release phase for v2", "heroku[release.2]: Process exited with status 0");
  inOrder("heroku[release.2]: Process exited with status 0", "heroku[web.1]: Starting process with command `/opt/paas/node/bin/node server.mjs`", "heroku[web.1]: State changed from starting to up",
    `app[api]: Set FOO config vars by user ${ADMIN}`, `app[api]: Release v3 created by user ${ADMIN}`, "heroku[web.1]: Starting process with command `/opt/paas/node/bin/node server.mjs`", "heroku[web.1]: State changed from starting to up");
  inOrder(/^app\[api\]: Scaled to web@1:\w+ worker@1:\w+ by user admin@localhost$/, `app[api]: Release v4 created by user ${ADMIN}`, "heroku[worker.1]: Starting process with command `/opt/paas/node/bin/node worker.mjs`", "heroku[worker.1]: State changed from starting to up");
  // It is up when it has lasted for a second, whether or not it has printed anything by then.
  inOrder("heroku[worker.1]: Starting process with command `/opt/paas/node/bin/node worker.mjs`", "app[worker.1]: working");
  inOrder("heroku[web.1]: Stopping all processes with SIGTERM", "heroku[web.1]: Process exited with status 0");
});

test("a detached one-off dyno is told from its start to its end, with what it printed", async () => {
  const { body: { name } } = await paas.api<{ name: string }>("POST", "/apps/story/dynos", { command: "echo ran in $DYNO; exit 4", attach: false });
  await untilLogged("story", `heroku[${name}]: Process exited with status 4`);
  expect((await logs("story", `dyno=${name}`)).toSorted()).toEqual([`app[${name}]: ran in ${name}`, `heroku[${name}]: Process exited with status 4`, `heroku[${name}]: Starting process with command \`echo ran in $DYNO; exit 4\``, `heroku[${name}]: State changed from starting to up`]);
});

test("what a release printed that crashed is shown by its number, though its dyno is gone", async () => {
  await app.push({ text: "hello", crashOn: "BROKEN" });
  const { status } = await paas.api("PATCH", "/apps/story/config-vars", { BROKEN: "yes" });
  expect(status).toBe(422);
  const [{ version } = { version: 0 }] = (await paas.api<{ version: number }[]>("GET", "/apps/story/releases")).body.slice(-1);
  await untilLogged("story", "heroku[web.1]: Process exited with status 3", `release=v${version}`);
  const lines = await logs("story", `release=v${version}`);
  expect(lines).toContain("app[web.1]: cannot work with BROKEN");
  expect(lines).toContain("heroku[web.1]: State changed from starting to crashed");
  expect(lines).toContainEqual(expect.stringMatching(new RegExp(`^app\\[api\\]: Release v${version} failed: web\\.1 exited with status 3`)));
  expect(lines.filter((line) => line.includes("hello") || line.includes("working"))).toEqual([]);
});

test("a web process that does not bind in time is Error R10, one that ignores SIGTERM Error R12, one that dies is told with its status", async () => {
  // Short times for those alone that are to exceed them.
  await paas.stop();
  await paas.start({ PAAS_BOOT_SECONDS: "3" });
  const failed = await (async () => {
    await app.change({ text: "late", bootMs: 60_000 });
    return app.start().done;
  })();
  expect(failed.code).not.toBe(0);
  await untilLogged("story", "heroku[web.1]: Error R10 (Boot timeout) -> Web process failed to bind to $PORT within 3 seconds of launch");

  await paas.stop();
  await paas.start({ PAAS_STOP_SECONDS: "1" });
  await app.push({ text: "stubborn", stopMs: 60_000 });
  await app.push({ text: "mortal", dieAfterMs: 500 });
  await untilLogged("story", "heroku[web.1]: Error R12 (Exit timeout) -> At least one process failed to exit within 1 seconds of SIGTERM");
  await untilLogged("story", "heroku[web.1]: Process exited with status 137");
  await untilLogged("story", "heroku[web.1]: State changed from up to crashed");
  await untilLogged("story", "heroku[web.1]: Process exited with status 1");
  await app.push({ text: "steady" });
});

test("a control plane that is killed while an app prints misses nothing of it and doubles nothing", async () => {
  const counter = "let n = 0; setInterval(() => { for (let i = 0; i < 5; i++) console.log('count ' + n++); }, 20)";
  const repository = (await deploy(paas, "counter", {})).repository;
  await repository.commit({ "Procfile": `worker: /opt/paas/node/bin/node -e "${counter}"\n` });
  expect((await repository.start("push", paas.remote("counter"), "main").done).code).toBe(0);
  expect((await paas.api("PATCH", "/apps/counter/formation", { updates: [{ type: "worker", quantity: 1 }] })).status).toBe(200);
  for (let round = 0; round < 3; round++) {
    await untilLogged("counter", /count \d+/);
    await paas.kill();
    await paas.start();
  }
  const last = async (): Promise<number> => Number(/\d+$/.exec((await logs("counter", "dyno=worker")).findLast((line) => line.includes("count")) ?? "")?.[0]);
  const before = await last();
  await eventually("it counts on", async () => (await last()) > before + 20, 20_000);
  const counted = (await logs("counter", "dyno=worker")).map((line) => /count (\d+)$/.exec(line)?.[1]).filter((count) => count !== undefined).map(Number);
  expect(counted).toEqual(Array.from({ length: counted.length }, (_, index) => (counted[0] ?? 0) + index));
  expect(counted.length).toBeGreaterThan(20);
});

test("a drain that the operator allows gets the app's lines, also after the control plane was killed; figures count them", async () => {
  let received = "";
  const receiver = createServer((socket) => void socket.on("data", (part: Buffer) => (received += part.toString())).on("error", () => undefined));
  receiver.listen(0, "127.0.0.1");
  await once(receiver, "listening");
  const url = `syslog://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  const added = await paas.api<{ token: string }>("POST", "/apps/story/log-drains", { url });
  expect(added.status).toBe(201);
  expect((await paas.api("POST", "/apps/story/log-drains", { url: url.replace("127.0.0.1", "127.0.0.2") })).status).toBe(422);
  const asked = async (path: string): Promise<void> => {
    await eventually(path, async () => {
      await paas.get("story", path);
      return received.includes(`${added.body.token} heroku router - - at=info method=GET path="${path}" host=story.localhost`);
    });
  };
  await asked("/first");
  await paas.kill();
  await paas.start();
  await asked("/second");
  const { body } = await paas.get("story");
  expect(body).toBe("steady");
  const metrics = await (await fetch(`http://127.0.0.1:${paas.apiPort}/metrics`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })).text();
  expect(metrics).toMatch(/^paas_router_requests_total\{app="story",code="2xx"\} [1-9]/m);
  expect(metrics).toMatch(/^paas_dynos\{app="story",type="web",state="up"\} 1$/m);
  receiver.close();
});

test("the lines of an app go with it", async () => {
  const dir = join(paas.dataDir, "logs", "apps", app.id);
  expect(existsSync(dir)).toBe(true);
  expect((await paas.api("DELETE", "/apps/story")).status).toBe(200);
  await eventually("the folder is gone", () => !existsSync(dir));
});
