import { createServer, get } from "node:http";
import { once } from "node:events";
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { docker, install, type Installation } from "./workshop.ts";

const NODE = "/opt/paas/node/bin/node";
const SERVER = `exec ${NODE} -e 'require("http").createServer((q, r) => r.end("served")).listen(5000, () => console.log("listening"))'`;

let ours: Installation;
let theirs: Installation;

beforeAll(async () => {
  [ours, theirs] = await Promise.all([install(), install()]);
});
afterAll(async () => {
  await Promise.all([ours?.clear(), theirs?.clear()]);
});

test("a8: as seen from inside, a program has no capability, cannot get one, and has its limits", async () => {
  const said = await ours.output(`
    grep -E '^(CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp|Uid|Gid|Groups):' /proc/self/status
    echo "memory: $(cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null)"
    echo "memory and swap: $(cat /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes 2>/dev/null || echo 134217728)"
    echo "pids: $(cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null)"
    echo "devices: $(find /dev -type b | wc -l)"
    echo "sockets: $(find / -xdev -type s 2>/dev/null | wc -l)"
    touch /opt/paas/x /usr/x /x 2>/dev/null && echo "wrote into the system"
    touch /app/x && echo "home is writable"
    kill -0 1 2>/dev/null && echo "may signal init"
    echo x > /proc/sys/kernel/core_pattern || echo "sysctl refused"
    mount -t tmpfs none /mnt 2>/dev/null || echo "mount refused"
    echo "first process: $(cat /proc/1/comm)"`);
  const fields = Object.fromEntries(said.split("\n").map((line) => line.split(/:\s*/, 2)));
  expect(fields).toMatchObject({
    CapInh: "0000000000000000", CapPrm: "0000000000000000", CapEff: "0000000000000000", CapBnd: "0000000000000000", CapAmb: "0000000000000000",
    NoNewPrivs: "1", Seccomp: "2", Uid: "10000\t10000\t10000\t10000", Gid: "10000\t10000\t10000\t10000",
    memory: String(128 * 1024 * 1024), "memory and swap": String(128 * 1024 * 1024), pids: "512", devices: "0", sockets: "0",
  });
  expect(said).toContain("home is writable");
  expect(said).toContain("sysctl refused");
  expect(said).toContain("mount refused");
  expect(said).not.toContain("wrote into the system");
});

test("as the engine sees it, a dyno has no port published, no mount, bounded logs, and dies before the host does", async () => {
  const dyno = await ours.engine.startDyno(ours.spec("exec sleep 100"));
  const { HostConfig, Mounts, NetworkSettings, Config } = await docker.getContainer(dyno.id).inspect();
  expect(Mounts).toEqual([]);
  expect(Object.values(NetworkSettings.Ports).filter(Boolean)).toEqual([]);
  expect(HostConfig).toMatchObject({ Privileged: false, CapDrop: ["ALL"], OomScoreAdj: 500, LogConfig: { Type: "local", Config: { "max-size": "10m", "max-file": "2" } } });
  expect(HostConfig.CapAdd ?? []).toEqual([]);
  expect(HostConfig.Binds ?? []).toEqual([]);
  expect(Config.User).toBe("10000:10000");
  await ours.engine.discardDyno(dyno.id, 0);
});

test("a dyno is started, answers the host at its address, and is listed as it was asked for", async () => {
  const spec = ours.spec(SERVER, { appId: randomUUID(), number: 2, releaseVersion: 7 });
  const dyno = await ours.engine.startDyno(spec);
  expect(dyno).toMatchObject({ appId: spec.appId, name: "web.2", type: "web", number: 2, releaseVersion: 7, fingerprint: "f1", command: SERVER, running: true, address: expect.stringMatching(/^10\.213\./) as string });
  await ours.printed(dyno, "listening");
  const [response] = (await once(get({ host: dyno.address, port: 5000, agent: false }), "response")) as [NodeJS.ReadableStream & { statusCode: number }];
  expect(response.statusCode).toBe(200);
  response.resume();

  const [listed] = await ours.engine.dynos(spec.appId);
  expect(listed).toEqual({ ...dyno, createdAt: expect.any(String) as string });
  expect(Math.abs(Date.parse(listed?.createdAt ?? "") - Date.parse(dyno.createdAt))).toBeLessThan(1001);
  expect(await theirs.engine.dynos(spec.appId)).toEqual([]);
  await ours.engine.removeApp(spec.appId);
});

