/** One look at a dyno: a request to it, or a command in it. */

import type { HealthCheck } from "../domain/app-json.ts";
import type { Dyno, Engine } from "../engine/engine.ts";
import { DEFAULT_PORT } from "../domain/own-image.ts";
import { request } from "../node-http.ts";

const MAX_CONTENT_BYTES = 64 * 1024;

/** Why a check does not hold; undefined when it holds. */
export type Verdict = string | undefined;

/** What a check is called in what people read. */
export function checkName(check: HealthCheck): string {
  return check.name || check.path || check.command?.join(" ") || "listening";
}

/** Tries the check once; the signal cuts it short. @throws AppError engine_unavailable */
export async function attempt(engine: Pick<Engine, "execute">, dyno: Dyno, check: HealthCheck, signal: AbortSignal): Promise<Verdict> {
  const timeoutMs = check.timeout * 1000;
  if (check.command) {
    const { code, output } = await engine.execute(dyno.id, check.command, timeoutMs, signal);
    if (code !== 0) return `the command exited with status ${code}: ${output.trim().slice(-200)}`;
    return check.content !== undefined && !output.includes(check.content) ? `its output does not contain "${check.content}"` : undefined;
  }
  const target = { scheme: check.scheme, port: check.port ?? DEFAULT_PORT, path: check.path ?? "/", headers: check.httpHeaders, timeoutMs, readBody: check.content !== undefined, signal };
  return probe(dyno, target, (status, body) => {
    if (check.listening) return undefined;
    if (status < 200 || status >= 400) return `GET ${target.path} answered ${status}`;
    return check.content !== undefined && !body.includes(check.content) ? `GET ${target.path} does not contain "${check.content}"` : undefined;
  });
}

type ProbeTarget = { scheme: "http" | "https"; port: number; path: string; headers: { name: string; value: string }[]; timeoutMs: number; readBody: boolean; signal: AbortSignal };

/** One request to the dyno; never rejects. */
export async function probe(dyno: Dyno, target: ProbeTarget, judge: (status: number, body: string) => Verdict): Promise<Verdict> {
  const { request: send } = target.scheme === "https" ? await import("node:https") : { request };
  return new Promise((resolve) => {
    const headers = { "user-agent": "paas-health-check", connection: "close", ...Object.fromEntries(target.headers.map(({ name, value }) => [name, value])) };
    // The dyno's certificate is its own affair: the check asks whether it answers.
    const probing = send({ host: dyno.address, port: target.port, path: target.path, headers, agent: false, timeout: target.timeoutMs, signal: target.signal, rejectUnauthorized: false } as never, (response) => {
      // A page may be a stream without an end: who asks for its head alone does not wait for it.
      if (!target.readBody) resolve(judge(response.statusCode ?? 0, ""));
      const chunks: Buffer[] = [];
      let size = 0;
      const finish = (): void => resolve(judge(response.statusCode ?? 0, Buffer.concat(chunks).toString("utf8")));
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        if ((size += chunk.length) > MAX_CONTENT_BYTES) response.destroy();
      });
      response.on("close", finish);
      response.on("error", finish);
    });
    const deadline = setTimeout(() => probing.destroy(new Error("no answer in time")), target.timeoutMs);
    probing.on("error", (error) => resolve(error.message));
    probing.on("close", () => clearTimeout(deadline));
    probing.end();
  });
}
