/** A Docker daemon that says what a test tells it to: for faults that a real one cannot be made to show. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished, vi } from "vitest";
import { createDockerEngine } from "../../server/engine/docker.ts";
import type { Engine } from "../../server/engine/engine.ts";

export type Answer = (response: ServerResponse, request: IncomingMessage) => void;

export type ScriptedDaemon = {
  engine: Engine;
  /** Answers requests such as `GET /containers/json`; of several that fit, the one told last. */
  on(request: string, answer: Answer): void;
  /** Resolves when such a request has come (as often as `times` says). */
  asked(request: string, times?: number): Promise<void>;
  /** Breaks every connection off and takes no new one. */
  die(): void;
};

/** `instance` as label of what the engine asks for. */
export async function startScriptedDaemon(instance: string): Promise<ScriptedDaemon> {
  const folder = mkdtempSync(join(tmpdir(), "paas-daemon-"));
  const answers = new Map<string, Answer>();
  const came: string[] = [];
  const waiting = new Set<() => void>();
  const server = createServer((request, response) => {
    request.resume();
    const path = new URL(request.url ?? "/", "http://docker").pathname.replace(/^\/v\d+\.\d+/, "");
    const key = `${request.method} ${path}`;
    came.push(key);
    const answer = answers.get(key);
    if (answer) answer(response, request);
    else json({ message: `the script has no answer to ${key}` }, 404)(response, request);
    for (const look of waiting) look();
  });
  const socketPath = join(folder, "docker.sock");
  server.listen(socketPath);
  await once(server, "listening");
  const die = (): void => {
    server.closeAllConnections();
    server.close();
  };
  vi.stubEnv("DOCKER_HOST", `unix://${socketPath}`);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    die();
    rmSync(folder, { recursive: true, force: true });
  });
  const engine = createDockerEngine({ instance, stackImage: "none", networkRange: "10.213.0.0/16", openPort: undefined, onWarning: () => undefined });
  return {
    engine,
    die,
    on: (request, answer) => void answers.set(request, answer),
    asked: (request, times = 1) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (came.filter((key) => key === request).length < times) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}

/** An answer in JSON. */
export function json(body: unknown, status = 200): Answer {
  return (response) => void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** An answer without a body. */
export function empty(status: number): Answer {
  return (response) => void response.writeHead(status).end();
}

/** No answer at all. */
export const hang: Answer = () => undefined;

/** The connection breaks before the answer. */
export const hangUp: Answer = (response) => void response.destroy();

/** The connection breaks in the middle of the answer. */
export function cutOff(text: string): Answer {
  return (response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": text.length + 100 });
    response.write(text, () => response.destroy());
  };
}
