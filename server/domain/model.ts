/** The things that the control plane remembers, in Heroku's words (devcenter: platform-api-reference). Times are ISO 8601 in UTC. */

import type { AppJson } from "./app-json.ts";
import type { DeploymentState } from "./deployment.ts";
import type { Formation } from "./formation.ts";
import type { OwnImage } from "./own-image.ts";
import type { Scope } from "./scope.ts";

export type User = { id: string; email: string; name: string | null; admin: boolean; createdAt: string };

/** A person with what only they and admins see. The password is not among it. */
export type Account = User & { updatedAt: string; lastLogin: string | null; suspendedAt: string | null };

/** What a token stands for: whose it is and what it may be used for. The token itself is not kept. */
export type Authorization = {
  id: string;
  userId: string;
  description: string;
  scope: Scope[];
  /** Made by logging in with a browser. */
  session: boolean;
  createdAt: string;
  /** When its present token was made. */
  issuedAt: string;
  updatedAt: string;
  expiresAt: string | null;
};

export type Collaborator = { id: string; appId: string; userId: string; createdAt: string };

export type AppTransfer = { id: string; appId: string; ownerId: string; recipientId: string; state: "pending" | "accepted" | "declined"; createdAt: string; updatedAt: string };

export type PipelineStage = "test" | "review" | "development" | "staging" | "production";

/** Heroku's pipeline: apps that are stages of one thing. (In this code `pipeline` alone is the road of a push.) */
export type AppPipeline = { id: string; name: string; ownerId: string; createdAt: string; updatedAt: string };

export type PipelineCoupling = { id: string; pipelineId: string; appId: string; stage: PipelineStage; createdAt: string; updatedAt: string };

export type PipelinePromotion = { id: string; pipelineId: string; sourceAppId: string; sourceReleaseId: string; createdAt: string; updatedAt: string };

export type PromotionTarget = { id: string; promotionId: string; appId: string; releaseId: string | null; status: "pending" | "succeeded" | "failed"; errorMessage: string | null };

export type ReviewAppStatus = "pending" | "creating" | "created" | "errored" | "deleting";

/** An app of its own for a branch of another app. */
export type ReviewApp = {
  id: string;
  /** Null before it is made, and of one that failed. */
  appId: string | null;
  /** The app whose repository has the branch. */
  parentId: string;
  pipelineId: string | null;
  branch: string;
  prNumber: number | null;
  status: ReviewAppStatus;
  /** Why it failed, for people. */
  message: string | null;
  creatorId: string;
  createdAt: string;
  /** Of the last push: it is discarded so long after it. */
  updatedAt: string;
};

/** How a pipeline makes its review apps. */
export type ReviewAppConfig = {
  pipelineId: string;
  /** By pushes; otherwise through the API alone. */
  automatic: boolean;
  destroyStale: boolean;
  staleDays: number;
  /** What their names begin with; null: the parent's name. */
  baseName: string | null;
  createdAt: string;
  updatedAt: string;
};

/** Where an app's events are sent, and signed with what. Never show secret and authorization. */
export type Webhook = {
  id: string; appId: string; url: string; include: string[];
  /** `notify`: one attempt. `sync`: tried again for about a day. */
  level: "notify" | "sync";
  secret: string; authorization: string | null; createdAt: string; updatedAt: string;
};

export type WebhookEvent = { seq: number; id: string; appId: string; include: string; payload: Record<string, unknown>; createdAt: string };

export type WebhookAttempt = { id: string; createdAt: string; code: number | null; succeeded: boolean; error: string | null };

export type WebhookDelivery = {
  seq: number; id: string; webhookId: string; eventId: string; status: "pending" | "retrying" | "succeeded" | "failed"; attempts: number;
  nextAttemptAt: string | null; lastAttempt: WebhookAttempt | null; createdAt: string; updatedAt: string;
};

