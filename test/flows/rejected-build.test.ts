import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commitOnly } from "../support/app-folder.ts";
import { deploy, type DeployedApp } from "../support/deployed-app.ts";
import { removeWorkspaces, workspace, type Result } from "../support/git-client.ts";
import { HELD, letGo } from "../support/held.ts";
import { startLoad, type Load } from "../support/load.ts";
import { startPaas, type Paas } from "../support/paas.ts";
import { accepted, refusalIn, refused, settled, standing } from "../support/refused-push.ts";
import { smallApp } from "../support/small-app.ts";

type Case = { why: string; files: Record<string, string>; says: string[] };

const json = (value: unknown): string => JSON.stringify(value);
const node = (build: string): Record<string, string> => ({ "package.json": json({ private: true, scripts: { build, start: "node server.js" } }) });

const CASES: Case[] = [
  { why: "whose build fails", files: node("echo compiling && exit 3"), says: ["       compiling\n", " !     Push rejected, failed to compile Node.js app.\n"] },
  { why: "that no buildpack takes", files: { "README.md": "# Nothing\n", "main.f90": "end\n" }, says: [" !     No default language could be detected for this app.\n", "         main.f90\n", "package.json"] },
  { why: "whose Procfile is malformed", files: { Procfile: "web: ./serve\nworker ./work\n" }, says: [' !     Procfile, line 2: must read "<process type>: <command>".\n'] },
  { why: "whose Procfile names no process (P2, P3)", files: { Procfile: "# web: ./serve\n\n" }, says: [" !     Procfile: declares no process type, and the buildpack has no default. Add a line such as \"web: ./serve --port $PORT\".\n"] },
  { why: "whose app.json is too large (J3)", files: { ...smallApp(), "app.json": " ".repeat(300 * 1024) }, says: [" !     app.json: must not be larger than 262144 bytes.\n"] },
  { why: "whose app.json is no JSON", files: { ...smallApp(), "app.json": "{" }, says: [" !     app.json: is not valid JSON"] },
  { why: "whose app.json asks for what cannot be", files: { ...smallApp(), "app.json": json({ formation: { web: { quantity: -1 } } }) }, says: [" !     app.json: formation.web.quantity must be >= 0\n"] },
  {
    why: "whose build takes more memory than builds may", files: node(`node -e "Array.from({ length: 400 }, () => Buffer.alloc(2 ** 20, 1))"`),
    says: [" !     The build used more than 256 MB of memory and was killed (PAAS_BUILD_MEMORY_MB).\n"],
  },
];

let paas: Paas;
let app: DeployedApp;
let load: Load;
/** A minute is the shortest limit that can be set: this push waits for it while the others are tried. */
let endless: Promise<Result>;
beforeAll(async () => {
  paas = await startPaas({ PAAS_BUILD_MINUTES: "1", PAAS_BUILD_MEMORY_MB: "256", PAAS_STOP_SECONDS: "2", PAAS_SLUGS_KEPT: "100" });
  const slow = await workspace();
  await slow.commit(node("echo waiting for ever && sleep 3600"));
  endless = slow.push(paas.remote("endless"));
  app = await deploy(paas, "app", { text: "good" });
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
    expect(told.split(says[0] ?? ""), "the reason stands there once").toHaveLength(2);
    expect(load.failures()).toEqual([]);

    await accepted(app, `good again after one ${why}`);
    expect(load.failures()).toEqual([]);
  });

  it("is refused while another one of the same app runs, which goes on", async () => {
    await settled(paas, app);
    const commit = await commitOnly(app.repository, smallApp({ text: "the first of two", procfile: `release: echo under way; ${HELD}\n` }));
    const first = app.start();
    await first.says("under way");
    const before = await standing(paas, app);
    await commitOnly(app.repository, smallApp({ text: "the second of two" }));
    const second = await app.start().done;
    expect(refusalIn(second)).toMatch(/^ !     Push rejected, build [0-9a-f-]{36} of this app is running: started \d+ s ago by \S+\. Push again when it is done\.$/m);
    expect((await standing(paas, app)).images).toEqual(before.images);

    await letGo(paas, app.name);
    expect((await first.done).code).toBe(0);
    expect(await app.text()).toBe("the first of two");
    expect(app.ref()).toBe(commit);
    await accepted(app, "good again after two at once");
    expect(load.failures()).toEqual([]);
  });

  it("whose build takes longer than builds may is refused with the reason and leaves nothing behind", async () => {
    const told = refusalIn(await endless);
    expect(told).toContain("       waiting for ever\n");
    expect(told).toContain(" !     The build took longer than 1 minute and was stopped (PAAS_BUILD_MINUTES).\n");
    await settled(paas, app);
    await expect.poll(async () => (await paas.containers()).map(({ Labels }) => Labels["paas.app"]), { timeout: 30_000 }).toEqual([app.id]);
  }, 150_000);
});
