/** What happens to apps, as facts: the pipeline tells them here, once, and whoever listens makes lines, figures or messages of them. */

import type { App, Build, Release, TestRun, User } from "../domain/model.ts";
import type { Dyno } from "../engine/engine.ts";

/** A dyno as far as an event is concerned. */
export type DynoRef = Pick<Dyno, "appId" | "name" | "releaseVersion">;

export type PlatformEvent =
  | { kind: "build_started"; appId: string; build: Build; user: User }
  | { kind: "build_ended"; appId: string; build: Build; succeeded: boolean }
  | { kind: "tests_started"; appId: string; run: TestRun; user: User }
  | { kind: "tests_ended"; appId: string; run: TestRun }
  /** `description` is the release's own, such as `Deploy 1a2b3c4d` or `Set FOO config vars`. */
  | { kind: "release_created"; appId: string; release: Release; email: string }
  | { kind: "release_command_started"; appId: string; release: Release; command: string }
  /** It serves. */
  | { kind: "release_current"; appId: string; release: Release }
  | { kind: "release_failed"; appId: string; release: Release; reason: string }
  | { kind: "dyno_starting"; dyno: DynoRef; command: string }
  | { kind: "dyno_up"; dyno: DynoRef }
  /** It did not come up. `bootSeconds`: it did not bind to its port within them (R10). */
  | { kind: "dyno_failed"; dyno: DynoRef; bootSeconds: number | undefined }
  /** It had been up. */
  | { kind: "dyno_crashed"; dyno: DynoRef }
  /** A check of app.json has failed so often that it counts, or holds again (no verdict then). */
  | { kind: "dyno_check"; dyno: DynoRef; check: { type: "startup" | "liveness" | "readiness"; name: string; warn: boolean }; failures: number; verdict: string | undefined }
  | { kind: "dyno_stopping"; dyno: DynoRef }
  /** It was still there so long after SIGTERM. */
  | { kind: "dyno_killed"; dyno: DynoRef; stopSeconds: number }
  | { kind: "dyno_exited"; dyno: DynoRef; code: number; outOfMemory: boolean }
  | { kind: "app_created"; app: App; email: string }
  | { kind: "app_destroyed"; appId: string };

export type PlatformEvents = { emit(event: PlatformEvent): void };

/** Hands every event to every listener, in order; a listener that throws is `onFailure`'s. */
export function createPlatformEvents(listeners: ((event: PlatformEvent) => void)[], onFailure: (error: unknown) => void): PlatformEvents {
  return {
    emit(event) {
      for (const listener of listeners) {
        try {
          listener(event);
        } catch (error) {
          onFailure(error);
        }
      }
    },
  };
}