test("a10: apps do not reach each other, nor the host's own ports; dynos of one app reach each other", async () => {
  const spec = ours.spec(SERVER, { appId: randomUUID() });
  const dyno = await ours.engine.startDyno(spec);
  await ours.printed(dyno, "listening");
  const host = createServer((_request, response) => response.end()).listen(0, "0.0.0.0");
  await once(host, "listening");
  const { port } = host.address() as { port: number };
  const gateway = (dyno.address ?? "").replace(/\d+$/, (last) => String(Math.floor(Number(last) / 64) * 64 + 1));

  // Where it must be open there is patience; where packets vanish all of it would be waited for.
  const knock = (seconds: number): string => `for to in ${dyno.address}/5000,${seconds} ${gateway}/${port},2; do timeout \${to#*,} bash -c "exec 3<>/dev/tcp/\${to%,*}" 2>/dev/null && echo "\${to%,*} open" || echo "\${to%,*} closed"; done`;
  const [same, other, stranger] = await Promise.all([ours.output(knock(15), { appId: spec.appId }), ours.output(knock(2)), theirs.output(knock(2))]);
  expect(same).toBe(`${dyno.address}/5000 open\n${gateway}/${port} closed\n`);
  for (const outside of [other, stranger]) expect(outside).toBe(`${dyno.address}/5000 closed\n${gateway}/${port} closed\n`);
  host.close();
  await ours.engine.removeApp(spec.appId);
});

test("several dynos of a new app started at once share one network", async () => {
  const appId = randomUUID();
  const dynos = await Promise.all([10, 2, 1].map((number) => ours.engine.startDyno(ours.spec("exec sleep 100", { appId, number }))));
  const networks = await docker.listNetworks({ filters: { label: [`paas.app=${appId}`] } });
  expect(networks).toHaveLength(1);
  expect(new Set(dynos.map(({ address }) => address)).size).toBe(3);
  expect((await ours.engine.dynos(appId)).map(({ name }) => name)).toEqual(["web.1", "web.2", "web.10"]);
  await ours.engine.removeApp(appId);
  expect(await docker.listNetworks({ filters: { label: [`paas.app=${appId}`] } })).toEqual([]);
  await ours.engine.removeApp(appId);
});

test("a dyno that minds SIGTERM ends at once; one that ignores it is killed after the grace time; both are gone", async () => {
  const [good, bad] = await Promise.all([
    ours.engine.startDyno(ours.spec("trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.1; done", { number: 1 })),
    ours.engine.startDyno(ours.spec("trap '' TERM; echo ready; while :; do sleep 0.1; done", { number: 2 })),
  ]);
  await Promise.all([ours.printed(good, "ready"), ours.printed(bad, "ready")]);
  const since = performance.now();
  const timed = async (id: string, graceMs: number): Promise<[boolean, number]> => [(await ours.engine.discardDyno(id, graceMs)).killed, performance.now() - since];
  // How soon the one that minds it comes to its end depends on the machine.
  const [[goodKilled], [badKilled, badMs]] = await Promise.all([timed(good.id, 30_000), timed(bad.id, 1000)]);
  expect([goodKilled, badKilled]).toEqual([false, true]);
  expect(badMs).toBeGreaterThan(1000);
  const left = (await ours.engine.dynos(good.appId)).map(({ id }) => id);
  expect([good.id, bad.id].filter((id) => left.includes(id))).toEqual([]);
});

test("discarding is idempotent: one that is gone, one that ended by itself, one that never was", async () => {
  const dyno = await ours.engine.startDyno(ours.spec("exit 3"));
  expect(await ours.engine.waitForExit(dyno.id)).toEqual({ code: 3, outOfMemory: false });
  expect((await ours.engine.dynos(dyno.appId)).find(({ id }) => id === dyno.id)).toMatchObject({ running: false, address: undefined });
  for (const id of [dyno.id, dyno.id, "0".repeat(64)]) expect(await ours.engine.discardDyno(id, 1000)).toEqual({ killed: false });
  const twice = await ours.engine.startDyno(ours.spec("exec sleep 100"));
  await Promise.all([ours.engine.discardDyno(twice.id, 0), ours.engine.discardDyno(twice.id, 0)]);
  expect((await ours.engine.dynos(twice.appId)).map(({ id }) => id)).not.toContain(twice.id);
});

test("a dyno whose image is not there fails, and nothing of it is left", async () => {
  const before = await ours.engine.dynos();
  const spec = ours.spec("x", { image: `sha256:${"0".repeat(64)}` });
  await expect(ours.engine.startDyno(spec)).rejects.toMatchObject({ statusCode: 404 });
  expect(await ours.engine.dynos()).toEqual(before);
  expect(await ours.engine.imageExists(spec.image)).toBe(false);
  expect(await ours.engine.imageExists(ours.image)).toBe(true);
  await ours.engine.removeImage(spec.image);
});

