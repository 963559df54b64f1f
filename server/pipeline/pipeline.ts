/** The pipeline as git, API and boot see it: every way in which an app changes. */

import type { App, Build, Release, User } from "../domain/model.ts";
import type { Output } from "./output.ts";
import type { Source } from "./source.ts";

/** A dyno as its owner sees it (devcenter: platform-api-reference#dyno). */
export type DynoView = {
  /** Stable while the dyno lives. */
  id: string;
  name: string;
  type: string;
  command: string;
  size: string;
  state: "starting" | "up" | "crashed" | "down";
  release: { id: string; version: number };
  createdAt: string;
  updatedAt: string;
};

export type ReleaseStatus = "pending" | "succeeded" | "failed";

export type Pipeline = {
  /** Creates the app with v1 "Initial release"; its host answers from then on. A name is made up when none is given. @throws AppError invalid_params (bad or taken name) */
  createApp(name: string | undefined, user: User): Promise<App>;
  /** The app answers under its new host from one instant on. @throws AppError invalid_params */
  renameApp(app: App, name: string): Promise<App>;
  /** Stops and removes everything of the app. */
  destroyApp(app: App): Promise<void>;

  /** Builds, releases and converges what was pushed. True when that version serves now; all that the pusher should read is written. Never throws. */
  push(push: { app: App; user: User; branch: string; source: Source }, output: Output, signal: AbortSignal): Promise<boolean>;
  /** The build that holds the app's build lock. */
  runningBuild(appId: string): Build | undefined;

  /** Applies a change in Heroku's form; resolves when the new release serves. No release where nothing changes. @throws AppError invalid_params, deploy_failed, release_phase_failed */
  changeConfig(app: App, change: unknown, user: User): Promise<Release>;
  /** Sets quantities (`2`, `"2"`, `"+1"`) and sizes. @throws AppError invalid_params, not_found, deploy_failed */
  scale(app: App, updates: { type: string; quantity?: unknown; size?: unknown }[], user: User): Promise<Release>;
  /** A new release with the slug and config of an earlier one. @throws AppError invalid_params, no_slug, deploy_failed */
  rollback(app: App, release: Release, user: User): Promise<Release>;
  /** Replaces dynos by fresh ones: all, those of a type (`worker`), or one (`web.1`). @throws AppError not_found */
  restart(app: App, which?: string): Promise<void>;
  /** Stops dynos at once; the formation's are replaced as after a crash. @throws AppError not_found */
  stop(app: App, which: string): Promise<void>;

  dynos(app: App): Promise<DynoView[]>;
  current(app: App): Release;
  releaseStatus(release: Release): { status: ReleaseStatus; current: boolean; updatedAt: string; eligibleForRollback: boolean };
  /** What the pusher of a build read, live while it runs, ending when it ends. */
  buildOutput(build: Build): NodeJS.ReadableStream;
};
