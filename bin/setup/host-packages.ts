/** Programs that the product calls, brought from Debian's packages where they are missing. */

import { existsSync } from "node:fs";
import { hasApt, type Host } from "./host.ts";
import { withProgress, type Write } from "./progress.ts";
import { findCommand, runCommand } from "./run-command.ts";
import { SetupError } from "./setup-error.ts";

/** Each program and the package that carries it. */
const PACKAGE_OF = {
  git: "git",
  ip: "iproute2",
  iptables: "iptables",
  dockerd: "docker.io",
  mmdebstrap: "mmdebstrap",
} as const;

export type Program = keyof typeof PACKAGE_OF;

const APT_MINUTES = 15;
const QUIET_APT = { DEBIAN_FRONTEND: "noninteractive", NEEDRESTART_SUSPEND: "1", APT_LISTCHANGES_FRONTEND: "none" };
const APT_OPTIONS = ["-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"];

/**
 * Installs the packages of those programs that the machine lacks, and nothing where it has all.
 * @throws SetupError with the command to run where we may not install, or with apt's last lines where it fails.
 */
export async function ensurePrograms(programs: Program[], host: Host, write: Write, extraPackages: string[] = []): Promise<void> {
  const missing = programs.filter((program) => findCommand(program, host.env) === undefined);
  if (missing.length === 0) return;
  const packages = [...missing.map((program) => PACKAGE_OF[program]), ...extraPackages];
  refuseIfNotOurs(missing, packages, host);
  const env = { ...host.env, ...QUIET_APT };
  await withProgress(`installing ${packages.join(", ")}`, "about 30 s", write, async () => {
    await runCommand("apt-get", ["update", "-q"], { env, timeoutMs: APT_MINUTES * 60_000 });
    await runCommand("apt-get", ["install", ...APT_OPTIONS, ...packages], { env, timeoutMs: APT_MINUTES * 60_000 });
  });
}

/** What Docker needs beside itself and Debian only recommends: AppArmor's parser where the kernel enforces it, cgroups where no init mounts them. */
export function engineCompanions(host: Host): string[] {
  return [
    ...(existsSync("/sys/module/apparmor") ? ["apparmor"] : []),
    ...(host.systemd ? [] : ["cgroupfs-mount"]),
    "ca-certificates",
  ];
}

function refuseIfNotOurs(missing: Program[], packages: string[], host: Host): void {
  const lacking = `This machine has no ${missing.join(", no ")}`;
  if (!hasApt(host)) throw new SetupError(`${lacking}: install ${missing.map(describe).join(" and ")} with your system's package manager, then run this again.`);
  const command = `apt-get update && apt-get install -y --no-install-recommends ${packages.join(" ")}`;
  if (host.uid !== 0) throw new SetupError(`${lacking}, and only root may install: run \`sudo sh -c "${command}"\`, then run this again.`);
}

function describe(program: Program): string {
  return program === "dockerd" ? "Docker Engine (and start it)" : program;
}
