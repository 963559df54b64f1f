import { readFileSync, readdirSync } from "node:fs";
import type Docker from "dockerode";

const INSTANCE_LABEL = "paas.instance";

/** What any instance of ours has in the engine now, one line each. */
export async function leftovers(docker: Docker): Promise<string[]> {
  const filters = { label: [INSTANCE_LABEL] };
  const [containers, networks, volumes, images] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    docker.listVolumes({ filters }),
    docker.listImages({ filters }),
  ]);
  return [
    ...containers.map(({ Names, Labels, Id }) => line("container", Labels, Names[0] ?? Id)),
    ...networks.map(({ Name, Labels }) => line("network", Labels, Name)),
    ...volumes.Volumes.map(({ Name, Labels }) => line("volume", Labels, Name)),
    // Those with Debian packages are nobody's: every installation builds on them.
    ...images.filter(({ Labels }) => Labels?.[INSTANCE_LABEL] !== "").map(({ RepoTags, Labels, Id }) => line("image", Labels, RepoTags?.[0] ?? Id)),
  ];
}

/** The processes whose command line names the folder, one line each. */
export function processesWith(folder: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => ({ pid, command: commandLine(pid) }))
    .filter(({ command }) => command.includes(folder))
    .map(({ pid, command }) => `process ${pid}: ${command}`);
}

function line(kind: string, labels: Record<string, string> | undefined, name: string): string {
  return `${kind} of instance ${labels?.[INSTANCE_LABEL]}: ${name.replace(/^\//, "")}`;
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return "";
  }
}
