/**
 * `npm run bench:push [runs]`: from the start of `git push` to the first answer of the new version, for a change of source only,
 * beside `docker build` + `docker run` of the same app in the same run: a small app, one with 150 MB of dependencies, and that one with a
 * buildpack of its own that declares no layers. Prints medians and, for ours, the time of each stage.
 * `npm run bench:push 6 foreign` takes those whose name has that word.
 */

import { spawn } from "node:child_process";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { removeWorkspaces, workspace, type Workspace } from "../test/support/git-client.ts";
import { docker, startPaas } from "../test/support/paas.ts";
import { ensureEngine } from "../bin/setup/engine.ts";
import { thisHost } from "../bin/setup/host.ts";
import { writeLine } from "../bin/setup/progress.ts";
import { ensureStackImage } from "../bin/setup/stack-image.ts";
import { ensureBuildImage } from "../server/engine/build-image.ts";

const RUNS = Number(process.argv[2] ?? 20);
const HERE = import.meta.dirname;
const APPS = [
  { name: "hello-node", folder: join(HERE, "../examples/hello-node") },
  { name: "heavy-node", folder: join(HERE, "heavy-node") },
  { name: "foreign-node", folder: join(HERE, "heavy-node"), buildpack: join(HERE, "foreign-buildpack") },
].filter(({ name }) => name.includes(process.argv[3] ?? ""));
const POLL_MS = 5;
const DEPENDENCIES = "paas-bench-dependencies";

const host = thisHost(process.env);
await ensureEngine(host, writeLine);
const stackImage = await ensureStackImage(host, writeLine);
process.env["PAAS_STACK_IMAGE"] = stackImage;
const base = await ensureBuildImage(docker, { stackImage });
const paas = await startPaas({ PAAS_LOG_LEVEL: "info", PAAS_BUILDS_AHEAD: "8" });
try {
  for (const app of APPS) await compare(app);
} finally {
  await docker.getContainer("paas-bench-docker").remove({ force: true }).catch(() => undefined);
  for (const image of ["paas-bench-docker", DEPENDENCIES]) await docker.getImage(image).remove({ force: true }).catch(() => undefined);
  await paas.remove();
  await removeWorkspaces();
}

/** Pushes the app again and again, each time with one changed line, and prints how long it took. */
async function compare({ name, folder, buildpack }: (typeof APPS)[number]): Promise<void> {
  const repository = await workspace();
  await cp(folder, repository.dir, { recursive: true });
  if (buildpack !== undefined) {
    await cp(buildpack, join(repository.dir, "buildpack"), { recursive: true });
    await repository.commit({ ".buildpacks": "./buildpack\n" });
  }
  const source = await readFile(join(folder, "index.js"), "utf8");
  await writeFile(join(repository.dir, "Dockerfile"), dockerfile());
  await repository.commit({ "index.js": marked(source, "first") });
  const first = await pushToLive(name, repository, "first");
  await installDependencies(folder, name);
  await dockerBuildAndRun(name, repository, "first");

  const logged = paas.output().length;
  const ours: number[] = [];
  const theirs: number[] = [];
  const begun: number[] = [];
  for (let run = 1; run <= RUNS; run += 1) {
    const mark = `run ${run}`;
    await repository.commit({ "index.js": marked(source, mark) });
    begun.push(Date.now());
    ours.push(await pushToLive(name, repository, mark));
    theirs.push(await dockerBuildAndRun(name, repository, mark));
    process.stdout.write(`${name}, ${mark}: push ${Math.round(ours.at(-1) ?? 0)} ms, docker build + run ${Math.round(theirs.at(-1) ?? 0)} ms\n`);
  }

  process.stdout.write(`\n${name}, median of ${RUNS}, ms    p50     p90\n`);
  process.stdout.write(`git push → live        ${quantile(ours, 0.5)}    ${quantile(ours, 0.9)}   (no request fails meanwhile; the first push took ${Math.round(first)})\n`);
  process.stdout.write(`docker build + run     ${quantile(theirs, 0.5)}    ${quantile(theirs, 0.9)}   (the app is down between the two)\n`);
  process.stdout.write(`ratio                  ${(quantile(ours, 0.5) / quantile(theirs, 0.5)).toFixed(2)}\n\nstages of the push, medians, ms\n`);
  for (const [stage, ms] of stages(paas.output().slice(logged), begun)) process.stdout.write(`  ${stage.padEnd(22)} ${ms}\n`);
  process.stdout.write("\n");
}