/** Somebody's change, as the audit trail has it. */
export type AuditEvent = {
  /** Ever growing. */
  seq: number;
  id: string;
  actorId: string;
  actorEmail: string;
  type: string;
  action: string;
  appId: string | null;
  appName: string | null;
  address: string;
  data: Record<string, unknown>;
  createdAt: string;
};

export type StoredSshKey = { id: string; userId: string; publicKey: string; comment: string; fingerprint: string; createdAt: string };

export type App = { id: string; name: string; ownerId: string; createdAt: string; updatedAt: string };

export type ConfigVars = Record<string, string>;

/** Process type → command line. */
export type ProcessTypes = Record<string, string>;

/** What a build made. The image is named by its digest, so it can never mean another one. */
export type Slug = {
  id: string;
  appId: string;
  image: string;
  /** The source's version: domain/source-version.ts. */
  commit: string;
  /** What the last buildpack calls itself. */
  buildpack: string;
  /** All that took part, in order: our folders' names. */
  buildpacks: string[];
  processTypes: ProcessTypes;
  appJson: AppJson;
  /** Set where the image came from a Dockerfile: how it is run. */
  ownImage?: OwnImage;
  stack: string;
  /** Bytes of the app's folder. */
  size: number;
  /** `SHA256:…` of names, modes and contents in it, which are the same for two builds of one commit; null of slugs from before it was taken. */
  checksum: string | null;
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

/** Where the archive of a build came from, as its sender said it. */
export type SourceBlob = { url: string; checksum: string | null; versionDescription: string | null };

export type Build = {
  id: string;
  appId: string;
  status: BuildStatus;
  /** The source's version: domain/source-version.ts. Empty as long as an archive without a version was not read. */
  commit: string;
  /** Null where it was pushed. */
  sourceBlob: SourceBlob | null;
  buildpack: string | null;
  slugId: string | null;
  releaseId: string | null;
  userId: string;
  reason: string | null;
  createdAt: string;
  updatedAt: string;
};

export type TestRunStatus = "pending" | "building" | "running" | "succeeded" | "failed" | "errored" | "cancelled";

/** One run of an app's tests, before a release (devcenter: platform-api-reference#test-run). */
export type TestRun = {
  id: string;
  appId: string;
  /** Of apps that the app was in when it was tested. */
  pipelineId: string | null;
  /** Grows within the app and within the pipeline. */
  number: number;
  status: TestRunStatus;
  commit: string;
  branch: string;
  /** The first line of the commit's. */
  message: string;
  /** Of the tests; null where they were not run, or did not end by themselves. */
  exitCode: number | null;
  reason: string | null;
  userId: string;
  createdAt: string;
  updatedAt: string;
};

/** How the certificate that an authority shall give stands, in Heroku's words. */
export type AcmStatus = "pending" | "failing" | "cert issued";

/** A custom domain. The host that every app has from birth has no row. */
export type Domain = {
  id: string;
  appId: string;
  /** Canonical: domain/custom-domain.ts. */
  hostname: string;
  /** The certificate that is shown for it. */
  sniEndpointId: string | null;
  /** Null where ACM has nothing to do with it. */
  acmStatus: AcmStatus | null;
  acmStatusReason: string | null;
  /** Tries since the last certificate. */
  acmFailures: number;
  /** When an authority is asked next. */
  acmDueAt: string | null;
  createdAt: string;
  updatedAt: string;
};

/** Where an app's log lines are sent. The URL may hold a password: show it to the app's people alone. */
export type LogDrain = {
  id: string;
  appId: string;
  url: string;
  /** `d.` and a UUID: what the receiver tells drains apart by. */
  token: string;
  createdAt: string;
  updatedAt: string;
};

/** A certificate and its private key: never show the key. */
export type SniEndpoint = {
  id: string;
  appId: string;
  /** Made up, such as `tokyo-12345`. */
  name: string;
  /** PEM: the certificate, then those that it was issued by. */
  certificateChain: string;
  privateKey: string;
  /** The domain that ACM got it for; null for one that a person brought. */
  acmDomainId: string | null;
  createdAt: string;
  updatedAt: string;
};
