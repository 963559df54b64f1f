/** Buildpacks that people set for an app. */

import { buildpackRef } from "../domain/buildpack.ts";
import type { Parts } from "./parts.ts";
import type { Pipeline } from "./pipeline.ts";

/** Neither a release nor a dyno changes: the next build asks. */
export function createBuildpackChanges({ store, now }: Pick<Parts, "store" | "now">): Pick<Pipeline, "setBuildpacks"> {
  return {
    setBuildpacks(app, buildpacks) {
      store.transaction(() => {
        store.buildpackInstallations.replace(app.id, buildpacks.map((buildpack) => buildpackRef(buildpack).url));
        store.apps.touch(app.id, now());
      });
    },
  };
}
