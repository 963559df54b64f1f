/** The operator's log: JSON lines for a service's journal, readable ones for a person at a terminal. */

import { pino, type Logger } from "pino";
import type { Config } from "./config.ts";

/** @param quiet a person reads the plain lines of the start besides: only warnings unless a level was asked for. */
export async function createOperatorLog({ logLevel }: Config, quiet: boolean): Promise<Logger> {
  if (!process.stdout.isTTY) return pino({ level: logLevel }, process.stdout);
  // Loaded for people alone: 1 MiB.
  const { default: pretty } = await import("pino-pretty");
  return pino({ level: quiet ? "warn" : logLevel }, pretty({ sync: true, ignore: "pid,hostname" }));
}
