import type { Logger } from "pino";
import type { Config } from "../config.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import type { Store } from "../store/store.ts";

/** What the API stands on. Reads may use the store; every change goes through the pipeline. */
export type ApiDeps = {
  config: Config;
  store: Store;
  pipeline: Pipeline;
  log: Logger;
  routerPort(): number;
  apiPort(): number;
  /** Whether the control plane has come up whole. */
  ready(): boolean;
};
