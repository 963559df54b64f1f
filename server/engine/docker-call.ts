/** One place for how a call to the engine may fail. */

import { AppError } from "../errors.ts";

/** The engine did not answer in time, or refuses connections. Anything else it says is an error of ours. */
const AWAY = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT"]);
/** These may come from a file of ours as well: they count when a connection was tried. */
const AWAY_AT_CONNECT = new Set(["ENOENT", "EACCES"]);

/**
 * Awaits a call to the engine for at most `ms` milliseconds.
 * @throws AppError engine_unavailable when it is away or too slow; the engine's own error otherwise.
 */
export async function within<T>(ms: number, name: string, call: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new AppError("engine_unavailable", `The container engine did not answer in time (${name}, ${ms / 1000} s). Try again; if it lasts, restart the engine.`)), ms);
  });
  try {
    return await unlessAway(name, Promise.race([call, late]));
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Awaits a call that may take as long as it likes, such as the end of a dyno.
 * @throws AppError engine_unavailable when the engine is away or goes away meanwhile; the engine's own error otherwise.
 */
export async function unlessAway<T>(name: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw isAway(error) ? new AppError("engine_unavailable", `The container engine is not reachable (${name}). Start it and try again.`, { cause: error }) : error;
  }
}

/** What the engine says with 409 or 500 of what is just being removed, or was removed between two looks of its own. */
const GOING: [status: number, said: RegExp][] = [[409, /already in progress|is not running/], [500, /unrecognized image ID/]];

/** Resolves with undefined where the engine says that the thing is not there (404), or is already so (304), or that somebody else removes it. */
export async function unlessGone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    const isGone = isStatus(error, 404) || isStatus(error, 304) || GOING.some(([status, said]) => isStatus(error, status) && said.test(String(error)));
    if (isGone) return undefined;
    throw error;
  }
}

export function isStatus(error: unknown, status: number): boolean {
  return typeof error === "object" && error !== null && (error as { statusCode?: unknown }).statusCode === status;
}

/** What the engine itself said, without dockerode's words around it. */
export function engineMessage(error: unknown): string {
  const { json, message = "" } = error as { json?: { message?: string }; message?: string };
  return (json?.message ?? message.replace(/^\(HTTP code \d+\) [^-]*- /, "")).trim().slice(0, 500);
}

function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code = "", syscall } = error as NodeJS.ErrnoException;
  return AWAY.has(code) || (AWAY_AT_CONNECT.has(code) && syscall === "connect");
}
