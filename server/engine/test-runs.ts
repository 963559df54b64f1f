/** Tests on Docker Engine: a fresh container of what a test build made, thrown away when they have ended. */

import type Dockerode from "dockerode";
import type { Duplex } from "node:stream";
import { within } from "./docker-call.ts";
import type { BuildShare } from "./build-share.ts";
import { confinement, howToRun, pipeText, untilExit } from "./dynos.ts";
import type { Engine } from "./engine.ts";
import { labels, networkName, testRunName } from "./naming.ts";
import type { Remover } from "./remover.ts";

const CALL_MS = 30_000;

/** It has neither the app's cache nor its network: tests neither find nor reach what others left or what serves. */
export function createTestRunner(docker: Dockerode, instance: string, remover: Remover, waitForExit: Engine["waitForExit"], share: BuildShare): Engine["runTests"] {
  return async ({ runId, appId, image, env, ownCommand, memoryMb }, output, timeoutMs, signal) => {
    const container = await within(CALL_MS, "create test run", docker.createContainer({
      name: testRunName(instance, runId),
      Image: image,
      ...howToRun(ownCommand === undefined ? { command: "/opt/paas/bin/test" } : { command: ownCommand, ownImage: "command" }),
      Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
      // As a build's: after a crash of the control plane nobody waits for it any more.
      Labels: labels(instance, "build", appId),
      HostConfig: { ...confinement(memoryMb), PidsLimit: 2048, ...share.limits(), NetworkMode: networkName(instance, appId, "test") },
    }));
    try {
      const stream = await within(CALL_MS, "attach to test run", container.attach({ stream: true, stdout: true, stderr: true }));
      const ended = pipeText(stream as unknown as Duplex, (text) => output.write(text));
      await within(CALL_MS, "start test run", container.start());
      const { exit, timedOut } = await untilExit(container, () => waitForExit(container.id), timeoutMs, signal);
      await ended;
      return { ...exit, timedOut };
    } finally {
      await remover.remove(container.id);
    }
  };
}
