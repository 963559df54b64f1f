import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../git/eventually.ts";
import { removeWorkspaces, workspace } from "../support/git-client.ts";
import { startLoad } from "../support/load.ts";
import { overload } from "../support/overload.ts";
import { startPaas, type Paas } from "../support/paas.ts";

const NODE = "/opt/paas/node/bin/node";
/** Two dynos, each of which can be told how it shall answer its checks. */
const SERVER = `
import { createServer } from "node:http";
const answers = { live: 200, ready: 200 };
const me = process.env.DYNO + " " + Math.random();
createServer((request, response) => {
  const [, what, value] = request.url.split("/");
  if (value) answers[what] = Number(value);
  response.writeHead(value ? 200 : answers[what] ?? 200).end(me);
}).listen(process.env.PORT, "0.0.0.0");
process.on("SIGTERM", () => process.exit(0));
`;
const check = (type: string, path: string): object => ({ type, path, name: type, attempts: 2, wait: 0, timeout: 5 });
const APP_JSON = { formation: { web: { quantity: 2 } }, healthchecks: { web: [check("liveness", "/live"), check("readiness", "/ready")] } };

let paas: Paas;
let appId: string;
beforeAll(async () => {
  paas = await startPaas();
  const repository = await workspace();
  await repository.commit({ Procfile: `web: ${NODE} server.mjs\n`, "server.mjs": SERVER, "app.json": JSON.stringify(APP_JSON) });
  const result = await repository.push(paas.remote("patient"));
  expect(result.code, result.output).toBe(0);
  appId = (await paas.api<{ id: string }>("GET", "/apps/patient")).body.id;
}, 150_000);
afterAll(async () => {
  await paas.remove();
  await removeWorkspaces();
});

type Target = { id: string; dyno: string; address: string; port: number };

/** The dynos that get requests, by name. */
async function targets(): Promise<Target[]> {
  const route = (await paas.router.routes()).find(({ id }) => id === appId);
  return [...(route?.targets ?? [])].sort((a, b) => (a.dyno < b.dyno ? -1 : 1));
}
const names = async (): Promise<string[]> => (await targets()).map(({ dyno }) => dyno);
const tell = async ({ address, port }: Target, path: string): Promise<Response> => fetch(`http://${address}:${port}${path}`);
const within = (what: string, holds: () => Promise<boolean>): Promise<unknown> => eventually(what, holds, 20_000 * overload());

async function log(): Promise<string> {
  const { body } = await paas.api<{ logplex_url: string }>("POST", "/apps/patient/log-sessions", { lines: 500 });
  return (await fetch(body.logplex_url)).text();
}

describe("a dyno that serves", { timeout: 150_000 }, () => {
  it("is replaced when its liveness check fails, as after a crash, and no request is lost", async () => {
    const load = startLoad(paas.routerPort, "patient", 40);
    const [before, other] = await targets();
    await tell(before as Target, "/live/500");
    await within("web.1 is another dyno", async () => (await targets()).some(({ id, dyno }) => dyno === "web.1" && id !== before?.id));
    const after = await targets();
    expect(after.map(({ dyno }) => dyno)).toEqual(["web.1", "web.2"]);
    expect(after[1]?.id).toBe(other?.id);

    // Again and again: with patience.
    await tell(after[0] as Target, "/live/500");
    await within("it was replaced once more", async () => !(await targets()).some(({ id }) => id === after[0]?.id));
    expect(paas.output()).toMatch(/"dyno":"web\.1","crashes":2,"restartInMs":[1-9]\d{2,}/);
    await load.stop();
    expect(load.failures()).toEqual([]);
    const lines = await log();
    expect(lines).toContain('heroku[web.1]: Liveness check "liveness" failed 2 times in a row (GET /live answered 500): the dyno is replaced\n');
    expect(lines).toContain("heroku[web.1]: State changed from up to crashed\n");
  });

  it("gets no requests while its readiness check fails, and gets them again when it holds; where none is ready all get them", async () => {
    const [one, two] = (await targets()) as [Target, Target];
    await tell(one, "/ready/503");
    await within("web.1 is out of the route", async () => (await names()).join() === "web.2");
    expect((await paas.get("patient")).body).toMatch(/^web\.2 /);
    await tell(two, "/ready/503");
    await within("both are back", async () => (await names()).join() === "web.1,web.2");
    await tell(one, "/ready/200");
    await within("the ready one alone gets requests", async () => (await names()).join() === "web.1");
    await tell(two, "/ready/200");
    await within("both are ready", async () => (await names()).join() === "web.1,web.2");
    expect((await targets()).map(({ id }) => id)).toEqual([one.id, two.id]);
    const lines = await log();
    expect(lines).toContain('heroku[web.1]: Readiness check "readiness" failed 2 times in a row (GET /ready answered 503): no requests until it holds, unless no other dyno is ready\n');
    expect(lines).toContain('heroku[web.2]: Readiness check "readiness" holds again\n');
  });

  it("is asked by the next control plane too, and by nobody when another release serves", async () => {
    await paas.kill();
    await paas.start();
    const [one] = (await targets()) as [Target];
    await tell(one, "/ready/503");
    await within("web.1 is out of the route", async () => (await names()).join() === "web.2");
    await paas.api("PATCH", "/apps/patient/config-vars", { NEXT: "1" });
    expect(await names()).toEqual(["web.1", "web.2"]);
  });
});
