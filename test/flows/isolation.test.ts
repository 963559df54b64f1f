import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { deploy, type DeployedApp } from "../support/deployed-app.ts";
import { removeWorkspaces } from "../support/git-client.ts";
import { docker, startPaas, type Paas } from "../support/paas.ts";

const WEB_PORT = 5000;
// Each waits for several deploys.
vi.setConfig({ testTimeout: 150_000, hookTimeout: 150_000 });

let paas: Paas;
let app: DeployedApp;
let other: DeployedApp;

beforeAll(async () => {
  paas = await startPaas({ PAAS_BIND: "0.0.0.0" });
  app = await deploy(paas, "inside", { text: "inside" });
  other = await deploy(paas, "other", { text: "other" });
});
afterAll(async () => {
  const opened = String(paas.routerPort);
  await paas.remove();
  await removeWorkspaces();
  // The rule for the router's port is the host's to keep, not a test's.
  await once(spawn("iptables", ["-w", "5", "-D", "INPUT", "-i", "paas-+", "-p", "tcp", "--dport", opened, "-j", "ACCEPT"], { stdio: "ignore" }), "close");
});

/** Where the app's dyno is, and its host as the dyno sees it. Both are addresses of networks that this test made. */
async function placeOf({ id }: DeployedApp): Promise<{ container: string; address: string; gateway: string }> {
  const [dyno] = (await paas.containers("dyno")).filter(({ Labels }) => Labels["paas.app"] === id);
  const [network] = Object.values(dyno?.NetworkSettings.Networks ?? {});
  if (!dyno || !network?.IPAddress.startsWith("10.213.") || !network.Gateway.startsWith("10.213.")) throw new Error("the dyno has no address in the range of this test's networks");
  return { container: dyno.Id, address: network.IPAddress, gateway: network.Gateway };
}

/** Prints one line for each thing that code of an app may try. */
async function probe(): Promise<string> {
  const [own, foreign] = [await placeOf(app), await placeOf(other)];
  return `
# Packets that vanish are waited for to the end; what must be reached may take its time.
reach() { timeout \${4:-2} bash -c "exec 3<>/dev/tcp/$2/$3" 2>/dev/null && echo "$1 reached" || echo "$1 blocked"; }
echo "uid $(id -u)"
grep -E '^(CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):' /proc/self/status | tr -s '\\t' ' '
for socket in /var/run/docker.sock /run/docker.sock /run/containerd/containerd.sock; do [[ -e $socket ]] && echo "found $socket"; done
find / -xdev -type s 2>/dev/null | sed 's/^/socket /'
reach own-dyno ${own.address} ${WEB_PORT} 15
reach other-dyno ${foreign.address} ${WEB_PORT}
reach control-plane ${own.gateway} ${paas.apiPort}
reach control-plane-by-other-gateway ${foreign.gateway} ${paas.apiPort}
reach router ${own.gateway} ${paas.routerPort} 15
touch /opt/paas/bin/probe 2>/dev/null && echo "altered the platform's files"
echo probed
`;
}

const EXPECTED = [
  "uid 10000", "CapInh: 0000000000000000", "CapPrm: 0000000000000000", "CapEff: 0000000000000000", "CapBnd: 0000000000000000", "CapAmb: 0000000000000000", "NoNewPrivs: 1", "Seccomp: 2",
  "own-dyno reached", "other-dyno blocked", "control-plane blocked", "control-plane-by-other-gateway blocked", "router reached", "probed",
];

it("code in a dyno reaches the router and its own app: no other app, no control plane, no engine, and has no rights on the machine", async () => {
  const { container } = await placeOf(app);
  const exec = await docker.getContainer(container).exec({ Cmd: ["bash", "-c", await probe()], AttachStdout: true, AttachStderr: true, Tty: true });
  const stream = await exec.start({ Tty: true });
  let printed = "";
  stream.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  await once(stream, "end");
  expect(printed.split(/\r?\n/).filter(Boolean)).toEqual(EXPECTED);
});

it("code in a build reaches no more than that", async () => {
  const manifest = { name: "probe", private: true, scripts: { build: "bash probe.sh 2>&1 | sed 's/^/probe: /'" } };
  await app.repository.commit({ "package.json": JSON.stringify(manifest), "probe.sh": await probe() });
  const { code, output } = await app.start().done;
  expect(code, output).toBe(0);
  const printed = output.split("\n").flatMap((line) => /probe: (.*?)\s*$/.exec(line)?.[1] ?? []);
  expect(printed.filter((line) => EXPECTED.includes(line) || /blocked|reached|found|socket|altered/.test(line)), output).toEqual(EXPECTED);
});

it("a dyno's container has limits, no host mount, no published port and no privileged door", async () => {
  const { container } = await placeOf(app);
  const { HostConfig, Mounts, NetworkSettings, Config } = await docker.getContainer(container).inspect();
  expect(Mounts).toEqual([]);
  expect(Object.keys(NetworkSettings.Ports ?? {})).toEqual([]);
  expect(Config.User).toBe("10000:10000");
  expect(HostConfig).toMatchObject({ Privileged: false, CapDrop: ["ALL"], SecurityOpt: ["no-new-privileges"], PidMode: "", PublishAllPorts: false });
  expect(HostConfig.CapAdd ?? []).toEqual([]);
  expect(HostConfig.Memory).toBeGreaterThan(0);
  expect(HostConfig.MemorySwap).toBe(HostConfig.Memory);
  expect(HostConfig.PidsLimit).toBeGreaterThan(0);
  expect(HostConfig.LogConfig?.Config).toMatchObject({ "max-size": expect.any(String), "max-file": expect.any(String) });
});
