import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { engineEndpoint, ensureEngine, probeEngine } from "../../bin/setup/engine.ts";
import { thisHost, type Host } from "../../bin/setup/host.ts";
import { scratchFolder, write } from "./scratch-folder.ts";

test("an engine that answers is taken as it is, without a word", async () => {
  const lines: string[] = [];
  await ensureEngine({ ...thisHost(process.env), uid: 1000, distribution: "" }, (line) => lines.push(line));
  expect(lines).toEqual([]);
});

test("DOCKER_HOST tells where the engine is", () => {
  expect(engineEndpoint({})).toEqual({ kind: "unix", socketPath: "/var/run/docker.sock" });
  expect(engineEndpoint({ DOCKER_HOST: "unix:///tmp/d.sock" })).toEqual({ kind: "unix", socketPath: "/tmp/d.sock" });
  expect(engineEndpoint({ DOCKER_HOST: "tcp://10.0.0.1:2375" })).toEqual({ kind: "remote", url: "tcp://10.0.0.1:2375" });
});

test("tells an engine that hangs from one that is absent", async () => {
  const socketPath = join(scratchFolder(), "hang.sock");
  expect(await probeEngine({ kind: "unix", socketPath })).toBe("absent");
  const hanging = createServer(() => {}).listen(socketPath);
  onTestFinished(() => void hanging.close());
  await once(hanging, "listening");
  expect(await probeEngine({ kind: "unix", socketPath }, 100)).toBe("silent");
});

test("where no engine is installed and we are not root, says the command to run", async () => {
  const { host } = machine();
  await expect(ensureEngine({ ...host, uid: 1000 }, () => {})).rejects.toThrow(
    /has no dockerd, .*only root may install: run `sudo sh -c "apt-get update && apt-get install -y --no-install-recommends docker.io .*"`, then run this again/,
  );
});

test("where an engine is installed but stopped and we are not root, says the command to run", async () => {
  const { host, folder } = machine();
  write(join(folder, "path/dockerd"), "#!/bin/sh\n", 0o755);
  await expect(ensureEngine({ ...host, uid: 1000 }, () => {})).rejects.toThrow("only root may start one: run `sudo service docker start`");
});

