/** The stack: the image that builds and dynos run in, made from Debian's packages so that no image registry is needed. */

import { createHash } from "node:crypto";
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import type Docker from "dockerode";
import { debianSources, stackSuite } from "./debian-sources.ts";
import { untilDone } from "./engine-answer.ts";
import { engineClient, engineEndpoint } from "./engine.ts";
import { ensurePrograms } from "./host-packages.ts";
import type { Host } from "./host.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import { withProgress, type Write } from "./progress.ts";
import { lastLines, runCommand } from "./run-command.ts";
import { SetupError } from "./setup-error.ts";

const REPOSITORY = "paas-stack";
const PACKAGE_LIST = new URL("../../buildpacks/packages.txt", import.meta.url);
const MAKE_MINUTES = 15;
/** Raise it when the steps below change: the image is made anew then. */
const RECIPE = 1;
const LEFT_OUT = ["/usr/share/man/*", "/usr/share/doc/*", "/usr/share/info/*", "/usr/share/lintian/*", "/usr/share/locale/*"];
const KEPT_ALL_THE_SAME = ["/usr/share/doc/*/copyright", "/usr/share/locale/locale.alias"];
const ENVIRONMENT = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8" };

/** The reference of the image that this checkout builds and runs apps in: PAAS_STACK_IMAGE, or a name that tells what is in it. */
export function stackImageReference(host: Host): string {
  const named = host.env["PAAS_STACK_IMAGE"]?.trim();
  if (named) return named;
  const content = JSON.stringify([RECIPE, stackSuite(host), stackPackages(), LEFT_OUT, ENVIRONMENT]);
  return `${REPOSITORY}:${createHash("sha256").update(content).digest("hex").slice(0, 12)}`;
}

/**
 * Sees to it that the engine has the stack image: found, pulled (where PAAS_STACK_IMAGE names it) or made. Returns its reference.
 * Several processes at once make it once; a run that was cut off leaves nothing that a later one would take for the image.
 * @throws SetupError with what mmdebstrap or the engine said last.
 */
export async function ensureStackImage(host: Host, write: Write): Promise<string> {
  const reference = stackImageReference(host);
  const docker = engineClient(engineEndpoint(host.env));
  if (await hasImage(docker, reference)) return reference;
  await oneAtATime(`paas-stack-image ${host.env["DOCKER_HOST"] ?? ""} ${reference}`, async () => {
    if (await hasImage(docker, reference)) return;
    if (host.env["PAAS_STACK_IMAGE"]?.trim()) return await pullImage(docker, reference, write);
    await ensurePrograms(["mmdebstrap"], host, write, host.distribution === "debian" ? [] : ["debian-archive-keyring"]);
    await withProgress("making the stack image from Debian packages", "about 45 s the first time", write, () => makeImage(docker, reference, host));
  });
  return reference;
}

/** The packages of the stack, sorted. */
export function stackPackages(): string[] {
  const lines = readFileSync(PACKAGE_LIST, "utf8").split("\n");
  return lines.map((line) => line.replace(/#.*/, "").trim()).filter(Boolean).sort();
}

async function hasImage(docker: Docker, reference: string): Promise<boolean> {
  try {
    await docker.getImage(reference).inspect();
    return true;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return false;
    throw error;
  }
}

async function pullImage(docker: Docker, reference: string, write: Write): Promise<void> {
  await withProgress(`pulling the stack image ${reference}`, "a minute or so", write, async () => {
    try {
      const answer = await docker.pull(/[:@][^/]*$/.test(reference) ? reference : `${reference}:latest`);
      await untilDone(docker, answer);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new SetupError(`The image ${reference} (PAAS_STACK_IMAGE) could not be pulled: ${reason}. Unset PAAS_STACK_IMAGE to have one made here from Debian packages.`, { cause });
    }
  });
}

async function makeImage(docker: Docker, reference: string, host: Host): Promise<void> {
  const scratch = await cleanScratch(reference, host);
  const sources = join(scratch, "stack.list");
  writeFileSync(sources, `${debianSources(host).join("\n")}\n`);
  const args = mmdebstrapArguments(stackSuite(host), sources);
  const child = spawn("mmdebstrap", args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...host.env, TMPDIR: scratch },
    signal: AbortSignal.timeout(MAKE_MINUTES * 60_000),
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (said = (said + chunk).slice(-64 * 1024)));
  const ended = new Promise<string | undefined>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(code === 0 ? undefined : `it ended with ${code ?? signal}`));
  });
  const cutOff = new AbortController();
  try {
    await importTar(docker, reference, wholeOrNothing(child.stdout, ended, cutOff), cutOff.signal);
  } catch (cause) {
    child.kill();
    const problem = await ended;
    const detail = problem ? `${problem}. What mmdebstrap said last:\n${lastLines(said)}` : cause instanceof Error ? cause.message : String(cause);
    throw new SetupError(`The stack image could not be made: ${detail}`, { cause });
  } finally {
    await removeScratch(scratch, host);
  }
}

function mmdebstrapArguments(suite: string, sources: string): string[] {
  return [
    "--variant=minbase",
    "--format=tar",
    `--include=${stackPackages().join(",")}`,
    "--aptopt=Acquire::Languages \"none\"",
    ...LEFT_OUT.map((pattern) => `--dpkgopt=path-exclude=${pattern}`),
    ...KEPT_ALL_THE_SAME.map((pattern) => `--dpkgopt=path-include=${pattern}`),
    '--customize-hook=rm -rf "$1"/var/log/* "$1"/var/cache/* "$1"/var/lib/dpkg/*-old',
    suite,
    "-",
    sources,
  ];
}

/** The archive's bytes; its end only once mmdebstrap has ended well, for a tar cut short at a boundary imports without complaint. */
function wholeOrNothing(tar: Readable, ended: Promise<string | undefined>, cutOff: AbortController): Readable {
  const bytes = async function* (): AsyncGenerator<Buffer> {
    yield* tar;
    const problem = await ended;
    if (problem === undefined) return;
    cutOff.abort(new Error(problem));
    throw new Error(problem);
  };
  return Readable.from(bytes(), { objectMode: false }).on("error", (error) => cutOff.abort(error));
}

async function importTar(docker: Docker, reference: string, tar: Readable, abortSignal: AbortSignal): Promise<void> {
  const [repo, tag] = reference.split(":");
  const changes = [
    ...Object.entries(ENVIRONMENT).map(([name, value]) => `ENV ${name}=${value}`),
    `LABEL paas.stack=${reference}`,
    'CMD ["/bin/bash"]',
  ];
  const answer = await docker.importImage(tar, { repo, tag, changes, abortSignal });
  await untilDone(docker, answer);
}

/** mmdebstrap works in a folder of its own below this one; what a killed run left goes first (never across a mount that it may have made). */
async function cleanScratch(reference: string, host: Host): Promise<string> {
  const scratch = join(tmpdir(), `${reference.replace(":", "-")}-${host.uid}`);
  await removeScratch(scratch, host);
  mkdirSync(scratch, { mode: 0o755 });
  return scratch;
}

async function removeScratch(scratch: string, host: Host): Promise<void> {
  await runCommand("rm", ["-rf", "--one-file-system", "--", scratch], { env: host.env, timeoutMs: 60_000 });
}
