/** When may a new dyno be trusted? A web dyno when it answers HTTP, any other when it is still up after a moment, or as app.json says. */

import type { HealthCheck } from "../domain/app-json.ts";
import type { Dyno, Engine } from "../engine/engine.ts";
import { AppError } from "../errors.ts";
import { request } from "../node-http.ts";
import { WEB_PORT } from "./dyno-spec.ts";
import { explainSilence } from "./listening.ts";

const SETTLE_MS = 1000;
const FIRST_INTERVAL_MS = 5;
const MAX_INTERVAL_MS = 250;
const PROBE_MS = 5000;
const MAX_CONTENT_BYTES = 64 * 1024;
const LINES_SHOWN = 20;

/** The engine as far as a dyno's health is concerned. */
export type Patient = Pick<Engine, "waitForExit" | "lastLines" | "execute">;

/** A web dyno that did not bind to its port in time (Heroku's R10). */
export class BootTimeout extends AppError {}

/** Why a check does not hold yet; undefined when it holds. */
type Verdict = string | undefined;

/**
 * Resolves when the dyno is healthy.
 * @param checks the startup checks of its type; without any, the default for the type holds.
 * @throws AppError deploy_failed with the reason and the last lines that the dyno printed.
 */
export async function untilHealthy(engine: Patient, dyno: Dyno, checks: HealthCheck[], bootSeconds: number, signal?: AbortSignal): Promise<void> {
  const over = new AbortController();
  const abort = (): void => over.abort();
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort, { once: true });
  const exited = engine.waitForExit(dyno.id, over.signal).then(({ code, outOfMemory }) => {
    const why = outOfMemory ? "was killed: it used more memory than it may (Error R14/R15)" : `exited with status ${code} before it was up`;
    throw new AppError("deploy_failed", `${dyno.name} ${why}.`);
  });
  exited.catch(() => undefined);
  try {
    const healthy = checks.length > 0 ? Promise.all(checks.map((check) => holds(engine, dyno, check, over.signal))) : byDefault(engine, dyno, bootSeconds, over.signal);
    await Promise.race([exited, healthy]);
    // A wait that the signal cut short has proved nothing.
    signal?.throwIfAborted();
  } catch (error) {
    if (signal?.aborted) throw new AppError("deploy_failed", "The deploy was interrupted.");
    throw await withLastLines(engine, dyno, error);
  } finally {
    over.abort();
    signal?.removeEventListener("abort", abort);
  }
}

function byDefault(engine: Patient, dyno: Dyno, bootSeconds: number, signal: AbortSignal): Promise<void> {
  if (dyno.type !== "web") return pause(SETTLE_MS, signal);
  const late = async (last: Verdict): Promise<string> =>
    `${dyno.name}: Error R10 (Boot timeout): the web process did not answer HTTP on $PORT within ${bootSeconds} seconds of launch.\n${await explainSilence(engine, dyno, WEB_PORT, last)}`;
  return retry(() => probe(dyno, { scheme: "http", port: WEB_PORT, path: "/", headers: [], timeoutMs: PROBE_MS, readBody: false }, () => undefined), bootSeconds * 1000, late, signal).catch((error: unknown) => {
    throw error instanceof AppError && !signal.aborted ? new BootTimeout("deploy_failed", error.message) : error;
  });
}

/** One check of app.json. It is tried often at first and then every `wait` seconds, as long as Dokku's attempts would take. */
async function holds(engine: Patient, dyno: Dyno, check: HealthCheck, signal: AbortSignal): Promise<void> {
  await pause(check.initialDelay * 1000, signal);
  if (check.uptime !== undefined) return pause(check.uptime * 1000, signal);
  const name = check.name || check.path || check.command?.join(" ") || "listening";
  const budget = (check.attempts * (check.wait + check.timeout)) * 1000;
  const late = (last: Verdict): string => `${dyno.name}: the health check "${name}" did not hold within ${Math.round(budget / 1000)} seconds${last === undefined ? "" : ` (last: ${last})`}.`;
  await retry(() => attempt(engine, dyno, check), budget, late, signal);
}

async function attempt(engine: Patient, dyno: Dyno, check: HealthCheck): Promise<Verdict> {
  const timeoutMs = check.timeout * 1000;
  if (check.command) {
    const { code, output } = await engine.execute(dyno.id, check.command, timeoutMs);
    if (code !== 0) return `the command exited with status ${code}: ${output.trim().slice(-200)}`;
    return check.content !== undefined && !output.includes(check.content) ? `its output does not contain "${check.content}"` : undefined;
  }
  const target = { scheme: check.scheme, port: check.port ?? WEB_PORT, path: check.path ?? "/", headers: check.httpHeaders, timeoutMs, readBody: check.content !== undefined };
  return probe(dyno, target, (status, body) => {
    if (check.listening) return undefined;
    if (status < 200 || status >= 400) return `GET ${target.path} answered ${status}`;
    return check.content !== undefined && !body.includes(check.content) ? `GET ${target.path} does not contain "${check.content}"` : undefined;
  });
}

type ProbeTarget = { scheme: "http" | "https"; port: number; path: string; headers: { name: string; value: string }[]; timeoutMs: number; readBody: boolean };

/** One request to the dyno; never rejects. */
async function probe(dyno: Dyno, target: ProbeTarget, judge: (status: number, body: string) => Verdict): Promise<Verdict> {
  const { request: send } = target.scheme === "https" ? await import("node:https") : { request };
  return new Promise((resolve) => {
    const headers = { "user-agent": "paas-health-check", connection: "close", ...Object.fromEntries(target.headers.map(({ name, value }) => [name, value])) };
    // The dyno's certificate is its own affair: the check asks whether it answers.
    const probing = send({ host: dyno.address, port: target.port, path: target.path, headers, agent: false, timeout: target.timeoutMs, rejectUnauthorized: false } as never, (response) => {
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

async function retry(attemptOnce: () => Promise<Verdict>, budgetMs: number, late: (last: Verdict) => string | Promise<string>, signal: AbortSignal): Promise<void> {
  const end = performance.now() + budgetMs;
  let verdict: Verdict;
  for (let interval = FIRST_INTERVAL_MS; !signal.aborted; interval = Math.min(interval * 1.5, MAX_INTERVAL_MS)) {
    verdict = await attemptOnce();
    if (verdict === undefined) return;
    if (performance.now() + interval > end) break;
    await pause(interval, signal);
  }
  throw new AppError("deploy_failed", signal.aborted ? "The deploy was interrupted." : await late(verdict));
}

/** Resolves after `ms`, or at once when the signal fires: whoever waits then looks at the signal. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}

async function withLastLines(engine: Patient, dyno: Dyno, error: unknown): Promise<unknown> {
  if (!(error instanceof AppError) || error.id !== "deploy_failed") return error;
  const lines = await engine.lastLines(dyno.id, LINES_SHOWN).catch(() => []);
  const printed = lines.length > 0 ? `\nThe last lines that ${dyno.name} printed:\n${lines.map((line) => `  ${line}`).join("\n")}` : `\n${dyno.name} printed nothing.`;
  return new AppError("deploy_failed", error.message + printed, { cause: error });
}
