/** The build image: the stack image plus our buildpacks, Node, npm and the host's CA bundle. Builds run in it and slugs are layers on it. */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type Docker from "dockerode";
import { pack, type Pack } from "tar-stream";

const REPOSITORY = "paas-build";
const HASH_LABEL = "paas.build-image";
/** Raise it when the image is put together in another way: it is made anew then. */
const RECIPE = 2;
/** Programs of our buildpacks, each with all that it imports: one file is loaded in half the time of thirty. */
const PROGRAMS = /^(?:[a-z]+\/lib\/compile|lib\/contents)\.ts$/;
/** Where our buildpacks lie. */
export const BUILDPACKS = join(import.meta.dirname, "../../buildpacks");
const HOME = "/opt/paas";
const CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt";
/** Who runs builds and dynos; buildpacks/prepare gives it a name. */
export const DYNO_USER = "10000:10000";
const LEFT_OUT_OF_NPM = /^(man|docs)(\/|$)/;
const OTHER_ARCHITECTURES = new RegExp(`^node/openssl/archs/(?!linux-${process.arch === "arm64" ? "aarch64" : "x86_64"}(/|$))`);
/** What people and the stack image's maker read. */
const NOT_IN_IMAGE = /^(packages\.txt|README\.md)$/;
const IN_BIN = new Set(["build", "keep", "checksum", "differences", "amend", "report", "slugignore", "pointers", "place-buildpacks", "start", "become", "install-packages", "test"]);
const KEPT_SECONDS = 24 * 3600;
const PREPARE_TIMEOUT_MS = 60_000;

export type BuildImageOptions = {
  stackImage: string;
  /** Certificates that builds trust; default: the host's own. */
  caBundle?: string | undefined;
  onProgress?: (line: string) => void;
};

/**
 * Returns the tag of the image that builds run in, making it first where the engine lacks it (about 5 s; a few ms where it is there).
 * The tag tells the content: another stack image, buildpack, Node, npm or CA bundle makes another image.
 * @throws Error when the stack image is missing or cannot run our Node.
 */
export async function ensureBuildImage(docker: Docker, options: BuildImageOptions): Promise<string> {
  const content = await contentOf(docker, options);
  const reference = `${REPOSITORY}:${content.hash}`;
  if (await hasImage(docker, reference)) return reference;
  options.onProgress?.("making the build image");

  const container = await docker.createContainer({
    Image: options.stackImage,
    Cmd: ["/bin/bash", `${HOME}/prepare`],
    User: "0:0",
    Labels: { [HASH_LABEL]: content.hash },
    NetworkDisabled: true,
    HostConfig: { NetworkMode: "none" },
  });
  try {
    await putFiles(container, content);
    await prepare(container);
    const changes = [`LABEL ${HASH_LABEL}=${content.hash}`, `ENV HOME=/app LANG=C.UTF-8`, `USER ${DYNO_USER}`, "WORKDIR /app", "CMD []"];
    await container.commit({ repo: REPOSITORY, tag: content.hash, changes: changes.join("\n") });
    await removeOld(docker, reference);
  } finally {
    await container.remove({ force: true, v: true });
  }
  return reference;
}

/** Forgets build images of versions before; the layers that slugs stand on stay with them. A day's are kept: a step back to them is quick. */
async function removeOld(docker: Docker, current: string): Promise<void> {
  const before = Date.now() / 1000 - KEPT_SECONDS;
  const images = await docker.listImages({ filters: { reference: [REPOSITORY] } });
  const old = images.filter(({ Created }) => Created < before).flatMap(({ RepoTags }) => RepoTags ?? []).filter((tag) => tag.startsWith(`${REPOSITORY}:`) && tag !== current);
  // One that another installation removes at the same time, or builds in, is left to it.
  await Promise.allSettled(old.map((tag) => docker.getImage(tag).remove()));
}

type Content = { hash: string; files: Map<string, string>; folders: { from: string; to: string; leaveOut?: RegExp }[]; caBundle: string };

