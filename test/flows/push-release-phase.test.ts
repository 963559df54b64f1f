import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { networkName } from "../../server/engine/naming.ts";
import { eventually } from "../git/eventually.ts";
import { remoteText, repositoryOf } from "../support/app-folder.ts";
import { removeWorkspaces } from "../support/git-client.ts";
import { startLoad } from "../support/load.ts";
import { docker, startPaas, type Paas } from "../support/paas.ts";

/** A database as small as one can be: PUT keeps a text, GET returns it. */
const DATABASE = `
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
kept = b"no schema"
class Database(BaseHTTPRequestHandler):
    def do_PUT(self):
        global kept
        kept = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(b"")
    def do_GET(self):
        self.answer(kept)
    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
ThreadingHTTPServer(("", 80), Database).serve_forever()
`;

const RELEASE = `
const { DATABASE_URL, HEROKU_RELEASE_VERSION, DYNO } = process.env;
if (DATABASE_URL) await fetch(DATABASE_URL, { method: "PUT", body: "schema of " + HEROKU_RELEASE_VERSION });
console.log(DATABASE_URL ? "Migrated to " + HEROKU_RELEASE_VERSION : "No database yet");
`;

// What the database held when this dyno started is what it answers for ever.
const WEB = `
import { createServer } from "node:http";
const schema = process.env.DATABASE_URL ? await (await fetch(process.env.DATABASE_URL)).text() : "no database";
createServer((_request, response) => response.end(schema)).listen(process.env.PORT);
process.on("SIGTERM", () => process.exit(0));
`;

let paas: Paas;
let database: ReturnType<typeof docker.getContainer> | undefined;
beforeAll(async () => {
  paas = await startPaas();
});
afterAll(async () => {
  await database?.remove({ force: true });
  await paas.remove();
  await removeWorkspaces();
});

describe("an app with web, worker and release phase", () => {
  it("is released as one: the release command has done its work before any new dyno starts, and app.json says how many workers there are", { timeout: 180_000 }, async () => {
    const formation = JSON.stringify({ formation: { worker: { quantity: 1 } } });
    const repository = await repositoryOf("examples/web-worker-release", { "app.json": formation, "release.js": RELEASE, "web.js": WEB });
    const first = await repository.push(paas.remote("shop"));
    expect(first.code, first.output).toBe(0);
    expect(first.output).toContain("Procfile declares types -> release, web, worker");
    expect(remoteText(first.output)).toContain("-----> Running release command...\nNo database yet\n-----> Launching...\n");
    expect((await paas.get("shop")).body).toBe("no database");
    expect(await types()).toEqual(["web.1", "worker.1"]);

    const { body: app } = await paas.api<{ id: string }>("GET", "/apps/shop");
    const url = await startDatabase(networkName(paas.instance(), app.id));
    expect((await paas.api("PATCH", "/apps/shop/config-vars", { DATABASE_URL: url })).status).toBe(200);
    expect((await paas.get("shop")).body).toBe("schema of v3");
    const before = await paas.containers("dyno");

    const load = startLoad(paas.routerPort, "shop");
    await load.more(50);
    await repository.commit({ "version.txt": "2" });
    const second = await repository.push(paas.remote("shop"));
    expect(second.code, second.output).toBe(0);
    expect(remoteText(second.output)).toContain("-----> Running release command...\nMigrated to v4\n-----> Launching...\n");
    expect((await paas.get("shop")).body).toBe("schema of v4");
    await load.more(50);
    await load.stop();
    expect(load.failures()).toEqual([]);

    await expect.poll(types, { timeout: 30_000 }).toEqual(["web.1", "worker.1"]);
    const old = new Set(before.map(({ Id }) => Id));
    expect((await paas.containers()).filter(({ Id }) => old.has(Id))).toEqual([]);
  });
});

/** Names of all dynos, one-off ones too. */
async function types(): Promise<string[]> {
  return (await paas.containers()).filter(({ Labels }) => Labels["paas.type"] !== undefined).map(({ Labels }) => `${Labels["paas.type"]}.${Labels["paas.number"]}`).sort();
}

async function startDatabase(network: string): Promise<string> {
  database = await docker.createContainer({ Image: process.env["PAAS_STACK_IMAGE"] ?? "", Cmd: ["python3", "-u", "-c", DATABASE], User: "0:0", HostConfig: { NetworkMode: network, Init: true } });
  await database.start();
  const address = (await database.inspect()).NetworkSettings.Networks[network]?.IPAddress;
  const url = `http://${address}/`;
  await eventually("the database answers", () => fetch(url).then(({ ok }) => ok, () => false), 30_000);
  return url;
}
