/** Several changes of one app at the same time, in chance order: whatever the order was, the releases must tell one story without a gap. */

import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { releasedVersion, type DeployedApp } from "./deployed-app.ts";
import { currentRelease, readRows, type ReleaseRow, type Rows } from "./invariants.ts";
import type { Paas } from "./paas.ts";
import type { seededRandom } from "./seeded-random.ts";

const SPREAD_MS = 400;

/**
 * A push, a config change, a scaling and a rollback of one app, each begun at a chance instant.
 * @throws Error when one of them was not acknowledged, or when the app is not what its releases say.
 */
export async function interleave(paas: Paas, app: DeployedApp, round: number, random: ReturnType<typeof seededRandom>): Promise<void> {
  const served = (await paas.api<{ version: number; eligible_for_rollback: boolean }[]>("GET", `/apps/${app.name}/releases`)).body.filter((release) => release.eligible_for_rollback);
  const target = random.pick(served).version;
  const quantity = 1 + random.below(2);
  const commit = await app.change({ text: `${app.name} ${round}` });
  const changes: (() => Promise<void>)[] = [
    async () => {
      const result = await app.start().done;
      if (result.code !== 0) throw new Error(`the push was rejected:\n${result.output}`);
      assertTold(readRows(paas.dataDir), app.id, releasedVersion(result), (release) => release.commit_sha === commit);
    },
    () => accepted(paas.api("PATCH", `/apps/${app.name}/config-vars`, { [`ROUND_${round}`]: String(random.below(1000)) }), 200),
    () => accepted(paas.api("PATCH", `/apps/${app.name}/formation`, { updates: [{ type: "web", quantity }] }), 200),
    () => accepted(paas.api("POST", `/apps/${app.name}/releases`, { release: `v${target}` }), 201),
  ];
  const delays = changes.map(() => random.next() * SPREAD_MS);
  await Promise.all(changes.map(async (change, index) => {
    await sleep(delays[index]);
    await change();
  }));
  const rows = readRows(paas.dataDir);
  const gaps = gapsInStory(rows, app.id);
  if (gaps.length > 0) throw new Error(`the releases of ${app.name} do not follow from each other:\n${gaps.join("\n")}`);
  await servesCurrent(paas, app, rows);
}

/** What in an app's releases does not follow from the release before it and the change that its description names. */
export function gapsInStory({ releases, deployments }: Rows, appId: string): string[] {
  const served = releases.filter(({ app_id, id }) => app_id === appId && deployments.find(({ release_id }) => release_id === id)?.state !== "failed");
  return served.slice(1).flatMap((release, index) => {
    const before = served[index] as ReleaseRow;
    const [, toVersion] = /^Rollback to v(\d+)$/.exec(release.description) ?? [];
    const source = toVersion === undefined ? before : served.find(({ version }) => version === Number(toVersion));
    const gap = source ? judge(release, before, source) : "goes back to a release that never served";
    return gap === undefined ? [] : [`v${release.version} (${release.description}) after v${before.version}: ${gap}`];
  });
}

function judge(release: ReleaseRow, before: ReleaseRow, source: ReleaseRow): string | undefined {
  const [config, configBefore] = [release.config, source.config].map((text) => JSON.parse(text) as Record<string, string>) as [Record<string, string>, Record<string, string>];
  const [, key] = /^Set (\w+) config vars$/.exec(release.description) ?? [];
  const [, scaled] = /^Scale web to (\d+)$/.exec(release.description) ?? [];
  const deployed = release.description.startsWith("Deploy ");
  const [formation, formationBefore] = [release.formation, before.formation].map((text) => (JSON.parse(text) as { web?: { quantity: number } }).web?.quantity);
  if (!isDeepStrictEqual({ ...config, [key ?? ""]: "" }, { ...configBefore, [key ?? ""]: "" })) return `its config is ${release.config}, not that of ${source.config}`;
  if (deployed ? release.slug_id === source.slug_id : release.slug_id !== source.slug_id) return "its slug is not the one that it should have";
  // A first deploy begins with one web dyno.
  if (formation !== Number(scaled ?? formationBefore ?? 1)) return `it has ${formation} web dynos instead of ${scaled ?? formationBefore}`;
  return undefined;
}

async function servesCurrent(paas: Paas, app: DeployedApp, rows: Rows): Promise<void> {
  const release = currentRelease(rows, app.id);
  const config = JSON.parse(release?.config ?? "{}") as Record<string, string>;
  for (const [key, value] of Object.entries(config).slice(-3)) {
    const { body } = await paas.get(app.name, `/env/${key}`);
    if (body !== value) throw new Error(`${app.name} sees ${key}=${body}, its current release has ${value}`);
  }
}

function assertTold({ releases }: Rows, appId: string, version: number, matches: (release: ReleaseRow) => boolean): void {
  if (!releases.some((release) => release.app_id === appId && release.version === version && matches(release))) throw new Error(`the push was told of v${version}, which is not there`);
}

async function accepted(call: Promise<{ status: number; body: unknown }>, status: number): Promise<void> {
  const answer = await call;
  if (answer.status !== status) throw new Error(`answered ${answer.status}: ${JSON.stringify(answer.body)}`);
}
