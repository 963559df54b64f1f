/** An app's dynos as its people see them: those that are wanted, up or not. */

import type { App } from "../domain/model.ts";
import { wantedDynos } from "./dyno-spec.ts";
import type { Parts } from "./parts.ts";
import type { DynoView } from "./dyno.ts";
import { currentTarget } from "./release.ts";
import type { Supervisor } from "./supervisor.ts";

/** Every wanted dyno, with the state that Heroku's word for it is. */
export async function viewDynos(parts: Parts, supervisor: Pick<Supervisor, "hasCrashed">, app: App): Promise<DynoView[]> {
  const { deployment, release, slug } = currentTarget(parts, app);
  const existing = await parts.engine.dynos(app.id);
  return wantedDynos(release, slug, parts.config.limits.dynoMemoryMb).map(({ type, number, fingerprint }) => {
    const name = `${type}.${number}`;
    const dyno = existing.find((candidate) => candidate.running && candidate.name === name && candidate.fingerprint === fingerprint);
    return {
      id: dyno?.id ?? `${deployment.id}/${name}`,
      name,
      type,
      command: slug?.processTypes[type] ?? "",
      size: release.formation[type]?.size ?? "",
      state: dyno ? "up" : supervisor.hasCrashed(app.id, name) ? "crashed" : "starting",
      release: { id: release.id, version: release.version },
      createdAt: dyno?.createdAt ?? deployment.updatedAt,
      updatedAt: dyno?.createdAt ?? deployment.updatedAt,
    };
  });
}