async function contentOf(docker: Docker, options: BuildImageOptions): Promise<Content> {
  const stack = await docker.getImage(options.stackImage).inspect();
  const caBundle = options.caBundle ?? CA_BUNDLE;
  const npm = packageFolder("npm");
  const corepack = packageFolder("corepack");
  const node = packageFolder(`node-linux-${process.arch}`);

  const files = new Map<string, string>();
  for (const path of await filesUnder(BUILDPACKS)) if (!NOT_IN_IMAGE.test(path)) files.set(path, join(BUILDPACKS, path));

  const hash = createHash("sha256").update(JSON.stringify([RECIPE, stack.Id]));
  // Reading Node's binary would take 100 ms; what a version contains never changes.
  for (const folder of [node, npm, corepack, packageFolder("esbuild")]) hash.update(await readFile(join(folder, "package.json")));
  hash.update(await readFile(caBundle));
  for (const [path, source] of files) hash.update(`${path}\0${(await stat(source)).mode & 0o111}\0`).update(await readFile(source));

  return {
    hash: hash.digest("hex").slice(0, 12),
    files,
    caBundle,
    folders: [
      { from: join(node, "bin"), to: "node/bin" },
      { from: join(node, "include"), to: "node/include", leaveOut: OTHER_ARCHITECTURES },
      { from: npm, to: "node/lib/node_modules/npm", leaveOut: LEFT_OUT_OF_NPM },
      { from: corepack, to: "node/lib/node_modules/corepack" },
    ],
  };
}

/** Where a dependency of ours is installed, wherever npm put it. */
function packageFolder(name: string): string {
  return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
}

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
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

async function putFiles(container: Docker.Container, content: Content): Promise<void> {
  const archive = pack();
  const sent = container.putArchive(Readable.from(archive), { path: "/" });
  await Promise.all([sent, writeArchive(archive, content)]);
}

async function writeArchive(archive: Pack, { files, folders, caBundle }: Content): Promise<void> {
  const inHome = (path: string) => `${HOME.slice(1)}/${path}`;
  await addFile(archive, caBundle, CA_BUNDLE.slice(1), 0o644);
  const programs = [...files].filter(([path]) => PROGRAMS.test(path));
  for (const { path, contents } of await bundle(programs.map(([, source]) => source))) {
    archive.entry({ name: inHome(`buildpacks/${relative(BUILDPACKS, path)}`), mode: 0o644, mtime: new Date(0) }, Buffer.from(contents));
  }
  for (const [path, source] of files) {
    if (!path.endsWith(".ts")) await addFile(archive, source, inHome(IN_BIN.has(path) ? `bin/${path}` : path === "prepare" ? path : `buildpacks/${path}`));
  }
  for (const { from, to, leaveOut } of folders) {
    for (const path of await filesUnder(from)) {
      if (!leaveOut?.test(path)) await addFile(archive, join(from, path), inHome(`${to}/${path}`));
    }
  }
  const links = { npm: "npm/bin/npm-cli.js", npx: "npm/bin/npx-cli.js", corepack: "corepack/dist/corepack.js" };
  for (const [name, target] of Object.entries(links)) {
    archive.entry({ name: inHome(`node/bin/${name}`), type: "symlink", linkname: `../lib/node_modules/${target}` });
  }
  archive.finalize();
}

/** @returns a script of each program, beside it. */
async function bundle(programs: string[]): Promise<{ path: string; contents: Uint8Array }[]> {
  const { build, stop } = await import("esbuild");
  try {
    const { outputFiles } = await build({ entryPoints: programs, outdir: BUILDPACKS, outbase: BUILDPACKS, outExtension: { ".js": ".mjs" }, bundle: true, write: false, platform: "node", target: "node24", format: "esm", logLevel: "silent" });
    return outputFiles;
  } finally {
    await stop();
  }
}

/** Files belong to root, so that no build can alter what it runs by. */
async function addFile(archive: Pack, source: string, name: string, mode?: number): Promise<void> {
  const found = await stat(source);
  const entry = archive.entry({ name, size: found.size, mode: mode ?? (found.mode & 0o111 ? 0o755 : 0o644), mtime: new Date(0) });
  await pipeline(createReadStream(source), entry);
}

async function prepare(container: Docker.Container): Promise<void> {
  await container.start();
  const { StatusCode } = (await container.wait({ abortSignal: AbortSignal.timeout(PREPARE_TIMEOUT_MS) })) as { StatusCode: number };
  if (StatusCode === 0) return;
  const said = await container.logs({ stdout: true, stderr: true, tail: 20 });
  throw new Error(`The build image could not be made: ${said.toString("utf8").replace(/[^\n\x20-\x7e]/g, "").trim()}`);
}
