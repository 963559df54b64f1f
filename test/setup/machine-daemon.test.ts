import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { scratchFolder } from "./scratch-folder.ts";

const run = promisify(execFile);
const SETUP = join(import.meta.dirname, "../../bin/setup");

test("starts the machine's own daemon where none runs, and again after everything was killed and its pid is another program's", async () => {
  const { stdout } = await onAnotherMachine(`
    start
    kill -9 $(cat /run/docker.pid) $(cat /run/docker/containerd/containerd.pid)
    while kill -0 $(cat /run/docker.pid) 2>/dev/null; do sleep 0.05; done
    test -S /run/docker.sock
    sleep 100 & echo $! > /run/docker.pid
    start
    cat /etc/docker/daemon.json`);
  const lines = stdout.trim().split("\n").filter((line) => line !== "");
  const started = ["paas: starting Docker Engine (a few seconds)…", expect.stringMatching(/^paas: starting Docker Engine: done in \d+ s$/), "answers"];
  expect(lines).toEqual([...started, ...started, "{", '  "live-restore": true', "}"]);
});

test("says which daemon runs without answering, and starts no second one", async () => {
  const { stdout } = await onAnotherMachine(`
    cp "$(command -v sleep)" /run/dockerd
    /run/dockerd 100 & echo "stuck is $!"
    start || true`);
  const pid = /stuck is (\d+)/.exec(stdout)?.[1];
  expect(stdout).toContain(`A Docker daemon runs (process ${pid}) but does not answer at /var/run/docker.sock: look at its log and restart it`);
});

/** Processes, network, /run, Docker's data and settings are another's: the real dockerd runs beside the machine's. What it starts ends with it. */
async function onAnotherMachine(script: string): Promise<{ stdout: string }> {
  const folder = scratchFolder();
  const folders = { run: "/run", data: "/var/lib/docker", log: "/var/log", settings: "/etc/docker" };
  for (const name of Object.keys(folders)) mkdirSync(join(folder, name));
  const code = `const { ensureEngine, probeEngine } = await import("${SETUP}/engine.ts");
    const { thisHost } = await import("${SETUP}/host.ts");
    try {
      await ensureEngine(thisHost(process.env), console.log);
      console.log(await probeEngine({ kind: "unix", socketPath: "/var/run/docker.sock" }));
    } catch (error) { console.log(error.message); process.exit(1); }`;
  const bash = `set -e
    mount --make-rprivate /
    ${Object.entries(folders).map(([name, target]) => `mkdir -p ${target} && mount --bind ${folder}/${name} ${target}`).join("\n")}
    ip link set lo up
    start() { ${process.execPath} --input-type=module -e '${code}'; }
    ${script}`;
  const { DOCKER_HOST: _, ...env } = process.env;
  // A containerd that dockerd takes for dead leaves its stacks there.
  return await run("unshare", ["--net", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "bash", "-c", bash], { env: { ...env, TMPDIR: folder }, timeout: 80_000 });
}
