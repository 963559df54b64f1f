import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deploy, type DeployedApp } from "../support/deployed-app.ts";
import { removeWorkspaces } from "../support/git-client.ts";
import { startLoad, type Load } from "../support/load.ts";
import { startPaas, type Paas } from "../support/paas.ts";
import { accepted, refused } from "../support/refused-push.ts";
import { smallApp } from "../support/small-app.ts";

type Case = { why: string; files: Record<string, string>; says: string[] };

const NODE = "/opt/paas/node/bin/node";
const json = (value: unknown): string => JSON.stringify(value);
const listening = (where: string): string => `${NODE} -e 'http.createServer((q, r) => r.end()).listen(${where}, () => console.log("listening"))'`;
const check = (what: Record<string, unknown>): Record<string, string> => ({
  ...smallApp({ text: "not well" }), "app.json": json({ healthchecks: { web: [{ type: "startup", name: "ready", attempts: 1, wait: 2, timeout: 2, ...what }] } }),
});

const CASES: Case[] = [
  {
    why: "whose release phase fails", files: { ...smallApp(), Procfile: `web: ${NODE} server.mjs\nrelease: echo no such table; printf half; exit 7\n` },
    says: ["-----> Running release command...\nno such table\nhalf\n\n !     The release command exited with status 7.\n\n !     Push rejected to app.\n"],
  },
  {
    why: "whose web process exits at boot", files: { Procfile: "web: for i in $(seq 25); do echo line $i >&2; done; exit 5\n" },
    says: ["-----> Launching...\n\n !     web.1 exited with status 5 before it was up.\n !     The last lines that web.1 printed:\n !       line 6\n", " !       line 25\n\n !     Push rejected to app.\n"],
  },
  {
    why: "whose web process goes into the background (P19)", files: { ...smallApp(), Procfile: `web: ${NODE} server.mjs & disown\n` },
    says: ["web.1 exited with status 0 before it was up.\n"],
  },
  {
    why: "whose command no shell takes (P20)", files: { Procfile: "web: echo 'unterminated\n" },
    says: ["web.1 exited with status ", "unexpected EOF while looking for matching"],
  },
  {
    why: "whose command is not there", files: { Procfile: "web: ./serve\n" },
    says: ["web.1 exited with status 127 before it was up.\n", "./serve: No such file or directory\n"],
  },
  {
    why: "whose web process never listens", files: { Procfile: "web: echo thinking; sleep 60\n" },
    says: ["Error R10 (Boot timeout)", "within 3 seconds", "It listens nowhere: it must listen on 0.0.0.0:$PORT.\n", " !       thinking\n"],
  },
  {
    why: "whose web process listens on 127.0.0.1 only", files: { Procfile: `web: ${listening("process.env.PORT, `127.0.0.1`")}\n` },
    says: ["Error R10 (Boot timeout)", "It listens on 127.0.0.1:5000 only, where nobody else reaches it: it must listen on 0.0.0.0:$PORT.\n"],
  },
  {
    why: "whose web process listens on a port of its own choice", files: { Procfile: `web: ${listening("3000")}\n` },
    says: ["Error R10 (Boot timeout)", "It listens on port 3000, not on $PORT, which is 5000: it must listen on 0.0.0.0:$PORT.\n"],
  },
  { why: "whose health check is answered with 500", files: { ...check({ path: "/healthy" }), "server.mjs": 'import { createServer } from "node:http"; createServer((q, r) => r.writeHead(q.url === "/" ? 200 : 500).end()).listen(process.env.PORT);' }, says: [' !     web.1: the health check "ready" did not hold within 4 seconds (last: GET /healthy answered 500).\n'] },
  { why: "whose health check lacks the content", files: check({ path: "/", content: "well and good" }), says: ['(last: GET / does not contain "well and good").\n'] },
  { why: "whose health check's command fails", files: check({ command: ["sh", "-c", "echo no queue; exit 4"] }), says: ["(last: the command exited with status 4: no queue).\n"] },
  {
    why: "whose worker crashes at boot while its web process is well", files: { ...smallApp(), "app.json": json({ formation: { worker: { quantity: 1 } } }), Procfile: `web: ${NODE} server.mjs\nworker: echo no broker; exit 9\n` },
    says: [" !     worker.1 exited with status 9 before it was up.\n !     The last lines that worker.1 printed:\n !       no broker\n"],
  },
];

let paas: Paas;
let app: DeployedApp;
let load: Load;
beforeAll(async () => {
  paas = await startPaas({ PAAS_STOP_SECONDS: "2", PAAS_SLUGS_KEPT: "100" });
  app = await deploy(paas, "app", { text: "good" });
  await paas.stop();
  await paas.start({ PAAS_BOOT_SECONDS: "3" });
  load = startLoad(paas.routerPort, "app", 50);
});
afterAll(async () => {
  await load.stop();
  await paas.remove();
  await removeWorkspaces();
});

describe("a push", () => {
  it.each(CASES)("$why is refused with the reason, leaves nothing behind, and no request is lost", async ({ why, files, says }) => {
    const told = await refused(paas, app, files);
    for (const text of says) expect(told).toContain(text);
    expect(told.endsWith("\n\n !     Push rejected to app.\n"), told).toBe(true);
    expect(load.failures()).toEqual([]);

    await accepted(app, `good again after one ${why}`);
    expect(load.failures()).toEqual([]);
  });
});
