/** The things that the control plane remembers, in Heroku's words (devcenter: platform-api-reference). Times are ISO 8601 in UTC. */

import type { AppJson } from "./app-json.ts";
import type { DeploymentState } from "./deployment.ts";
import type { Formation } from "./formation.ts";

export type User = { id: string; email: string; name: string | null; admin: boolean; createdAt: string };

export type App = { id: string; name: string; ownerId: string; createdAt: string; updatedAt: string };

export type ConfigVars = Record<string, string>;

/** Process type → command line. */
export type ProcessTypes = Record<string, string>;

/** What a build made. The image is named by its digest, so it can never mean another one. */
export type Slug = {
  id: string;
  appId: string;
  image: string;
  commit: string;
  buildpack: string;
  processTypes: ProcessTypes;
  appJson: AppJson;
  stack: string;
  /** Bytes that this slug adds to the stack image. */
  size: number;
  /** Set when the image was removed from the engine. */
  prunedAt: string | null;
  createdAt: string;
};

/** Slug + config vars + formation: immutable once written. */
export type Release = {
  id: string;
  appId: string;
  version: number;
  slugId: string | null;
  config: ConfigVars;
  formation: Formation;
  description: string;
  userId: string;
  commit: string | null;
  createdAt: string;
};

/** The story of bringing one release to life. */
export type Deployment = {
  id: string;
  appId: string;
  releaseId: string;
  state: DeploymentState;
  /** Why it failed, for people. */
  reason: string | null;
  createdAt: string;
  updatedAt: string;
};

export type BuildStatus = "pending" | "succeeded" | "failed";

export type Build = {
  id: string;
  appId: string;
  status: BuildStatus;
  commit: string;
  buildpack: string | null;
  slugId: string | null;
  releaseId: string | null;
  userId: string;
  reason: string | null;
  createdAt: string;
  updatedAt: string;
};
