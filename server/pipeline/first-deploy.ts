/** What app.json asks for once in an app's life: config vars before its first release, the postdeploy script after it (devcenter: app-json-schema). */

import type { AppJson } from "../domain/app-json.ts";
import { firstConfig } from "../domain/first-config.ts";
import type { ConfigVars } from "../domain/model.ts";
import type { Target } from "./converge.ts";
import { STACK } from "./build.ts";
import { dynoSpec } from "./dyno-spec.ts";
import { detail, problem, topic, type Output } from "./output.ts";
import type { Parts } from "./parts.ts";
import { runToEnd } from "./run-to-end.ts";

/**
 * The config vars that the first release gets beside those that are set, told to the pusher by name. What is not offered here is told too.
 * @throws AppError invalid_params: one that is required has no value
 */
export function setUp({ app, release }: Target, appJson: AppJson, output: Output): ConfigVars {
  const added = firstConfig(appJson.env, release.config, app.name);
  const names = Object.keys(added);
  if (names.length > 0) {
    topic(output, "Setting config vars of app.json");
    detail(output, names.map((name) => (appJson.env[name]?.value ? name : `${name} (generated)`)).join("\n"));
  }
  if (appJson.addons.length > 0)
    problem(output, `app.json asks for add-ons, which are not offered here: ${appJson.addons.join(", ")}.\nAttach your own by config vars, such as DATABASE_URL.`);
  if (appJson.stack?.startsWith("heroku-")) problem(output, `app.json asks for the stack ${appJson.stack}, which is Heroku's: the app is built on ${STACK}.`);
  return added;
}

/** Runs a script of the release's app.json in a one-off dyno of it. @returns how it failed, as the end of a sentence; undefined where it did not or there is none */
export async function runScript(parts: Parts, { app, release, slug }: Target, name: "postdeploy" | "pr-predestroy", output: Output): Promise<string | undefined> {
  const command = slug?.appJson.scripts[name];
  if (!slug || !command) return undefined;
  topic(output, `Running ${name} script...`);
  const spec = { ...dynoSpec(app, release, slug, name, release.version, parts.config.limits.dynoMemoryMb), command };
  parts.events.emit({ kind: "dyno_starting", dyno: { appId: app.id, name: `${name}.${release.version}`, releaseVersion: release.version }, command });
  return runToEnd(parts, spec, output);
}

/**
 * The release serves whatever becomes of the script, and it does not run again by itself: Heroku, too, leaves the app as it is (devcenter:
 * app-json-schema#scripts). A push that is broken off does not end it, for it has this one chance.
 */
export async function runPostdeploy(parts: Parts, target: Target, output: Output): Promise<void> {
  const failed = await runScript(parts, target, "postdeploy", output).catch((err: unknown) => {
    parts.log.warn({ app: target.app.name, err }, "the postdeploy script could not be run");
    return "could not be run";
  });
  if (failed === undefined) return;
  parts.log.info({ app: target.app.name, failed }, "postdeploy script failed");
  problem(output, `The postdeploy script ${failed}.\nThe release serves all the same. Run it again with: paas run -a ${target.app.name} '${target.slug?.appJson.scripts.postdeploy ?? ""}'`);
}
