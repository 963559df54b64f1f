import type Docker from "dockerode";

const INSTANCE_LABEL = "paas.instance";

/** What any instance of ours has in the engine now, one line each; `docker rm` and its like take the last word. */
export async function leftovers(docker: Docker): Promise<string[]> {
  const filters = { label: [INSTANCE_LABEL] };
  const [containers, networks, volumes] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    docker.listVolumes({ filters }),
  ]);
  return [
    ...containers.map(({ Names, Labels, Id }) => line("container", Labels, Names[0] ?? Id)),
    ...networks.map(({ Name, Labels }) => line("network", Labels, Name)),
    ...volumes.Volumes.map(({ Name, Labels }) => line("volume", Labels, Name)),
  ];
}

function line(kind: string, labels: Record<string, string> | undefined, name: string): string {
  return `${kind} of instance ${labels?.[INSTANCE_LABEL]}: ${name.replace(/^\//, "")}`;
}
