import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createBuildShare } from "../../server/engine/build-share.ts";
import { labels } from "../../server/engine/naming.ts";
import { docker, install, type Installation } from "./workshop.ts";

let ours: Installation;
beforeAll(async () => void (ours = await install()));
afterAll(() => ours?.clear());

test("what builds has a control group of its own, whose share is half of a single program's", async () => {
  const share = createBuildShare(docker);
  expect(share.limits()).toEqual({ CpuShares: 128 });
  await share.ensure();
  const { CgroupDriver, CgroupVersion } = (await docker.info()) as { CgroupDriver: string; CgroupVersion: string };
  // Where the engine leaves its groups to systemd there is no such group.
  const expected = CgroupDriver === "cgroupfs" ? { CpuShares: 128, CgroupParent: "/paas-builds" } : { CpuShares: 128 };
  expect(share.limits()).toEqual(expected);
  if (expected.CgroupParent === undefined) return;
  const value = await readFile(CgroupVersion === "2" ? "/sys/fs/cgroup/paas-builds/cpu.weight" : "/sys/fs/cgroup/cpu/paas-builds/cpu.shares", "utf8");
  expect(Number(value)).toBe(CgroupVersion === "2" ? 50 : 512);

  const container = await docker.createContainer({ Image: ours.image, Cmd: ["sleep", "100"], Labels: labels(ours.instance, "build", randomUUID()), HostConfig: share.limits() });
  await container.start();
  const { State } = await container.inspect();
  expect(await readFile(`/proc/${State.Pid}/cgroup`, "utf8")).toContain(`/paas-builds/${container.id}`);
  await container.remove({ force: true });
});
