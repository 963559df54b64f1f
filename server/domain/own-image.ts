/** An app that brings its own image: what that image says about how it is run (OCI image-spec: config). */

import type { AppJson, HealthCheck } from "./app-json.ts";

/** The stack of such apps (devcenter: stack). */
export const CONTAINER_STACK = "container";
export const DEFAULT_PORT = 5000;

export type OwnImage = {
  entrypoint: string[];
  /** What it runs where nobody says otherwise. */
  command: string[];
  /** Where its web process is reached, told to it as $PORT. */
  port: number;
  /** The web process is the image's own command, not one of a Procfile or heroku.yml. */
  ownWeb: boolean;
};

/** An image's config as the engine tells it; durations in nanoseconds. */
export type ImageConfig = {
  entrypoint: string[];
  command: string[];
  /** Such as `8080/tcp`. */
  exposed: string[];
  healthcheck: { test: string[]; interval: number; timeout: number; startPeriod: number; retries: number } | undefined;
};

/** Shell syntax: a line that holds none of it is a program and its arguments. */
const SHELL = /[\n]|[^\w\s@%+=:,./-]|^\s*\w+=/;
/** Where the shell must stay: more than one command, or one that begins with a variable of its own. */
const COMPOUND = /[;&|(){}`\n]|^\s*\w+=/;
const NANOSECONDS = 1e9;

/** One exposed port is where it listens, whatever it makes of $PORT; with none or several, $PORT is the platform's usual one. */
export function ownImage({ entrypoint, command, exposed }: ImageConfig, ownWeb: boolean): OwnImage {
  const ports = exposed.filter((port) => !/\/(udp|sctp)$/.test(port)).map((port) => Number.parseInt(port, 10));
  return { entrypoint, command, port: ports.length === 1 ? (ports[0] as number) : DEFAULT_PORT, ownWeb };
}

/**
 * app.json's checks, at the image's port where they name none. Without any for web the image's HEALTHCHECK must hold before a new dyno is trusted,
 * and since that may look at anything, something must answer at the port.
 */
export function checksOfImage({ healthcheck }: ImageConfig, port: number, healthchecks: AppJson["healthchecks"]): AppJson["healthchecks"] {
  const own = startupCheck(healthcheck);
  const { command: _command, ...asked } = own ?? {};
  const web = healthchecks["web"] ?? (own ? [own, { ...asked, name: "listening", listening: true } as HealthCheck] : undefined);
  const all = Object.entries(web ? { ...healthchecks, web } : healthchecks);
  return Object.fromEntries(all.map(([type, checks]) => [type, checks.map((check) => (check.command || check.uptime !== undefined ? check : { port, ...check }))]));
}

/** The image's own command line, as people read it. */
export function shownCommand({ entrypoint, command }: Pick<ImageConfig, "entrypoint" | "command">): string {
  return [...entrypoint, ...command].map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ").replaceAll(/\s+/g, " ");
}

/** The words that the image's entrypoint is given to run a command; without an entrypoint they are the program. Plain words need no shell, so an image may have none. */
export function argumentsOf(command: string): string[] {
  if (!SHELL.test(command)) return command.trim().split(/\s+/);
  return ["/bin/sh", "-c", COMPOUND.test(command) ? command : `exec ${command.trim()}`];
}

/** HEALTHCHECK as a startup check (docs: reference/dockerfile#healthcheck, with its defaults). */
function startupCheck(given: ImageConfig["healthcheck"]): HealthCheck | null {
  const [kind, ...words] = given?.test ?? [];
  if (!given || !kind || kind === "NONE" || words.length === 0) return null;
  const seconds = (nanoseconds: number, fallback: number): number => (nanoseconds > 0 ? nanoseconds / NANOSECONDS : fallback);
  const [interval, timeout, attempts] = [seconds(given.interval, 30), seconds(given.timeout, 30), given.retries || 3];
  // It is asked much more often than that while the dyno starts: what counts is how long it may take until it holds.
  const wait = interval + seconds(given.startPeriod, 0) / attempts;
  return { type: "startup", name: "HEALTHCHECK", command: kind === "CMD-SHELL" ? ["/bin/sh", "-c", words.join(" ")] : words, httpHeaders: [], scheme: "http", attempts, initialDelay: 0, timeout, wait, warn: false };
}
