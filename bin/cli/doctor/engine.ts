/** The engine: whether it answers, how old it is, what it stands on. */

import { engineClient, engineEndpoint, probeEngine } from "../../setup/engine.ts";
import { fail, ok, warn, type Finding } from "./finding.ts";
import { judgeRunc } from "./runc.ts";

const OLDEST: [number, number] = [20, 10];
const GOOD_DRIVERS = new Set(["overlay2", "overlayfs", "btrfs", "zfs"]);

const SILENCE = {
  absent: ["no Docker Engine answers", "Start it: `systemctl start docker`. Where there is none, `npm start` as root installs it."],
  denied: ["the Docker Engine refuses this user", "Run this as root, or join its group (`sudo usermod -aG docker $USER`) and log in again."],
  silent: ["the Docker Engine takes connections and does not answer", "Look at its log (`journalctl -u docker`) and restart it."],
} as const;

type Version = { Version: string; Components?: { Name: string; Version: string; Details?: Record<string, string> }[] };
type Info = { Driver: string; CgroupVersion?: string; DockerRootDir: string; LiveRestoreEnabled?: boolean };

/** `folder`: where it keeps images, if it is here. */
export async function examineEngine(env: NodeJS.ProcessEnv): Promise<{ findings: Finding[]; folder: string | undefined }> {
  const endpoint = engineEndpoint(env);
  const where = endpoint.kind === "unix" ? endpoint.socketPath : endpoint.url;
  const probe = await probeEngine(endpoint);
  if (probe !== "answers") return { findings: [fail("engine", `${SILENCE[probe][0]} at ${where}`, SILENCE[probe][1])], folder: undefined };
  const engine = engineClient(endpoint, { timeout: 10_000 });
  const [version, info] = (await Promise.all([engine.version(), engine.info()])) as unknown as [Version, Info];
  const runc = version.Components?.find(({ Name }) => Name === "runc");
  return {
    findings: [
      judgeVersion(version.Version), judgeDriver(info.Driver), judgeCgroups(info.CgroupVersion),
      runc ? judgeRunc(runc.Version, runc.Details?.["GitCommit"] ?? "") : warn("runc", "the engine does not tell its version", "Look yourself: `runc --version`."),
      info.LiveRestoreEnabled ? ok("live restore", "dynos outlive a restart of the engine") : warn("live restore", "off: a restart of the engine stops every dyno", 'Put "live-restore": true into /etc/docker/daemon.json and reload Docker.'),
    ],
    folder: endpoint.kind === "unix" ? info.DockerRootDir : undefined,
  };
}

function judgeVersion(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map((part) => parseInt(part, 10));
  const enough = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
  return enough ? ok("engine", version) : fail("engine", `${version} is too old`, `Install Docker Engine ${OLDEST.join(".")} or later.`);
}

function judgeDriver(driver: string): Finding {
  if (GOOD_DRIVERS.has(driver)) return ok("storage", driver);
  return warn("storage", `${driver} copies what others share: builds and starts are slow and fill the disk`, 'Use overlay2: remove "storage-driver" from /etc/docker/daemon.json, restart Docker, push again.');
}

function judgeCgroups(version: string | undefined): Finding {
  if (version === "2") return ok("cgroups", "version 2");
  return warn("cgroups", `version ${version ?? "unknown"}: limits hold, but systemd and Docker are about to drop it`, "Start the machine with version 2: systemd.unified_cgroup_hierarchy=1 on the kernel's command line, then `update-grub` and a reboot.");
}
