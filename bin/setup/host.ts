/** What set-up has to know of the machine: who we are, which Linux, whether a service manager runs. */

import { existsSync, readFileSync } from "node:fs";
import { delimiter } from "node:path";

const ADMIN_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

export type Host = {
  uid: number;
  /** From /etc/os-release: `debian`, `ubuntu`, …; empty where there is none. */
  distribution: string;
  /** The release's code name, such as `bookworm`. */
  codename: string;
  systemd: boolean;
  /** The environment for commands; its PATH has the folders of administration tools, which the shells of ordinary users leave out. */
  env: NodeJS.ProcessEnv;
};

/** The machine we run on. */
export function thisHost(env: NodeJS.ProcessEnv): Host {
  const release = osRelease();
  const folders = (env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin").split(delimiter);
  return {
    uid: process.getuid?.() ?? -1,
    distribution: release["ID"] ?? "",
    codename: release["VERSION_CODENAME"] ?? "",
    systemd: existsSync("/run/systemd/system"),
    env: { ...env, PATH: [...folders, ...ADMIN_FOLDERS.filter((folder) => !folders.includes(folder))].join(delimiter) },
  };
}

/** Debian and Ubuntu, whose packages we know by name. */
export function hasApt(host: Host): boolean {
  return host.distribution === "debian" || host.distribution === "ubuntu";
}

function osRelease(): Record<string, string> {
  if (!existsSync("/etc/os-release")) return {};
  const lines = readFileSync("/etc/os-release", "utf8").matchAll(/^([A-Z_]+)="?([^"\n]*)"?$/gm);
  return Object.fromEntries([...lines].map(([, name = "", value = ""]) => [name, value]));
}
