import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { deploy, type DeployedApp } from "../support/deployed-app.ts";
import { removeWorkspaces } from "../support/git-client.ts";
import { createInvariants, type Invariants } from "../support/invariants.ts";
import { startLoad, type Load } from "../support/load.ts";
import { overload } from "../support/overload.ts";
import { docker, startPaas, type Paas } from "../support/paas.ts";
import { eventually } from "../git/eventually.ts";

type ReleaseView = { version: number; current: boolean; description: string; status: string; slug: { id: string } | null; eligible_for_rollback: boolean };

// Each waits for several deploys.
vi.setConfig({ testTimeout: 150_000, hookTimeout: 150_000 });

let paas: Paas;
let app: DeployedApp;
let invariants: Invariants;
let load: Load;

beforeAll(async () => {
  paas = await startPaas();
  invariants = createInvariants(paas);
  app = await deploy(paas, "changing", { text: "one", crashOn: "CRASH", worker: true, releaseSeconds: 0 }, invariants);
});
afterAll(async () => {
  await paas.remove();
  await removeWorkspaces();
});
beforeEach(() => {
  load = startLoad(paas.routerPort, "changing", 40);
});
afterEach(() => load.stop());

const setConfig = (vars: Record<string, string | null>, name = "changing") => paas.api<Record<string, string> & { id: string; message: string }>("PATCH", `/apps/${name}/config-vars`, vars);
const scale = (updates: { type: string; quantity: number | string }[], name = "changing") => paas.api("PATCH", `/apps/${name}/formation`, { updates });
const rollback = (version: number, name = "changing") => paas.api<ReleaseView & { id: string; message: string }>("POST", `/apps/${name}/releases`, { release: `v${version}` });
const releases = async (name = "changing"): Promise<ReleaseView[]> => (await paas.api<ReleaseView[]>("GET", `/apps/${name}/releases`)).body;
const current = async (name = "changing"): Promise<ReleaseView> => (await releases(name)).find((release) => release.current) as ReleaseView;
/** Ids of the containers that run, by dyno name. */
const dynos = async (): Promise<Record<string, string>> =>
  Object.fromEntries((await paas.containers("dyno")).filter(({ State, Labels }) => State === "running" && Labels["paas.app"] === app.id).map(({ Id, Labels }) => [`${Labels["paas.type"]}.${Labels["paas.number"]}`, Id]));

/** All requests since the test's begin went well, and so do some more; nothing is left of the change. */
async function noneFailed(): Promise<void> {
  await load.more(20);
  await load.stop();
  expect(load.failures()).toEqual([]);
  await invariants.hold(10_000);
}

describe("a config change, under load", () => {
  const values = {
    PEM: "-----BEGIN PRIVATE KEY-----\nMIIEvQ+/=\n\tline two\r\n-----END PRIVATE KEY-----\n", QUOTES: `"double" 'single' \\ backslash`, SHELL_WORDS: "$HOME $(id) ${PATH} `id` ; & | * ~",
    UNICODE: "žluťoučký kůň 🐎 \u2028", BLANKS: "  leading and trailing  ", EQUALS: "a=b==c",
  };

  it("makes a new release whose dynos see every byte of it; no request fails", async () => {
    const before = await current();
    const changed = await setConfig(values);
    expect(changed.status, JSON.stringify(changed.body)).toBe(200);
    expect(changed.body).toEqual(values);
    for (const [name, value] of Object.entries(values)) expect(await app.text(`/env/${name}`), name).toBe(value);
    const after = await current();
    expect(after.version).toBe(before.version + 1);
    expect(after.slug).toEqual(before.slug);
    expect(after.description).toMatch(/^Set .*PEM.* config vars$/);
    await noneFailed();
  });

  it("runs the release phase with the new config", async () => {
    await app.push({ text: "with a release phase", crashOn: "CRASH", worker: true, procfile: 'release: test "$ALLOWED" != no\n' });
    const { version } = await current();
    const refused = await setConfig({ ALLOWED: "no" });
    expect([refused.status, refused.body.id]).toEqual([422, "release_phase_failed"]);
    expect((await current()).version).toBe(version);
    expect((await setConfig({ ALLOWED: "yes" })).status).toBe(200);
    expect((await current()).version).toBe(version + 2);
    await noneFailed();
  });

  it("that removes a config var makes a release without it; one that changes nothing makes none", async () => {
    await setConfig({ GONE: "soon", STAYS: "yes" });
    const { version } = await current();
    expect((await setConfig({ STAYS: "yes", NEVER_WAS: null })).status).toBe(200);
    expect((await current()).version).toBe(version);
    await setConfig({ GONE: null });
    expect((await current()).version).toBe(version + 1);
    expect((await paas.get("changing", "/env/GONE")).status).toBe(404);
    expect(await app.text("/env/STAYS")).toBe("yes");
    await noneFailed();
  });

  it("that crashes the app is refused with the reason; config and dynos stay as they were", async () => {
    const before = { version: (await current()).version, dynos: await dynos(), config: (await paas.api("GET", "/apps/changing/config-vars")).body };
    const { status, body } = await setConfig({ CRASH: "1" });
    expect([status, body.id]).toEqual([422, "deploy_failed"]);
    expect(body.message).toContain("web.1 exited with status 3");
    expect(body.message).toContain("cannot work with CRASH");
    expect((await current()).version).toBe(before.version);
    expect((await paas.api("GET", "/apps/changing/config-vars")).body).toEqual(before.config);
    expect(await dynos()).toEqual(before.dynos);
    const failed = (await releases()).at(-1) as ReleaseView;
    expect([failed.status, failed.current]).toEqual(["failed", false]);
    const again = await rollback(failed.version);
    expect([again.status, again.body.message]).toEqual([422, expect.stringContaining("failed and never served")]);
    await noneFailed();
  });
});

