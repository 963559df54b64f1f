import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { deploy, type DeployedApp } from "../support/deployed-app.ts";
import { removeWorkspaces } from "../support/git-client.ts";
import { createInvariants } from "../support/invariants.ts";
import { overload } from "../support/overload.ts";
import { ADMIN_TOKEN, startPaas, type Paas } from "../support/paas.ts";

const ROOT = join(import.meta.dirname, "../..");
const OTHER_TOKEN = "another-token-of-the-administrator";
// Each waits for several deploys.
vi.setConfig({ testTimeout: 150_000, hookTimeout: 150_000 });

let one: Paas;
let two: Paas;
let first: DeployedApp;
let second: DeployedApp;

beforeAll(async () => {
  [one, two] = await Promise.all([startPaas(), startPaas()]);
  first = await deploy(one, "same", { text: "of the first" });
  second = await deploy(two, "same", { text: "of the second" });
});
afterAll(async () => {
  await Promise.all([one.remove(), two.remove()]);
  await removeWorkspaces();
});

/** Starts a control plane that is expected to refuse. */
async function refusedStart(env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const settings = { PATH: process.env["PATH"] ?? "", PAAS_API_PORT: "0", PAAS_HTTP_PORT: "0", PAAS_STACK_IMAGE: process.env["PAAS_STACK_IMAGE"] ?? "", ...env };
  const child = spawn(process.execPath, [join(ROOT, "server/main.ts"), "--no-example"], { cwd: ROOT, env: settings, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}

const status = async (paas: Paas, token: string): Promise<number> => (await fetch(`http://127.0.0.1:${paas.apiPort}/account`, { headers: { authorization: `Bearer ${token}` } })).status;
/** Of dynos: a build's container may still be on its way out. */
const ids = async (paas: Paas): Promise<string[]> => (await paas.containers("dyno")).map(({ Id }) => Id).sort();

/** Paths of all files and folders in a data folder, itself first. */
const inside = (folder: string): string[] => [folder, ...readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name))];

describe("two platforms on one engine", () => {
  it("serve apps of the same name, and neither touches the other's dynos when it restarts, recovers or destroys", async () => {
    const before = await ids(two);
    expect([await first.text(), await second.text()]).toEqual(["of the first", "of the second"]);
    await one.kill();
    await one.start();
    await createInvariants(one).hold();
    expect(await ids(two)).toEqual(before);
    await one.api("DELETE", "/apps/same");
    await createInvariants(one).hold();
    expect(await ids(one)).toEqual([]);
    expect(await ids(two)).toEqual(before);
    expect(await second.text()).toBe("of the second");
    await createInvariants(two).hold();
  });

  it("cannot share a data folder: the second start is refused, says why, and leaves the first alone", async () => {
    const { code, output } = await refusedStart({ PAAS_DATA_DIR: two.dataDir });
    expect(code).toBe(1);
    expect(output).toContain(`PAAS_DATA_DIR: ${two.dataDir} is in use by the control plane with process id ${two.process().pid}`);
    expect(output).not.toContain("at ");
    expect((await two.api("GET", "/apps")).status).toBe(200);
    expect(await second.text()).toBe("of the second");
  });
});

describe("a start", () => {
  it("with wrong settings names every problem at once and changes nothing", async () => {
    const { code, output } = await refusedStart({
      PAAS_DATA_DIR: join(two.dataDir, "never-made"), PAAS_API_PORT: "http", PAAS_HTTP_PORT: "70000", PAAS_BIND: "localhost", PAAS_DOMAIN: "UPPER.example", PAAS_ADMIN_TOKEN: "short",
      PAAS_LOG_LEVEL: "loud", PAAS_NETWORK_RANGE: "8.8.8.0/24", PAAS_SLUGS_KEPT: "0", PAAS_BOOT_SECONDS: "-1",
    });
    expect(code).toBe(1);
    const names = ["API_PORT", "HTTP_PORT", "BIND", "DOMAIN", "ADMIN_TOKEN", "LOG_LEVEL", "NETWORK_RANGE", "SLUGS_KEPT", "BOOT_SECONDS"];
    for (const name of names) expect(output).toMatch(new RegExp(`^  PAAS_${name}: must be `, "m"));
    expect(output).not.toContain('"short"');
    expect(readdirSync(two.dataDir)).not.toContain("never-made");
  });

  it("on what is there already is ready within 2 s", async () => {
    const took: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      await two.stop();
      took.push(await two.start());
    }
    if (process.env["PAAS_FIGURES"]) console.log(`control plane ready after ${took.map(Math.round).join(", ")} ms`);
    // Other work on the machine may slow one of them down.
    expect(Math.min(...took)).toBeLessThan(2000 * overload());
    expect(await second.text()).toBe("of the second");
  });

  it("with another PAAS_ADMIN_TOKEN lets that one in and the one before no more", async () => {
    expect([await status(two, ADMIN_TOKEN), await status(two, OTHER_TOKEN)]).toEqual([200, 401]);
    await two.stop();
    await two.start({ PAAS_ADMIN_TOKEN: OTHER_TOKEN });
    expect([await status(two, ADMIN_TOKEN), await status(two, OTHER_TOKEN)]).toEqual([401, 200]);
    await two.stop();
    await two.start();
    expect([await status(two, ADMIN_TOKEN), await status(two, OTHER_TOKEN)]).toEqual([200, 401]);
  });
});

describe("the data folder", () => {
  it("holds no token, neither plain nor encoded, in any byte of it", async () => {
    await second.push({ text: "pushed with the token in the URL" });
    const needles = [ADMIN_TOKEN, OTHER_TOKEN].flatMap((token) => [token, Buffer.from(`paas:${token}`).toString("base64"), Buffer.from(token).toString("hex")]);
    const files = inside(two.dataDir).filter((path) => statSync(path).isFile());
    expect(files.length).toBeGreaterThan(10);
    const found = files.filter((path) => {
      const bytes = readFileSync(path);
      return needles.some((needle) => bytes.includes(needle));
    });
    expect(found).toEqual([]);
  });

  it("is closed to other users: folders 0700, files and sockets 0600", () => {
    const modes = Object.fromEntries(inside(two.dataDir).map((path) => [path.slice(two.dataDir.length), (statSync(path).mode & 0o777).toString(8)]));
    for (const folder of ["", "/run", "/logs", "/builds", "/repositories"]) expect(modes[folder], folder).toBe("700");
    const files = ["/paas.db", "/paas.db-wal", "/paas.db-shm", "/instance-id", "/router-snapshot.json", "/run/control-plane.pid", "/run/router.sock", "/hook.sock", "/logs/router.log"];
    for (const file of files) expect(modes[file], file).toBe("600");
    for (const [path, mode] of Object.entries(modes)) if (path.startsWith("/builds/")) expect(mode, path).toBe("600");
  });
});