/** Milliseconds from the start of the push to the first answer that carries the mark. */
async function pushToLive(app: string, repo: Workspace, mark: string): Promise<number> {
  const began = performance.now();
  const pushing = repo.push(paas.remote(app));
  const live = untilAnswers(mark, async () => (await paas.get(app, "/mark")).body);
  const { code, output } = await pushing;
  if (code !== 0) throw new Error(output);
  return (await live) - began;
}

/** The same change by hand: build the image, remove the container, run the new one. */
async function dockerBuildAndRun(app: string, repo: Workspace, mark: string): Promise<number> {
  const name = "paas-bench-docker";
  const began = performance.now();
  await run("docker", ["build", "--quiet", "--tag", name, repo.dir], { DOCKER_BUILDKIT: "0" });
  await run("docker", ["rm", "--force", name]);
  await run("docker", ["run", "--detach", "--name", name, "--network", await networkOf(app), "--env", "PORT=5000", name]);
  const { NetworkSettings } = await docker.getContainer(name).inspect();
  const address = Object.values(NetworkSettings.Networks)[0]?.IPAddress ?? "";
  return (await untilAnswers(mark, async () => (await fetch(`http://${address}:5000/mark`)).text())) - began;
}

async function untilAnswers(mark: string, ask: () => Promise<string>): Promise<number> {
  for (const until = performance.now() + 300_000; performance.now() < until; ) {
    if ((await ask().catch(() => "")) === mark) return performance.now();
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`"${mark}" was not answered within five minutes`);
}

function marked(source: string, mark: string): string {
  return source.replace('app.get("/"', `app.get("/mark", (request, response) => response.type("text").send(${JSON.stringify(mark)}));\napp.get("/"`);
}

/** As careful people write it: the dependencies in a layer below, used again while the lock file stays. */
function dockerfile(): string {
  return [`FROM ${DEPENDENCIES}`, "COPY index.js ./", 'CMD ["node", "index.js"]', ""].join("\n");
}

/** That layer, made once. In a container with the app's network: a `RUN npm ci` has no name resolution everywhere. */
async function installDependencies(folder: string, app: string): Promise<void> {
  const name = "paas-bench-install";
  const env = ["PATH=/opt/paas/node/bin:/usr/bin:/bin", "NODE_ENV=production", "NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt", "npm_config_cache=/tmp/npm"];
  await run("docker", ["create", "--name", name, "--network", await networkOf(app), "--workdir", "/app", ...env.flatMap((pair) => ["--env", pair]), base, "npm", "ci", "--omit=dev"]);
  try {
    for (const file of ["package.json", "package-lock.json"]) await run("docker", ["cp", join(folder, file), `${name}:/app/${file}`]);
    await run("docker", ["start", "--attach", name]);
    await run("docker", ["commit", ...env.flatMap((pair) => ["--change", `ENV ${pair}`]), name, DEPENDENCIES]);
  } finally {
    await run("docker", ["rm", "--force", name]);
  }
}

async function networkOf(app: string): Promise<string> {
  const { id } = (await paas.api<{ id: string }>("GET", `/apps/${app}`)).body;
  const filters = { label: [`paas.instance=${paas.instance()}`, `paas.app=${id}`] };
  return (await docker.listNetworks({ filters }))[0]?.Name ?? "bridge";
}

/** Stages of each deploy in the log, and what git's client did before: it lists the refs, packs what is new and sends it. */
function stages(log: string, begun: number[]): [string, number][] {
  const times = new Map<string, number[]>();
  for (const [run, line] of log.split("\n").filter((text) => text.includes("deploy succeeded")).entries()) {
    const { startedAt, stages: found } = JSON.parse(line) as { startedAt: string; stages: Record<string, number> };
    for (const [stage, ms] of Object.entries({ "git client": Date.parse(startedAt) - (begun[run] ?? 0), ...found })) times.set(stage, [...(times.get(stage) ?? []), ms]);
  }
  return [...times].map(([stage, values]) => [stage, quantile(values, 0.5)]);
}

function quantile(values: number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0);
}

function run(program: string, args: string[], env: Record<string, string> = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "pipe"] });
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(`${program} ${args.join(" ")}: ${errors}`))));
  });
}
