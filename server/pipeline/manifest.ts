/** What the pushed tree says about itself, read and checked before any time is spent on it. */

import { appJsonIn, EMPTY_APP_JSON, MAX_APP_JSON_BYTES, parseAppJson, type AppJson, type Environment } from "../domain/app-json.ts";
import { MAX_PROCFILE_BYTES, parseProcfile } from "../domain/procfile.ts";
import type { Source } from "./source.ts";

/**
 * Reads app.json, and looks whether there is anything wrong with the Procfile: the one of the built tree counts later.
 * @param environment as which app.json is to be seen, where the app is not the real one
 * @throws AppError invalid_params
 */
export async function readManifest(source: Source, environment?: Environment): Promise<AppJson> {
  const [file, procfile] = await Promise.all([source.readFile("app.json", MAX_APP_JSON_BYTES), source.readFile("Procfile", MAX_PROCFILE_BYTES)]);
  const appJson = file ? parseAppJson(file) : EMPTY_APP_JSON;
  if (procfile) parseProcfile(procfile);
  return environment ? appJsonIn(appJson, environment) : appJson;
}
