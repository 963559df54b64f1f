/** What every step of the pipeline works with; built once in app.ts. */

import type { Logger } from "pino";
import type { Router } from "../../proxy/client.ts";
import type { Gatherer } from "../buildpacks/gather.ts";
import type { OwnBuildpack } from "../buildpacks/own.ts";
import type { Config } from "../config.ts";
import type { Engine } from "../engine/engine.ts";
import type { Store } from "../store/store.ts";
import type { AppLock } from "./app-lock.ts";
import type { PlatformEvents } from "./events.ts";
import type { HealthWatch } from "./health-watch.ts";

export type Parts = {
  config: Config;
  store: Store;
  engine: Engine;
  router: Router;
  buildpacks: { own: OwnBuildpack[]; gather: Gatherer };
  lock: AppLock;
  log: Logger;
  /** What happens to apps is told here, and nowhere else. */
  events: PlatformEvents;
  /** Asks the dynos that serve how they are. */
  health: HealthWatch;
  /** Ids of dynos whose discarding is under way: nobody counts on them, nobody discards them twice. */
  retiring: Set<string>;
  /** The port that the router really listens on. */
  routerPort(): number;
  /** ISO 8601. */
  now(): string;
};
