import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { overlappingRoute } from "../../server/engine/unreachable-route.ts";

const run = promisify(execFile);
const RANGE = "10.213.0.0/16";
const MODULE = join(import.meta.dirname, "../../server/engine/unreachable-route.ts");

test.each([
  ["inside the range", { dst: "10.213.4.0/24", dev: "eth1" }],
  ["around the range", { dst: "10.0.0.0/8", gateway: "192.0.2.1", dev: "tun0" }],
  ["one address of it", { dst: "10.213.0.9", dev: "wg0" }],
])("a route of the host %s overlaps", (_, route) => {
  expect(overlappingRoute([{ dst: "default", dev: "eth0" }, route], RANGE)).toBe(route);
});

test.each([
  ["the default route", { dst: "default", gateway: "192.0.2.1", dev: "eth0" }],
  ["a neighbour below", { dst: "10.212.0.0/16", dev: "eth1" }],
  ["a neighbour above", { dst: "10.214.0.0/16", dev: "eth1" }],
  ["a network of containers inside it", { dst: "10.213.7.0/28", dev: "br-0a1b2c3d4e5f" }],
  ["the unreachable route itself", { dst: RANGE, type: "unreachable" }],
])("%s does not overlap", (_, route) => {
  expect(overlappingRoute([route], RANGE)).toBeUndefined();
});

test("adds the route once, and asking again changes nothing", async () => {
  const routes = await inNewNetwork([["link", "set", "lo", "up"]], `await ensureUnreachableRoute("${RANGE}"); await ensureUnreachableRoute("${RANGE}");`);
  expect(routes).toBe("unreachable 10.213.0.0/16 metric 4278198272");
});

test("a packet for a network that is gone does not leave the machine", async () => {
  const toElsewhere = [["link", "add", "out", "type", "bridge"], ["addr", "add", "192.0.2.7/24", "dev", "out"], ["link", "set", "out", "up"], ["route", "add", "default", "via", "192.0.2.1"]];
  const lookUp = `try { console.log(execFileSync("ip", ["route", "get", "10.213.9.9"], { encoding: "utf8", stdio: "pipe" })); } catch (error) { console.log(String(error.stderr).trim()); }`;
  expect(await inNewNetwork(toElsewhere, lookUp)).toContain("via 192.0.2.1");
  expect(await inNewNetwork(toElsewhere, `await ensureUnreachableRoute("${RANGE}"); ${lookUp}`)).toContain("RTNETLINK answers: No route to host");
});

test("refuses a range that the host uses already, naming the route and the setting", async () => {
  const taken = [["link", "add", "lan", "type", "bridge"], ["addr", "add", "10.213.3.1/24", "dev", "lan"], ["link", "set", "lan", "up"]];
  const outcome = await inNewNetwork(taken, `await ensureUnreachableRoute("${RANGE}").catch((error) => console.log(error.message));`);
  expect(outcome).toContain("overlaps the host's route 10.213.3.0/24 on lan: set PAAS_NETWORK_RANGE");
  expect(outcome).not.toContain("unreachable");
});

/** Runs the code where the only network is an empty one of its own; returns what it printed and the routes in the end. */
async function inNewNetwork(commands: string[][], code: string): Promise<string> {
  const script = `
    import { execFileSync } from "node:child_process";
    for (const args of ${JSON.stringify(commands)}) execFileSync("ip", args);
    const { ensureUnreachableRoute } = await import("${MODULE}");
    ${code}
    console.log(execFileSync("ip", ["route"], { encoding: "utf8" }).trim());`;
  const { stdout } = await run("unshare", ["--net", process.execPath, "--input-type=module", "-e", script], { timeout: 20_000 });
  return stdout.trim();
}