test("on a distribution whose packages we do not know, asks for Docker Engine in one sentence", async () => {
  const { host } = machine();
  await expect(ensureEngine({ ...host, distribution: "fedora" }, () => {})).rejects.toThrow(/install Docker Engine \(and start it\).* with your system's package manager/);
});

test("a remote engine that does not answer is not replaced by a local one", async () => {
  const { host } = machine();
  process.env["DOCKER_HOST"] = "tcp://127.0.0.1:1";
  onTestFinished(() => void delete process.env["DOCKER_HOST"]);
  await expect(ensureEngine({ ...host, env: { ...host.env, DOCKER_HOST: "tcp://127.0.0.1:1" } }, () => {})).rejects.toThrow("No Docker Engine answers at tcp://127.0.0.1:1 (DOCKER_HOST)");
});

test("an engine behind SSH is refused: its dynos could not be reached", async () => {
  const { host } = machine();
  await expect(ensureEngine({ ...host, env: { ...host.env, DOCKER_HOST: "ssh://root@elsewhere" } }, () => {})).rejects.toThrow("DOCKER_HOST: ssh://root@elsewhere is on another machine");
});


test("installs what is missing, starts the daemon with data of its own, and leaves it running", async () => {
  const { host, folder, socketPath } = machine();
  const daemon = `#!${process.execPath}\nrequire("node:fs").writeFileSync("${folder}/daemon-args", process.argv.slice(2).join(" "));
require("node:fs").writeFileSync("${folder}/daemon-pid", String(process.pid));
require("node:http").createServer((request, response) => response.end("OK")).listen("${socketPath}");`;
  write(join(folder, "dockerd"), daemon, 0o755);
  aptGet(folder, `case "$*" in install*) cp ${folder}/dockerd ${folder}/path/dockerd;; esac`);
  onTestFinished(() => void process.kill(Number(readFileSync(join(folder, "daemon-pid"), "utf8"))));
  const lines: string[] = [];
  await ensureEngine(host, (line) => lines.push(line));

  const apt = readFileSync(join(folder, "apt-calls"), "utf8").split("\n");
  expect(apt[0]).toBe("update -q");
  expect(apt[1]).toMatch(/^install -q -y --no-install-recommends .* docker\.io /);
  expect(lines.map((line) => line.replace(/\d+ s/, "N s"))).toEqual([
    expect.stringMatching(/^paas: installing docker\.io, .* \(about N s\)…$/),
    expect.stringMatching(/^paas: installing docker\.io, .*: done in N s$/),
    "paas: starting Docker Engine (a few seconds)…",
    "paas: starting Docker Engine: done in N s",
  ]);
  const settingsFile = join(folder, "data.run/daemon.json");
  expect(readFileSync(join(folder, "daemon-args"), "utf8")).toBe(`--config-file ${settingsFile}`);
  expect(JSON.parse(readFileSync(settingsFile, "utf8"))).toMatchObject({ hosts: [`unix://${socketPath}`], "data-root": join(folder, "data"), "live-restore": true });
  expect(await probeEngine({ kind: "unix", socketPath })).toBe("answers");
});

test("an installation that fails shows apt's last words", async () => {
  const { host, folder } = machine();
  aptGet(folder, `case "$*" in install*) echo "E: Unable to locate package docker.io" >&2; exit 100;; esac`);
  await expect(ensureEngine(host, () => {})).rejects.toThrow(/apt-get install .* ended with 100:\nE: Unable to locate package docker\.io/);
});

test("a daemon that dies at its start is reported at once, with the last lines of its log", async () => {
  const { host, folder } = machine();
  write(join(folder, "path/dockerd"), "#!/bin/sh\necho 'failed to start daemon: no space left on device' >&2\nexit 1\n", 0o755);
  await expect(ensureEngine(host, () => {})).rejects.toThrow(/does not answer: it ended with 1\. The last lines of .*dockerd\.log:\nfailed to start daemon: no space left on device/);
});

test("the pid file of a daemon that is gone, its number now another program's, does not stand in the way", async () => {
  const { host, folder } = machine();
  write(join(folder, "path/dockerd"), `#!/bin/sh\n[ -e ${folder}/data.run/docker.pid ] && echo "pid file found" >&2 || echo "no pid file" >&2\nexit 1\n`, 0o755);
  write(join(folder, "data.run/docker.pid"), String(process.pid));
  await expect(ensureEngine(host, () => {})).rejects.toThrow("no pid file");
  expect(existsSync(join(folder, "data.run/docker.pid"))).toBe(false);
});

/** A machine with nothing on its path but what a test puts there, and a socket that nobody serves. */
function machine(): { host: Host; folder: string; socketPath: string } {
  const folder = scratchFolder();
  const socketPath = join(folder, "docker.sock");
  // iptables and the shell's programs by their own names: the real dockerd stays out of reach.
  for (const name of ["iptables", "mount"]) write(join(folder, "path", name), "#!/bin/sh\n", 0o755);
  for (const name of ["cp", "cat"]) write(join(folder, "path", name), `#!/bin/sh\nexec /bin/${name} "$@"\n`, 0o755);
  const env = { PATH: join(folder, "path"), DOCKER_HOST: `unix://${socketPath}`, PAAS_DOCKER_DATA_ROOT: join(folder, "data") };
  expect(spawnSync("dockerd", ["--version"], { env }).error).toMatchObject({ code: "ENOENT" });
  return { host: { uid: 0, distribution: "debian", codename: "bookworm", systemd: false, env }, folder, socketPath };
}

function aptGet(folder: string, script: string): void {
  write(join(folder, "path/apt-get"), `#!/bin/sh\necho "$*" >> ${folder}/apt-calls\n${script}\n`, 0o755);
}
