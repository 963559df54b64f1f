/**
 * What must hold of a platform whenever nothing is under way, whatever happened before: read from outside, from the database, the
 * engine, the router, the API and the data folder, and compared with each other and with the last look (DESIGN.md: invariants).
 */

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import Database from "better-sqlite3";
import { overload } from "./overload.ts";
import { docker, type Paas } from "./paas.ts";

const POLL_MS = 50;

export type ReleaseRow = {
  id: string; app_id: string; version: number; slug_id: string | null; config: string; formation: string;
  description: string; user_id: string; commit_sha: string | null; created_at: string;
};
export type DeploymentRow = { id: string; app_id: string; release_id: string; state: string };
type AppRow = { id: string; name: string };
type SlugRow = { id: string; app_id: string; image: string; pruned_at: string | null };
type DomainRow = { app_id: string; hostname: string; sni_endpoint_id: string | null };
export type Rows = { apps: AppRow[]; domains: DomainRow[]; maintained: { app_id: string }[]; releases: ReleaseRow[]; deployments: DeploymentRow[]; slugs: SlugRow[]; builds: { id: string; status: string }[] };

type Promised = { appId: string; version: number; commit: string | undefined };

export type Invariants = {
  /** A push that ended with exit code 0, or a change that the API acknowledged: it must never be lost. */
  acknowledge(app: string, release: { version: number; commit?: string }): void;
  /** Everything that does not hold now; empty when all does. */
  violations(): Promise<string[]>;
  /**
   * Waits until everything holds.
   * @returns milliseconds that it took
   * @throws Error naming what still does not hold after `withinMs` (of a machine that is not overloaded)
   */
  hold(withinMs?: number): Promise<number>;
};

export function createInvariants(paas: Paas): Invariants {
  /** Hash of every release row seen, by app id and number. */
  const seen = new Map<string, Map<number, string>>();
  const acknowledged: Promised[] = [];

  async function violations(): Promise<string[]> {
    const rows = readRows(paas.dataDir);
    const found = [...oneCurrent(rows), ...history(rows, seen), ...promises(rows, acknowledged), ...dataFolder(paas.dataDir, rows), ...gitChildren(paas.dataDir)];
    const [api, engine, router] = await Promise.all([apiAgrees(paas, rows), engineAgrees(paas, rows), routerAgrees(paas, rows)]);
    return [...found, ...api, ...engine, ...router];
  }

  return {
    acknowledge(app, { version, commit }) {
      // By id: the app may get another name.
      const appId = readRows(paas.dataDir).apps.find(({ name }) => name === app)?.id ?? app;
      acknowledged.push({ appId, version, commit });
    },
    violations,
    async hold(withinMs = 5000) {
      const began = performance.now();
      const limit = withinMs * overload();
      for (;;) {
        const found = await violations();
        const ms = performance.now() - began;
        if (found.length === 0) return ms;
        if (ms > limit) throw new Error(`after ${withinMs} ms these do not hold:\n${found.map((line) => `  ${line}`).join("\n")}\nthe control plane printed last:\n${withoutRequests(paas.output())}`);
        await sleep(POLL_MS);
      }
    },
  };
}

/** The end of a control plane's log, but for the requests that it answered. */
export function withoutRequests(output: string): string {
  return output.split("\n").filter((line) => !line.includes("request answered")).join("\n").slice(-4000);
}

/** All rows that matter, in one consistent read. The database is only read. */
export function readRows(dataDir: string): Rows {
  const db = new Database(join(dataDir, "paas.db"), { readonly: true, timeout: 5000 });
  try {
    return db.transaction(() => ({
      apps: db.prepare<[], AppRow>("SELECT id, name FROM apps").all(),
      releases: db.prepare<[], ReleaseRow>("SELECT * FROM releases ORDER BY app_id, version").all(),
      deployments: db.prepare<[], DeploymentRow>("SELECT id, app_id, release_id, state FROM deployments").all(),
      slugs: db.prepare<[], SlugRow>("SELECT id, app_id, image, pruned_at FROM slugs").all(),
      domains: db.prepare<[], DomainRow>("SELECT app_id, hostname, sni_endpoint_id FROM domains").all(),
      maintained: db.prepare<[], { app_id: string }>("SELECT app_id FROM app_switches WHERE name = 'maintenance' AND enabled = 1").all(),
      builds: db.prepare<[], { id: string; status: string }>("SELECT id, status FROM builds").all(),
    }))();
  } finally {
    db.close();
  }
}

function oneCurrent({ apps, deployments, builds }: Rows): string[] {
  const wrong = apps.map(({ id, name }) => ({ name, count: deployments.filter((row) => row.app_id === id && row.state === "current").length })).filter(({ count }) => count !== 1);
  return [
    ...wrong.map(({ name, count }) => `${name} has ${count} current releases`),
    ...deployments.filter(({ state }) => ["pending", "releasing", "starting"].includes(state)).map(({ id, state }) => `deployment ${id} is still ${state}`),
    ...builds.filter(({ status }) => status === "pending").map(({ id }) => `build ${id} is still pending`),
  ];
}