describe("scaling, under load", () => {
  it("from one web dyno to three and back keeps the dynos that match; a worker more touches no web dyno", async () => {
    const one = await dynos();
    expect((await scale([{ type: "web", quantity: 3 }])).status).toBe(200);
    const three = await dynos();
    expect(Object.keys(three)).toEqual(expect.arrayContaining(["web.1", "web.2", "web.3"]));
    expect(three["web.1"]).toBe(one["web.1"]);
    await load.more(20);
    expect((await scale([{ type: "worker", quantity: "+1" }])).status).toBe(200);
    expect(await dynos()).toEqual({ ...three, "worker.1": expect.any(String) });
    expect((await scale([{ type: "web", quantity: 1 }, { type: "worker", quantity: 0 }])).status).toBe(200);
    await noneFailed();
    expect(await dynos()).toEqual({ "web.1": one["web.1"] });
  });

  it("runs no release command, for neither code nor config changed", async () => {
    const next = (await releases()).at(-1)!.version + 1;
    await app.push({ text: "released once", worker: true, procfile: `release: test "$HEROKU_RELEASE_VERSION" = v${next}\n` });
    expect((await scale([{ type: "web", quantity: 2 }])).status).toBe(200);
    expect((await setConfig({ RELEASED: "again" })).body.message).toContain("The release command exited with status 1");
    expect((await scale([{ type: "web", quantity: 1 }])).status).toBe(200);
    await noneFailed();
  });

  it("to zero answers 503 with H14 and back to one serves again", async () => {
    await load.stop();
    await scale([{ type: "web", quantity: 0 }]);
    const none = await paas.get("changing");
    expect(none.status).toBe(503);
    expect(none.body + JSON.stringify(none.headers)).toContain("H14");
    await invariants.hold(10_000);
    expect(await dynos()).toEqual({});
    await scale([{ type: "web", quantity: 1 }]);
    expect((await paas.get("changing")).status).toBe(200);
    await invariants.hold();
  });
});

describe("a restart, under load", () => {
  it("of all, of a type, of one dyno puts new dynos in the place of just those", async () => {
    await scale([{ type: "web", quantity: 2 }, { type: "worker", quantity: 1 }]);
    const { version } = await current();
    await invariants.hold(10_000);
    const at: Record<string, string>[] = [await dynos()];
    for (const path of ["/dynos/web.2", "/formations/worker", "/dynos"]) {
      expect((await paas.api("DELETE", `/apps/changing${path}`)).status).toBe(202);
      await invariants.hold(10_000);
      at.push(await dynos());
    }
    const replaced = at.slice(1).map((after, index) => Object.keys(after).filter((name) => after[name] !== at[index]?.[name]).sort());
    expect(replaced).toEqual([["web.2"], ["worker.1"], ["web.1", "web.2", "worker.1"]]);
    expect((await current()).version).toBe(version);
    expect((await paas.api("DELETE", "/apps/changing/dynos/web.9")).status).toBe(404);
    await noneFailed();
  });

  it("by stopping one dyno of two: the route loses it first, and the formation is made whole again", async () => {
    const before = await dynos();
    expect((await paas.api("POST", "/apps/changing/dynos/web.1/actions/stop")).status).toBe(202);
    await noneFailed();
    const after = await dynos();
    expect(after["web.1"]).not.toBe(before["web.1"]);
    expect(after["web.2"]).toBe(before["web.2"]);
    await scale([{ type: "web", quantity: 1 }, { type: "worker", quantity: 0 }]);
  });
});

