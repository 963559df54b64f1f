/** What is turned on and off without a release: maintenance mode and the two ways of insisting on TLS. All of it is the route's. */

import type { App } from "../domain/model.ts";
import { invalidParams } from "../errors.ts";
import type { RoutingParts } from "./domains.ts";
import type { Pipeline } from "./pipeline.ts";

/** @param reroute brings the app's route to what the database says, without starting anything. */
export function createSwitches({ store, lock, config, now, log }: RoutingParts, reroute: (app: App) => Promise<unknown>): Pick<Pipeline, "turn"> {
  return {
    turn: (app, name, on) =>
      lock.run(app.id, async () => {
        const before = store.switches.of(app.id).has(name);
        if (name === "force-https" && on && config.httpsPort === undefined)
          throw invalidParams("enabled: force-https would lead nowhere, for the router has no port for TLS. The operator sets one (PAAS_HTTPS_PORT).");
        store.switches.set(app.id, name, on, now());
        try {
          await reroute(app);
        } catch (error) {
          if (store.apps.find(app.id)) store.switches.set(app.id, name, before, now());
          throw error;
        }
        log.info({ app: app.name, switch: name, on }, "switched");
      }),
  };
}
