import type { Logger } from "pino";
import type { OwnBuildpack } from "../buildpacks/own.ts";
import type { Acm } from "../certificates/acm.ts";
import type { Config } from "../config.ts";
import type { Audit } from "../identity/audit.ts";
import type { Identities } from "../identity/identity.ts";
import type { Logs } from "../logs/logs.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import type { Branches } from "../pipeline/source.ts";
import type { Sources } from "../sources/sources.ts";
import type { Store } from "../store/store.ts";
import type { WebhookService } from "../webhooks/webhooks.ts";

/** What the API stands on. Reads may use the store; every change goes through the pipeline. */
export type ApiDeps = {
  config: Config;
  store: Store;
  identities: Identities;
  audit: Audit;
  webhooks: WebhookService;
  pipeline: Pipeline;
  sources: Sources;
  ownBuildpacks: OwnBuildpack[];
  branches: Pick<Branches, "find">;
  acm: Acm;
  logs: Logs;
  log: Logger;
  routerPort(): number;
  /** Undefined where the router serves no TLS. */
  routerTlsPort(): number | undefined;
  apiPort(): number;
  /** The API's own port for TLS; undefined where it is switched off. */
  tlsPort(): number | undefined;
  /** Whether the control plane has come up whole. */
  ready(): boolean;
};
