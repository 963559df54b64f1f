/** The pipeline as git, API and boot see it: every way in which an app changes. */

import type { Buildpack } from "../domain/buildpack.ts";
import type { App, Build, ConfigVars, Domain, Release, SniEndpoint, Slug, TestRun, User } from "../domain/model.ts";
import type { SwitchName } from "../domain/switches.ts";
import type { Builds } from "./builds.ts";
import type { DynoView } from "./dyno.ts";
import type { OneOffs } from "./one-offs.ts";
import type { Reviews } from "./review-apps.ts";
import type { TestPart } from "./test-gate.ts";

export type ReleaseStatus = "pending" | "succeeded" | "failed";

export type Pipeline = Builds & {
  /** Creates the app with v1 "Initial release"; its host answers from then on. A name is made up when none is given. @throws AppError invalid_params (bad or taken name) */
  createApp(name: string | undefined, user: User, options?: { ownerId?: string; config?: ConfigVars }): Promise<App>;
  /** The app answers under its new host from one instant on. @throws AppError invalid_params */
  renameApp(app: App, name: string): Promise<App>;
  /** Stops and removes everything of the app, its review apps first. */
  destroyApp(app: App): Promise<void>;

  /** Applies a change in Heroku's form; resolves when the new release serves. No release where nothing changes. @throws AppError invalid_params, deploy_failed, release_phase_failed */
  changeConfig(app: App, change: unknown, user: User): Promise<Release>;
  /** Sets quantities (`2`, `"2"`, `"+1"`) and sizes. @throws AppError invalid_params, not_found, deploy_failed */
  scale(app: App, updates: { type: string; quantity?: unknown; size?: unknown }[], user: User): Promise<Release>;
  /** A new release with a slug of the app's and the config that is current: what failed is tried again. @throws AppError no_slug, deploy_failed, release_phase_failed */
  releaseSlug(app: App, slug: Slug, description: string | undefined, user: User): Promise<Release>;
  /** A new release with the slug and config of an earlier one. @throws AppError invalid_params, no_slug, deploy_failed */
  rollback(app: App, release: Release, user: User): Promise<Release>;
  /** Releases in `app` what serves in `source`, with the config vars of `app`; never builds. @throws AppError no_slug, deploy_failed, release_phase_failed */
  promote(source: App, app: App, user: User): Promise<Release>;
  /** Replaces dynos by fresh ones: all, those of a type (`worker`), or one (`web.1`). @throws AppError not_found */
  restart(app: App, which?: string): Promise<void>;
  /** Stops dynos at once; the formation's are replaced as after a crash. @throws AppError not_found */
  stop(app: App, which: string): Promise<void>;

  /**
   * A name more under which the app answers; resolves when the router has it. Shows the certificate that is named, or else one that covers it.
   * @throws AppError invalid_params, conflict (in use), not_found (no such endpoint), router_unavailable: the domain is not there
   */
  addDomain(app: App, hostname: unknown, sniEndpoint: string | null | undefined): Promise<Domain>;
  /** Shows another certificate for a domain (its id or hostname), or none. @throws AppError invalid_params, not_found */
  bindDomain(app: App, domain: string, sniEndpoint: string | null): Promise<Domain>;
  /** @throws AppError not_found */
  removeDomain(app: App, domain: string): Promise<Domain>;
  /** Takes a certificate; resolves when handshakes for the domains that it covers use it. @throws AppError invalid_params */
  addSniEndpoint(app: App, certificate: { certificateChain: unknown; privateKey: unknown }): Promise<SniEndpoint>;
  /** Another certificate in the place of an endpoint's (its id or name); no connection is closed. @throws AppError invalid_params, not_found */
  replaceCertificate(app: App, endpoint: string, certificate: { certificateChain: unknown; privateKey: unknown }): Promise<SniEndpoint>;
  /** Its domains show another certificate that covers them, where there is one. @throws AppError invalid_params (ACM's), not_found */
  removeSniEndpoint(app: App, endpoint: string): Promise<SniEndpoint>;
  /** Turns maintenance mode or a feature on or off; resolves when the router does so. @throws AppError invalid_params */
  turn(app: App, name: Exclude<SwitchName, "acm">, on: boolean): Promise<void>;

  /** The buildpacks of the app's builds from the next one on, in order; none: its source says. */
  setBuildpacks(app: App, buildpacks: Buildpack[]): void;

  /** Those of the formation, then the one-off dynos. */
  dynos(app: App): Promise<DynoView[]>;
  oneOffs: OneOffs;
  reviews: Reviews;
  current(app: App): Release;
  releaseStatus(release: Release): { status: ReleaseStatus; current: boolean; updatedAt: string; eligibleForRollback: boolean };
  /** What the pusher of a build read, live while it runs, ending when it ends. */
  buildOutput(build: Build): NodeJS.ReadableStream;
  /** What a test run printed while it was built, or when it was tested: live while it goes on. */
  testOutput(run: TestRun, part: TestPart): NodeJS.ReadableStream;
};