test("the last lines are those of both channels, also after the end, and no more than asked for", async () => {
  const dyno = await ours.engine.startDyno(ours.spec("for i in 1 2 3; do echo out $i; echo err $i >&2; done; head -c 5000 /dev/zero | tr '\\0' x; echo; echo é"));
  await ours.engine.waitForExit(dyno.id);
  // Each channel is in order by itself: which of two lines comes first is not known between them.
  const lines = await ours.engine.lastLines(dyno.id, 100);
  expect([...lines].sort()).toEqual(["err 1", "err 2", "err 3", "out 1", "out 2", "out 3", "x".repeat(2000), "é"]);
  const [lastLine, ...others] = await ours.engine.lastLines(dyno.id, 1);
  expect(["é", "err 3"]).toContain(lastLine);
  expect(others).toEqual([]);
  await ours.engine.discardDyno(dyno.id, 0);
  expect(await ours.engine.lastLines(dyno.id, 1)).toEqual([]);
});

test("a command runs inside a dyno as its user, with its code and output, and no longer than it may", async () => {
  const dyno = await ours.engine.startDyno(ours.spec("exec sleep 100"));
  expect(await ours.engine.execute(dyno.id, ["bash", "-c", "id -u; echo problem >&2; exit 7"], 30_000)).toEqual({ code: 7, output: expect.stringMatching(/^(10000\nproblem|problem\n10000)\n$/) as string });
  expect((await ours.engine.execute(dyno.id, ["/no/such/program"], 30_000)).code).toBeGreaterThan(125);
  expect(await ours.engine.execute(dyno.id, ["sleep", "30"], 300)).toEqual({ code: 124, output: "timed out" });
  expect((await ours.engine.execute(dyno.id, ["head", "-c", "1000000", "/dev/zero"], 30_000)).output).toHaveLength(64 * 1024);
  await ours.engine.discardDyno(dyno.id, 0);
});

test("a one-off dyno's output is live, its code is told, and it is gone in the end", async () => {
  const spec = ours.spec("echo first; until [[ -e /tmp/go ]]; do sleep 0.1; done; echo second é >&2; exit 4", { appId: randomUUID(), type: "run" });
  let all = "";
  const first = Promise.withResolvers<void>();
  const write = (text: string): void => {
    all += text;
    if (all === "first\n") first.resolve();
  };
  const running = ours.engine.runOnce(spec, { write }, 60_000);
  // It goes on only when its first line has come.
  await Promise.race([first.promise, running]);
  // The engine hands on what a container prints before it shows it as running.
  const shown = (): ReturnType<typeof docker.listContainers> => docker.listContainers({ filters: { label: [`paas.app=${spec.appId}`, "paas.kind=one-off"] } });
  await expect.poll(shown).toHaveLength(1);
  const [dyno] = await shown();
  expect((await ours.engine.execute(dyno?.Id ?? "", ["touch", "/tmp/go"], 30_000)).code).toBe(0);
  expect(await running).toEqual({ code: 4, outOfMemory: false, timedOut: false });
  expect(all).toBe("first\nsecond é\n");
  expect(await docker.listContainers({ all: true, filters: { label: [`paas.app=${spec.appId}`, "paas.kind=one-off"] } })).toEqual([]);
});

test("a one-off dyno ends at its time limit, at the signal, and at its memory's limit", async () => {
  const nobody = { write: () => undefined };
  const stop = new AbortController();
  const [late, stopped, greedy] = await Promise.all([
    ours.engine.runOnce(ours.spec("exec sleep 100", { type: "run" }), nobody, 500),
    ours.engine.runOnce(ours.spec("echo up; exec sleep 100", { type: "run" }), { write: () => stop.abort() }, 30_000, stop.signal),
    ours.engine.runOnce(ours.spec(`exec ${NODE} -e 'const all = []; for (;;) all.push(Buffer.alloc(8e6, 1))'`, { type: "run", memoryMb: 48 }), nobody, 30_000),
  ]);
  expect(late).toMatchObject({ code: 137, timedOut: true });
  expect(stopped).toMatchObject({ code: 137, timedOut: false });
  expect(greedy).toMatchObject({ code: 137, outOfMemory: true, timedOut: false });
});

test("who watches hears of each dyno of its own that stops, and of no other", async () => {
  const heard: ({ appId: string; dynoId: string } | undefined)[] = [];
  const { promise: ready, resolve: isReady } = Promise.withResolvers<void>();
  const { promise: died, resolve: hasDied } = Promise.withResolvers<void>();
  const [dyno, stranger] = await Promise.all([ours.engine.startDyno(ours.spec("exec sleep 100")), theirs.engine.startDyno(theirs.spec("exec sleep 100"))]);
  const stop = ours.engine.watch((stopped) => {
    heard.push(stopped);
    if (stopped === undefined) isReady();
    else hasDied();
  });
  await ready;
  await theirs.engine.discardDyno(stranger.id, 0);
  await ours.output("exit 1");
  await docker.getContainer(dyno.id).kill();
  await died;
  stop();
  expect(heard.filter(Boolean)).toEqual([{ appId: dyno.appId, dynoId: dyno.id }]);
});
