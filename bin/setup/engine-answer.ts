/** The engine answers long work (pull, import, build) with 200 at once and the outcome in lines of JSON, an error among them as one more line. */

import type Docker from "dockerode";
import { lastLines } from "./run-command.ts";

/**
 * Resolves when the work is done.
 * @throws Error with the engine's words, after the last lines of what it printed.
 */
export function untilDone(docker: Docker, answer: NodeJS.ReadableStream): Promise<void> {
  const said: string[] = [];
  let failure: string | undefined;
  return new Promise((resolve, reject) => {
    const onEvent = (event: { stream?: string; error?: string }): void => {
      if (event.stream) said.push(event.stream);
      failure = event.error ?? failure;
    };
    const onEnd = (error: Error | null): void => {
      if (error) reject(error);
      else if (failure === undefined) resolve();
      else reject(new Error([lastLines(said.join("")), failure].filter(Boolean).join("\n")));
    };
    docker.modem.followProgress(answer, onEnd, onEvent);
  });
}