describe("a rollback, under load", () => {
  it("to the first deployed release makes a new one with its slug and config; a rollback of that brings the newest back", async () => {
    await app.push({ text: "newest", worker: true });
    await setConfig({ COLOUR: "red" });
    const newest = await current();
    const first = await rollback(2);
    expect([first.status, first.body.version, first.body.description]).toEqual([201, newest.version + 1, "Rollback to v2"]);
    expect(first.body.slug).toEqual((await releases()).find(({ version }) => version === 2)?.slug);
    expect(await app.text()).toBe("one");
    expect((await paas.api("GET", "/apps/changing/config-vars")).body).toEqual({});
    expect((await paas.get("changing", "/env/COLOUR")).status).toBe(404);
    const back = await rollback(newest.version);
    expect(back.body.version).toBe(newest.version + 2);
    expect([await app.text(), await app.text("/env/COLOUR")]).toEqual(["newest", "red"]);
    await noneFailed();
  });

  it("to a release without a slug, or whose slug was pruned, is refused with the reason", async () => {
    const none = await rollback(1);
    expect([none.status, none.body.id]).toEqual([422, "no_slug"]);
    await paas.stop();
    await paas.start({ PAAS_SLUGS_KEPT: "1" });
    await app.push({ text: "third" });
    await app.push({ text: "fourth" });
    await eventually("the first slug was pruned", async () => !(await releases()).find(({ version }) => version === 2)?.eligible_for_rollback, 10_000 * overload());
    const pruned = await rollback(2);
    expect([pruned.status, pruned.body.id]).toEqual([422, "no_slug"]);
    expect(pruned.body.message).toContain("PAAS_SLUGS_KEPT");
    // Besides the current slug one is kept.
    expect((await rollback((await current()).version - 1)).status).toBe(201);
    expect(await app.text()).toBe("third");
    await load.stop();
    expect(load.failures()).toEqual([]);
    // An image that an old dyno still used goes at the next look, every 30 s.
    await invariants.hold(35_000);
  });
});

describe("an app", () => {
  it("renamed answers under its new host and git URL only, with the same dynos", async () => {
    await load.stop();
    const before = await dynos();
    expect((await paas.api("PATCH", "/apps/changing", { name: "renamed" })).status).toBe(200);
    expect((await paas.get("changing")).status).toBe(404);
    expect((await paas.get("renamed")).body).toBe("third");
    expect(await dynos()).toEqual(before);
    await invariants.hold();
    app.name = "renamed";
    await app.push({ text: "pushed to the new name" });
    expect(await app.text()).toBe("pushed to the new name");
    await paas.api("PATCH", "/apps/renamed", { name: "changing" });
    app.name = "changing";
  });

  it("destroyed leaves nothing behind, and its name begins again at v1", async () => {
    await load.stop();
    const doomed = await deploy(paas, "doomed", { text: "doomed", stopMs: 1500, worker: true });
    await doomed.push({ text: "doomed twice" });
    const filters = { label: [`paas.app=${doomed.id}`] };
    expect((await paas.api("DELETE", "/apps/doomed")).status).toBe(200);
    expect((await paas.get("doomed")).status).toBe(404);
    expect((await paas.api("GET", "/apps/doomed")).status).toBe(404);
    await invariants.hold(1000);
    const [containers, networks, volumes, images] = await Promise.all([docker.listContainers({ all: true, filters }), docker.listNetworks({ filters }), docker.listVolumes({ filters }), docker.listImages({ filters })]);
    expect([containers, networks, volumes.Volumes, images]).toEqual([[], [], [], []]);
    expect(existsSync(join(paas.dataDir, "repositories", `${doomed.id}.git`))).toBe(false);

    expect((await paas.api("POST", "/apps", { name: "doomed" })).status).toBe(201);
    expect((await releases("doomed")).map(({ version, description }) => [version, description])).toEqual([[1, "Initial release"]]);
    const blank = await paas.get("doomed");
    expect([blank.status, blank.body]).toEqual([404, expect.stringContaining("H81")]);
    await paas.api("DELETE", "/apps/doomed");
    await invariants.hold();
  });
});