/** Numbers grow, no row changes, none is lost while its app lives. */
function history({ apps, releases }: Rows, seen: Map<string, Map<number, string>>): string[] {
  const found: string[] = [];
  for (const { id, name } of apps) {
    const own = releases.filter(({ app_id }) => app_id === id);
    const before = seen.get(id) ?? new Map<number, string>();
    const now = new Map(own.map((row) => [row.version, createHash("sha256").update(JSON.stringify(row)).digest("hex")]));
    const newest = Math.max(0, ...before.keys());
    for (const [version, hash] of before) if (now.get(version) !== hash) found.push(`v${version} of ${name} ${now.has(version) ? "changed" : "was lost"}`);
    for (const version of now.keys()) if (!before.has(version) && version <= newest) found.push(`v${version} of ${name} came after v${newest}`);
    own.slice(1).forEach((row, index) => {
      if (row.created_at < (own[index] as ReleaseRow).created_at) found.push(`v${row.version} of ${name} is older than the one before it`);
    });
    seen.set(id, new Map([...before, ...now]));
  }
  return found;
}

function promises({ apps, releases, deployments }: Rows, acknowledged: Promised[]): string[] {
  return acknowledged.flatMap(({ appId, version, commit }) => {
    const app = apps.find(({ id }) => id === appId)?.name ?? appId;
    const release = releases.find((row) => row.app_id === appId && row.version === version);
    const state = deployments.find(({ release_id }) => release_id === release?.id)?.state;
    if (!release || (commit !== undefined && release.commit_sha !== commit)) return [`v${version} of ${app} was acknowledged and is not there`];
    return state === "current" || state === "superseded" ? [] : [`v${version} of ${app} was acknowledged and is ${state}`];
  });
}

async function apiAgrees(paas: Paas, rows: Rows): Promise<string[]> {
  const found = await Promise.all(rows.apps.map(async ({ id, name }) => {
    const { status, body } = await paas.api<{ version: number; current: boolean; status: string }[]>("GET", `/apps/${name}/releases`);
    if (status !== 200 && status !== 206) return [`GET releases of ${name} answers ${status}`];
    const version = currentRelease(rows, id)?.version;
    const current = body.filter((release) => release.current).map((release) => release.version);
    const pending = body.filter((release) => release.status === "pending");
    // A page has 200 releases, oldest first.
    const shown = version !== undefined && version <= 200 ? isDeepStrictEqual(current, [version]) : current.length <= 1;
    return [...(shown ? [] : [`the API shows ${current.join(", ")} of ${name} as current, the database ${version}`]), ...pending.map((release) => `the API shows v${release.version} of ${name} as pending`)];
  }));
  return found.flat();
}

/** Dynos = formation of the current release, from its slug, with its config; nothing else of ours is in the engine. */
async function engineAgrees(paas: Paas, rows: Rows): Promise<string[]> {
  const filters = { label: [`paas.instance=${paas.instance()}`] };
  const [containers, networks, { Volumes }, images] = await Promise.all([
    paas.containers(), docker.listNetworks({ filters }), docker.listVolumes({ filters }), docker.listImages({ filters }),
  ]);
  const found: string[] = [];
  const wanted = new Set(rows.apps.flatMap(({ id, name }) => {
    const release = currentRelease(rows, id);
    return release?.slug_id ? wantedDynos(release).map((dyno) => `${name} ${dyno}`) : [];
  }));
  for (const { Id, Labels, State, ImageID } of containers) {
    const app = rows.apps.find(({ id }) => id === Labels["paas.app"]);
    const dyno = `${app?.name ?? "an app that is gone"} ${Labels["paas.type"]}.${Labels["paas.number"]}`;
    const what = `container ${Id.slice(0, 12)} (${Labels["paas.kind"]} ${dyno}, ${State})`;
    if (Labels["paas.kind"] !== "dyno" || State !== "running" || !wanted.delete(dyno)) {
      found.push(`${what} is one too many`);
      continue;
    }
    const release = app && currentRelease(rows, app.id);
    if (ImageID !== rows.slugs.find(({ id }) => id === release?.slug_id)?.image) found.push(`${what} is not of the current slug`);
    const env: string[] = await docker.getContainer(Id).inspect().then(({ Config }) => Config.Env, () => []);
    for (const [key, value] of Object.entries(JSON.parse(release?.config ?? "{}") as Record<string, string>)) if (!env.includes(`${key}=${value}`)) found.push(`${what} lacks the config var ${key}`);
  }
  for (const dyno of wanted) found.push(`the dyno ${dyno} does not run`);

  const appIds = new Set(rows.apps.map(({ id }) => id));
  const gone = (labels: Record<string, string> | undefined): boolean => !appIds.has(labels?.["paas.app"] ?? "");
  for (const { Name, Labels } of networks) if (gone(Labels)) found.push(`network ${Name} belongs to no app`);
  for (const { Name, Labels } of Volumes) if (gone(Labels)) found.push(`volume ${Name} belongs to no app`);
  const kept = new Set(rows.slugs.filter(({ pruned_at }) => pruned_at === null).map(({ image }) => image));
  for (const { Id } of images) if (!kept.has(Id)) found.push(`image ${Id.slice(7, 19)} belongs to no slug`);
  for (const image of kept) if (!images.some(({ Id }) => Id === image)) found.push(`the image ${image.slice(7, 19)} of a slug is gone`);
  return found;
}

