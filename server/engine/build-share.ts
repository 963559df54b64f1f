/**
 * How much of the machine builds get beside what serves. A container's own share only counts among containers, which all together have as much
 * as one program of the host: the router would wait for builds. So builds have a control group beside that of all other containers.
 */

import type Dockerode from "dockerode";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { within } from "./docker-call.ts";

const GROUP = "paas-builds";
const ROOT = "/sys/fs/cgroup";
/** Of 1024 that a program has by itself: less, and a machine that is full of work would build no more. What nobody wants is theirs all the same. */
const SHARES = 512;
/** The same in cgroup v2, where 100 is usual (cgroups(7)). */
const WEIGHT = 50;
const CALL_MS = 10_000;

export type BuildShare = {
  /** Makes the group. Idempotent. Where this host does not let us, builds stay among the other containers, with a quarter of a dyno's share. */
  ensure(): Promise<void>;
  /** For the container of a build. */
  limits(): { CpuShares: number; CgroupParent?: string };
};

export function createBuildShare(docker: Dockerode): BuildShare {
  let group: string | undefined;
  return {
    async ensure() {
      const info = (await within(CALL_MS, "info", docker.info())) as { CgroupDriver?: string; CgroupVersion?: string };
      // systemd's groups are units of its own making.
      if (info.CgroupDriver !== "cgroupfs") return;
      const [folder, file, value] = info.CgroupVersion === "2" ? [join(ROOT, GROUP), "cpu.weight", WEIGHT] : [join(ROOT, "cpu", GROUP), "cpu.shares", SHARES];
      try {
        await mkdir(folder, { recursive: true });
        await writeFile(join(folder, file), String(value));
        group = `/${GROUP}`;
      } catch {
        group = undefined;
      }
    },
    limits: () => ({ CpuShares: 128, ...(group === undefined ? {} : { CgroupParent: group }) }),
  };
}
