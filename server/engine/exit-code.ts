/** Waiting for a container's end, which may be far away. */

import type Dockerode from "dockerode";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { unlessAway } from "./docker-call.ts";

type Modem = { dial(options: object, callback: (error: Error | null, answer: Readable) => void): void };

/**
 * The exit code of a container once it has stopped, at once when it has already.
 * Docker sends the head of this answer when the wait begins. dockerode's own `wait()` never settles when the connection
 * breaks after that, so the rest is read as a stream here, which ends with an error then.
 * @throws AppError engine_unavailable when the engine goes away meanwhile; the engine's own error (404 and the like) otherwise.
 */
export async function exitCode(container: Dockerode.Container, signal?: AbortSignal): Promise<number> {
  const answer = await unlessAway("wait", readAnswer(container, signal));
  return (JSON.parse(answer) as { StatusCode: number }).StatusCode;
}

async function readAnswer(container: Dockerode.Container, signal: AbortSignal | undefined): Promise<string> {
  const stream = await new Promise<Readable>((resolve, reject) => {
    const options = {
      path: `/containers/${container.id}/wait?`,
      method: "POST",
      isStream: true,
      abortSignal: signal,
      statusCodes: { 200: true, 400: "bad parameter", 404: "no such container", 500: "server error" },
      options: {},
    };
    (container.modem as Modem).dial(options, (error, answer) => (error ? reject(error) : resolve(answer)));
  });
  return text(stream);
}
