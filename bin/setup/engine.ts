/** A Docker Engine that answers: the one that runs, or one that we install and start. */

import type Docker from "dockerode";
import { EngineClient } from "../../server/engine/dockerode.ts";
import { startDaemon, type Probe } from "./daemon.ts";
import { engineCompanions, ensurePrograms } from "./host-packages.ts";
import type { Host } from "./host.ts";
import { withProgress, type Write } from "./progress.ts";
import { SetupError } from "./setup-error.ts";

export const DEFAULT_SOCKET = "/var/run/docker.sock";

const PROBE_MS = 5_000;

export type EngineEndpoint = { kind: "unix"; socketPath: string } | { kind: "remote"; url: string };

/** Where DOCKER_HOST says the engine is; Docker's own default where it says nothing. */
export function engineEndpoint(env: NodeJS.ProcessEnv): EngineEndpoint {
  const host = env["DOCKER_HOST"]?.trim() ?? "";
  if (host === "" || host === "unix://") return { kind: "unix", socketPath: DEFAULT_SOCKET };
  if (host.startsWith("unix://")) return { kind: "unix", socketPath: host.slice("unix://".length) };
  return { kind: "remote", url: host };
}

/** A client of the engine that DOCKER_HOST (a remote one: of this very process) names. */
export function engineClient(endpoint: EngineEndpoint, options: Docker.DockerOptions = {}): Docker {
  return endpoint.kind === "unix" ? new EngineClient({ ...options, socketPath: endpoint.socketPath }) : new EngineClient(options);
}

/**
 * Returns at once where an engine answers; otherwise installs Docker Engine (root on Debian or Ubuntu) and starts it.
 * @throws SetupError with what to do where neither is possible.
 */
export async function ensureEngine(host: Host, write: Write): Promise<void> {
  const endpoint = engineEndpoint(host.env);
  if (endpoint.kind === "remote" && endpoint.url.startsWith("ssh:"))
    throw new SetupError(`DOCKER_HOST: ${endpoint.url} is on another machine. The router reaches dynos by their own addresses, so the engine must run on this one: unset DOCKER_HOST.`);
  const found = await probeEngine(endpoint);
  if (found === "answers") return;
  if (endpoint.kind === "remote") throw new SetupError(`No Docker Engine answers at ${endpoint.url} (DOCKER_HOST): start it there, or unset DOCKER_HOST.`);
  if (found === "denied")
    throw new SetupError(`The Docker Engine at ${endpoint.socketPath} refuses this user: run as root, or join its group (\`sudo usermod -aG docker $USER\`) and log in again.`);
  if (found === "silent")
    throw new SetupError(`Something accepts connections at ${endpoint.socketPath} but does not answer within ${PROBE_MS / 1000} s: look at the Docker daemon's log and restart it.`);

  await ensurePrograms(["dockerd", "iptables"], host, write, engineCompanions(host));
  if (host.uid !== 0) throw new SetupError(`No Docker Engine answers at ${endpoint.socketPath}, and only root may start one: run \`sudo service docker start\`, then run this again.`);
  if ((await probeEngine(endpoint)) === "answers") return;
  await withProgress("starting Docker Engine", "a few seconds", write, () => startDaemon(endpoint.socketPath, host, () => probeEngine(endpoint)));
}

/** Asks the engine whether it lives, for at most 5 seconds. */
export async function probeEngine(endpoint: EngineEndpoint, timeoutMs = PROBE_MS): Promise<Probe> {
  try {
    await engineClient(endpoint, { timeout: timeoutMs }).ping();
    return "answers";
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EACCES" || code === "EPERM") return "denied";
    return code === "ECONNRESET" || code === "ETIMEDOUT" ? "silent" : "absent";
  }
}
