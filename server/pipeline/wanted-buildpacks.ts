/** Which buildpacks a build uses: those set for the app, or else what its source says, or else those that recognise it. */

import type { AppJson } from "../domain/app-json.ts";
import { MAX_BUILDPACKS_FILE_BYTES, parseBuildpack, parseBuildpacksFile, type Buildpack } from "../domain/buildpack.ts";
import type { App } from "../domain/model.ts";
import type { Parts } from "./parts.ts";
import type { Source } from "./source.ts";

type Wanted = { source: Source; appJson: AppJson; purpose?: "test" | undefined; buildpacks?: Buildpack[] | undefined };

/**
 * In order; none: detection decides. What is set for the app comes first, then app.json, then a `.buildpacks` file. Tests are built as app.json
 * says, where it says anything: so they are on Heroku CI. Those given for this build alone come before all.
 * @throws AppError invalid_params naming the place
 */
export async function wantedBuildpacks({ store, buildpacks }: Pick<Parts, "store" | "buildpacks">, app: App, { source, appJson, purpose, buildpacks: given }: Wanted): Promise<Buildpack[]> {
  if (given) return given;
  const own = buildpacks.own.map(({ folder }) => folder);
  const set = store.buildpackInstallations.list(app.id).map((url) => parseBuildpack(url, "buildpack", own));
  const declared = appJson.buildpacks.map(({ url }, index) => parseBuildpack(url, `app.json: buildpacks[${index}].url`, own));
  const first = (purpose === "test" ? [declared, set] : [set, declared]).find((list) => list.length > 0);
  if (first) return first;
  const file = await source.readFile(".buildpacks", MAX_BUILDPACKS_FILE_BYTES);
  return file ? parseBuildpacksFile(file, own) : [];
}