async function routerAgrees(paas: Paas, rows: Rows): Promise<string[]> {
  const [routes, dynos, certificates] = await Promise.all([paas.router.routes(), paas.containers("dyno"), paas.router.certificates()]);
  const found = routes.filter(({ id }) => !rows.apps.some((app) => app.id === id)).map(({ hosts }) => `the router still serves ${hosts.join(", ")}`);
  for (const { id, name } of rows.apps) {
    const route = routes.find((candidate) => candidate.id === id);
    const current = rows.deployments.find((row) => row.app_id === id && row.state === "current");
    const web = dynos.filter(({ Labels, State }) => Labels["paas.app"] === id && Labels["paas.type"] === "web" && State === "running").map(({ Id }) => Id);
    const hosts = [`${name}.localhost`, ...rows.domains.filter(({ app_id }) => app_id === id).map(({ hostname }) => hostname)];
    const down = rows.maintained.some(({ app_id }) => app_id === id);
    const targets = route?.targets.map((target) => target.id) ?? [];
    if (!route) found.push(`the router does not know ${name}`);
    else if (route.deployment.split("/")[0] !== current?.id) found.push(`the router serves ${name} for another deployment than the current one`);
    else if (!isDeepStrictEqual(route.hosts.toSorted(), hosts.sort())) found.push(`the router serves ${name} as ${route.hosts.join(", ")}`);
    if (!isDeepStrictEqual(targets.sort(), down ? [] : web.sort())) found.push(`the router sends requests for ${name} to ${targets.length} targets that are not its ${web.length} web dynos`);
  }
  for (const { hostname, sni_endpoint_id } of rows.domains)
    if (sni_endpoint_id !== null && !certificates.some(({ id, hosts }) => id === sni_endpoint_id && hosts.includes(hostname))) found.push(`the router does not show the certificate of ${hostname}`);
  return found;
}

/** No temporary file, lock or quarantine; no repository or log of an app that is gone; a branch points at what served once. */
function dataFolder(dataDir: string, rows: Rows): string[] {
  const temporary = /(^tmp_objdir-|^\.new-|^\.removed-|\.next$|\.new$|\.corrupt-)/;
  const left = (path: string): boolean => temporary.test(path.split("/").at(-1) ?? "") || /^repositories\/.*\.lock$/.test(path);
  const found = filesBelow(dataDir).filter(left).map((path) => `${path} was left behind`);
  const listed = (folder: string): string[] => (existsSync(join(dataDir, folder)) ? readdirSync(join(dataDir, folder)) : []);
  for (const name of listed("repositories")) if (name !== ".empty.git" && !rows.apps.some(({ id }) => `${id}.git` === name)) found.push(`the repository ${name} belongs to no app`);
  for (const name of listed("builds")) if (!rows.builds.some(({ id }) => `${id}.log` === name)) found.push(`the log ${name} belongs to no build`);
  for (const { id, name } of rows.apps) {
    const commit = refOf(dataDir, id);
    const served = rows.releases.some((row) => row.app_id === id && row.commit_sha === commit && ["current", "superseded"].includes(rows.deployments.find(({ release_id }) => release_id === row.id)?.state ?? ""));
    if (commit !== undefined && !served) found.push(`main of ${name} points at ${commit}, which never served`);
  }
  return found;
}

/** Paths of all below a folder, relative to it. Folders that go away meanwhile are not waited for: readdir's own recursion fails of one. */
function filesBelow(root: string, folder = ""): string[] {
  try {
    return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? [path, ...filesBelow(root, path)] : [path];
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** The commit that the app's main branch points at on the platform. */
export function refOf(dataDir: string, appId: string, ref = "refs/heads/main"): string | undefined {
  const repository = join(dataDir, "repositories", `${appId}.git`);
  const loose = join(repository, ref);
  if (existsSync(loose)) return readFileSync(loose, "utf8").trim();
  const packed = join(repository, "packed-refs");
  return existsSync(packed) ? readFileSync(packed, "utf8").split("\n").find((line) => line.endsWith(` ${ref}`))?.slice(0, 40) : undefined;
}

function gitChildren(dataDir: string): string[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ");
      return command.startsWith("git") && readlinkSync(`/proc/${pid}/cwd`).startsWith(dataDir) ? [`${command.trim()} (process ${pid}) still runs`] : [];
    } catch {
      return []; // it ended meanwhile
    }
  });
}

export function currentRelease({ releases, deployments }: Rows, appId: string): ReleaseRow | undefined {
  const deployment = deployments.find((row) => row.app_id === appId && row.state === "current");
  return releases.find(({ id }) => id === deployment?.release_id);
}

function wantedDynos({ formation }: ReleaseRow): string[] {
  return Object.entries(JSON.parse(formation) as Record<string, { quantity: number }>).flatMap(([type, { quantity }]) => Array.from({ length: quantity }, (_, index) => `${type}.${index + 1}`));
}
