import { chmodSync, mkdirSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { judgeRunc } from "../../bin/cli/doctor/runc.ts";
import { freePort } from "../support/free-port.ts";
import { paasCli, type PaasCli } from "../support/paas-cli.ts";

type Finding = { check: string; status: string; found: string; advice?: string };

let cli: PaasCli;
beforeAll(() => (cli = paasCli()));
afterAll(() => cli.remove());

/** Ports that nobody has, and a data folder of its own. */
async function examine(env: Record<string, string> = {}): Promise<{ code: number | null; of(check: string): Finding | undefined; all: Finding[] }> {
  const [api, tls, http] = [await freePort(), await freePort(), await freePort()].map(String) as [string, string, string];
  const settings = { PAAS_DATA_DIR: join(cli.home, "data"), PAAS_API_PORT: api, PAAS_API_TLS_PORT: tls, PAAS_HTTP_PORT: http, PAAS_MIN_FREE_DISK_MB: "1", ...(process.env["DOCKER_HOST"] === undefined ? {} : { DOCKER_HOST: process.env["DOCKER_HOST"] }) };
  const { code, stdout } = await cli.run(["doctor", "--json"], { env: { ...settings, ...env } });
  const all = JSON.parse(stdout) as Finding[];
  return { code, all, of: (check) => all.find((finding) => finding.check === check) };
}

test("a machine that the platform runs on passes: every check has a line, and none fails", async () => {
  const { code, all } = await examine();
  expect([code, all.filter(({ status }) => status === "fail")]).toEqual([0, []]);
  expect(new Set(all.map(({ check }) => check.replace(/\d+/, "N")))).toEqual(new Set(["engine", "storage", "cgroups", "runc", "live restore", "firewall", "DNS", "port N", "memory", "disk", "clock", "data folder"]));
});

test("whatever is not well says what to do", async () => {
  const { all } = await examine({ DOCKER_HOST: "unix:///nonexistent.sock", PAAS_DOMAIN: "paas.invalid", PAAS_MIN_FREE_DISK_MB: "1048576" });
  for (const { status, advice } of all) expect(advice === undefined).toBe(status === "ok");
});

test.each([
  ["an engine that does not answer", { DOCKER_HOST: "unix:///nonexistent.sock" }, "engine", /no Docker Engine answers at \/nonexistent\.sock/],
  ["a domain that leads nowhere", { PAAS_DOMAIN: "paas.invalid" }, "DNS", /doctor-\w+\.paas\.invalid has no address/],
  ["a disk too small for a push", { PAAS_MIN_FREE_DISK_MB: "1048576" }, "disk", /GB free/],
])("%s fails, and so does the doctor", async (_, env, check, found) => {
  const { code, of } = await examine(env);
  expect([code, of(check)]).toEqual([1, expect.objectContaining({ status: "fail", found: expect.stringMatching(found) as string })]);
});

test("a port that another program has fails, and the setting is named", async () => {
  const other = createServer((_, response) => response.end("hello")).listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  const asApi = await examine({ PAAS_API_PORT: String(port) });
  const asRouter = await examine({ PAAS_HTTP_PORT: String(port) });
  other.close();
  expect(asApi.of(`port ${port}`)).toMatchObject({ status: "fail", found: "taken by another program (PAAS_API_PORT)" });
  expect(asRouter.of(`port ${port}`)).toMatchObject({ status: "fail", found: "taken by another program (PAAS_HTTP_PORT)" });
});

test("a data folder that others can read fails", async () => {
  const folder = join(cli.home, "open");
  mkdirSync(folder);
  chmodSync(folder, 0o750);
  expect((await examine({ PAAS_DATA_DIR: folder })).of("data folder")).toMatchObject({ status: "fail", advice: `chmod 700 ${folder}` });
});

test("a clock that differs from the API's is found out", async () => {
  const late = createServer((_, response) => response.setHeader("date", new Date(Date.now() - 300_000).toUTCString()).end("{}")).listen(0, "127.0.0.1");
  await once(late, "listening");
  const { port } = late.address() as AddressInfo;
  const { of } = await examine({ PAAS_API_PORT: String(port) });
  late.close();
  expect(of("clock")).toMatchObject({ status: "fail", found: expect.stringMatching(/^(299|3[0-5]\d) s from/) as string });
});

test("settings that are wrong are told as at the start", async () => {
  expect(await cli.run(["doctor"], { env: { PAAS_API_PORT: "many" } })).toMatchObject({ code: 1, stderr: expect.stringContaining("PAAS_API_PORT: must be") as string });
});

describe("runc", () => {
  it.each([
    ["1.1.11", "fail", /CVE-2024-21626.*CVE-2024-45310.*CVE-2025-31133/], ["1.1.12", "fail", /: CVE-2024-45310/], ["1.1.15", "fail", /: CVE-2025-31133/], ["1.0.3", "fail", /CVE-2024-21626/],
    ["1.2.0-rc.2", "fail", /CVE-2024-45310/], ["1.2.0", "fail", /: CVE-2025/], ["1.2.7", "fail", /CVE-2025/], ["1.3.2", "fail", /CVE-2025/], ["1.4.0-rc.2", "fail", /: CVE-2025/],
    ["1.2.8", "ok", /1\.2\.8/], ["1.3.3", "ok", /1\.3\.3/], ["1.4.0-rc.3", "ok", /1\.4/], ["1.4.0", "ok", /1\.4/], ["1.5.1", "ok", /1\.5/], ["2.0.0", "ok", /2\.0/], ["unknown", "warn", /not understood/],
  ])("%s is judged %s", (version, status, found) => {
    expect(judgeRunc(version, "v1.x-0-gabcdef")).toMatchObject({ status, found: expect.stringMatching(found) as string });
  });

  it("of a distribution, which repairs old versions, is to be looked at", () => {
    expect(judgeRunc("1.1.5+ds1", "1.1.5+ds1-1+deb12u1")).toMatchObject({ status: "warn", advice: expect.stringContaining("apt changelog runc") as string });
  });
});
