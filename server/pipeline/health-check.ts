/** When may a new dyno be trusted? A web dyno when it answers HTTP, any other when it is still up after a moment, or as app.json says. */

import type { HealthCheck } from "../domain/app-json.ts";
import type { Dyno, Engine } from "../engine/engine.ts";
import { DEFAULT_PORT } from "../domain/own-image.ts";
import { AppError } from "../errors.ts";
import { attempt, checkName, probe, type Verdict } from "./health-probe.ts";
import { explainSilence } from "./listening.ts";
import { pause } from "./pause.ts";

const SETTLE_MS = 1000;
const FIRST_INTERVAL_MS = 5;
const MAX_INTERVAL_MS = 250;
const PROBE_MS = 5000;
const LINES_SHOWN = 20;

/** The engine as far as a dyno's health is concerned. */
export type Patient = Pick<Engine, "waitForExit" | "lastLines" | "execute">;

/** A web dyno that did not bind to its port in time (Heroku's R10). */
export class BootTimeout extends AppError {}

/**
 * Resolves when the dyno is healthy.
 * @param checks those of its type that a new dyno must pass; without one that decides, the default for the type holds.
 * @param onWarning hears of a check that only warns. @param port where its web process listens
 * @throws AppError deploy_failed with the reason and the last lines that the dyno printed.
 */
export async function untilHealthy(engine: Patient, dyno: Dyno, checks: HealthCheck[], bootSeconds: number, signal?: AbortSignal, onWarning: (check: HealthCheck, error: unknown) => void = () => undefined, port = DEFAULT_PORT): Promise<void> {
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
    const look = (check: HealthCheck): Promise<void> => holds(engine, dyno, check, over.signal);
    const decisive = checks.filter(({ warn }) => !warn);
    const healthy = decisive.length > 0 ? Promise.all(decisive.map(look)) : byDefault(engine, dyno, bootSeconds, over.signal, port);
    const warned = checks.filter(({ warn }) => warn).map((check) => look(check).catch((error: unknown) => (over.signal.aborted ? undefined : onWarning(check, error))));
    await Promise.race([exited, Promise.all([healthy, ...warned])]);
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

function byDefault(engine: Patient, dyno: Dyno, bootSeconds: number, signal: AbortSignal, port: number): Promise<void> {
  if (dyno.type !== "web") return pause(SETTLE_MS, signal);
  const late = async (last: Verdict): Promise<string> =>
    `${dyno.name}: Error R10 (Boot timeout): the web process did not answer HTTP on $PORT within ${bootSeconds} seconds of launch.\n${await explainSilence(engine, dyno, port, last)}`;
  return retry(() => probe(dyno, { scheme: "http", port, path: "/", headers: [], timeoutMs: PROBE_MS, readBody: false, signal }, () => undefined), bootSeconds * 1000, late, signal).catch((error: unknown) => {
    throw error instanceof AppError && !signal.aborted ? new BootTimeout("deploy_failed", error.message) : error;
  });
}

/** One check of app.json. It is tried often at first and then every `wait` seconds, as long as Dokku's attempts would take. */
async function holds(engine: Patient, dyno: Dyno, check: HealthCheck, signal: AbortSignal): Promise<void> {
  await pause(check.initialDelay * 1000, signal);
  if (check.uptime !== undefined) return pause(check.uptime * 1000, signal);
  const budget = (check.attempts * (check.wait + check.timeout)) * 1000;
  const late = (last: Verdict): string => `${dyno.name}: the health check "${checkName(check)}" did not hold within ${Math.round(budget / 1000)} seconds${last === undefined ? "" : ` (last: ${last})`}.`;
  await retry(() => attempt(engine, dyno, check, signal), budget, late, signal);
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

async function withLastLines(engine: Patient, dyno: Dyno, error: unknown): Promise<unknown> {
  if (!(error instanceof AppError) || error.id !== "deploy_failed") return error;
  const lines = await engine.lastLines(dyno.id, LINES_SHOWN).catch(() => []);
  const printed = lines.length > 0 ? `\nThe last lines that ${dyno.name} printed:\n${lines.map((line) => `  ${line}`).join("\n")}` : `\n${dyno.name} printed nothing.`;
  return new AppError("deploy_failed", error.message + printed, { cause: error });
}
