/** What the platform does with an app, in Heroku's words (devcenter: logging, error-codes). */

import type { Formation } from "../domain/formation.ts";
import type { PlatformEvent } from "../pipeline/events.ts";
import type { NewLine } from "./hub.ts";

/** The lines of an event; none for what is not told. @param memoryMb what a dyno may use */
export function linesOf(event: PlatformEvent, memoryMb: number): { appId: string; lines: NewLine[] } {
  switch (event.kind) {
    case "app_created": return { appId: event.app.id, lines: [api(`Initial release by user ${event.email}`, 1), api(`Release v1 created by user ${event.email}`, 1)] };
    case "build_started": return { appId: event.appId, lines: [api(`Build started by user ${event.user.email}`)] };
    case "build_ended": return { appId: event.appId, lines: [api(event.succeeded ? "Build succeeded" : "Build failed -- check your build output")] };
    case "tests_started": return { appId: event.appId, lines: [api(`Test run ${event.run.number} started by user ${event.user.email}`)] };
    case "tests_ended": return { appId: event.appId, lines: [api(`Test run ${event.run.number} ${event.run.status}${event.run.reason === null ? "" : `: ${firstLine(event.run.reason)}`}`)] };
    case "release_created": {
      const { version, description, formation } = event.release;
      const what = description.startsWith("Scale ") ? `Scaled to ${quantities(formation)}` : description;
      return { appId: event.appId, lines: [api(`${what} by user ${event.email}`, version), api(`Release v${version} created by user ${event.email}`, version)] };
    }
    case "release_command_started": {
      const { version } = event.release;
      return { appId: event.appId, lines: [dynoLine({ name: `release.${version}`, releaseVersion: version }, starting(event.command))] };
    }
    case "release_failed": return { appId: event.appId, lines: [api(`Release v${event.release.version} failed: ${firstLine(event.reason)}`, event.release.version)] };
    case "release_current":
    case "app_destroyed": return { appId: event.appId, lines: [] };
    default: return { appId: event.dyno.appId, lines: dynoTexts(event, memoryMb).map((text) => dynoLine(event.dyno, text)) };
  }
}

type DynoEvent = Extract<PlatformEvent, { dyno: unknown }>;

function dynoTexts(event: DynoEvent, memoryMb: number): string[] {
  switch (event.kind) {
    case "dyno_starting": return [starting(event.command)];
    case "dyno_up": return ["State changed from starting to up"];
    case "dyno_failed": {
      const boot = event.bootSeconds === undefined ? [] : [`Error R10 (Boot timeout) -> Web process failed to bind to $PORT within ${event.bootSeconds} seconds of launch`];
      return [...boot, "State changed from starting to crashed"];
    }
    case "dyno_crashed": return ["State changed from up to crashed"];
    case "dyno_check": return [checkText(event)];
    case "dyno_stopping": return ["Stopping all processes with SIGTERM"];
    case "dyno_killed": return [`Error R12 (Exit timeout) -> At least one process failed to exit within ${event.stopSeconds} seconds of SIGTERM`, "Stopping remaining processes with SIGKILL"];
    case "dyno_exited": return [...(event.outOfMemory ? [`Process running mem=${memoryMb}M(100.0%)`, "Error R14 (Memory quota exceeded) -> The process was killed"] : []), `Process exited with status ${event.code}`];
  }
}

function checkText({ check: { type, name, warn }, failures, verdict }: Extract<PlatformEvent, { kind: "dyno_check" }>): string {
  const subject = `${type[0]?.toUpperCase()}${type.slice(1)} check "${name}"`;
  if (verdict === undefined) return `${subject} holds again`;
  const consequence = warn || type === "startup" ? "" : type === "liveness" ? ": the dyno is replaced" : ": no requests until it holds, unless no other dyno is ready";
  return `${subject} failed ${failures === 1 ? "once" : `${failures} times in a row`} (${firstLine(verdict)})${consequence}`;
}

function starting(command: string): string {
  return `Starting process with command \`${command}\``;
}

function api(text: string, release?: number): NewLine {
  return { source: "app", ps: "api", text, release };
}

function dynoLine({ name, releaseVersion }: { name: string; releaseVersion: number }, text: string): NewLine {
  return { source: "heroku", ps: name, release: releaseVersion, text };
}

/** `web@2:basic worker@1:basic` */
function quantities(formation: Formation): string {
  return Object.entries(formation).map(([type, { quantity, size }]) => `${type}@${quantity}:${size}`).join(" ");
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
