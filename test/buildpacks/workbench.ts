/** Runs real builds and real dynos of the real build image, on a network of its own; everything is gone at the end. */

import { once } from "node:events";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { request, type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import { join } from "node:path";
import { PassThrough, type Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import Docker from "dockerode";
import { extract, pack } from "tar-stream";
import { settingsHeader } from "../../server/engine/builds.ts";
import { ensureBuildImage } from "../../server/engine/build-image.ts";
import { createPackageImages } from "../../server/engine/package-images.ts";
import { createNetworks, removeNetwork } from "../../server/engine/networks.ts";
import { inRightImage } from "../../server/engine/right-image.ts";

const LABELS = { "paas.test": "buildpacks" };
const RANGE = "10.213.0.0/16";
const MEMORY_BYTES = 1024 * 2 ** 20;
const READY_MS = 20_000;

/** A source tree: path and content, `{ link }` for a symbolic link; a path that ends in a slash is an empty folder. */
export type Tree = Record<string, string | Buffer | { link: string } | { program: string }>;

export type BuildOptions = {
  config?: Record<string, string>;
  env?: Record<string, string>;
  /** Builds that name the same cache share it; without a name nothing is kept. */
  cache?: string;
  /** Buildpacks that come along, for the URLs in PAAS_BUILDPACKS. */
  archives?: Tree[];
  /** The buildpacks that the app's last slug was made with. */
  last?: string[];
  /** Keep what was built as an image, to start dynos of it. */
  keep?: boolean;
  /** The image of an earlier build, whose dependencies may be kept as they are. */
  on?: string;
};
export type Built = {
  code: number;
  /** Everything that the pusher would read; an image with packages that had to be made first is told in it. */
  output: string;
  /** What lies in /opt/paas/out, by name. */
  out: Record<string, string>;
  image: string;
  /** What lies in /app, by path: kind and mode. */
  tree(): Promise<Record<string, string>>;
  /** Paths that the build changed in its container. */
  changed: string[];
  /** A file of the build container, read without starting it again. */
  read(path: string): Promise<string>;
};
export type Answer = { status: number; headers: IncomingHttpHeaders; body: string };
export type Dyno = {
  output(): string;
  /** Resolves once the output matches. */
  says(pattern: RegExp): Promise<void>;
  get(path: string, headers?: OutgoingHttpHeaders, method?: string): Promise<Answer>;
  processes(): Promise<string[]>;
  signal(name: string): Promise<void>;
  /** The exit code, once all output has arrived. */
  ended(): Promise<number>;
};
export type Workbench = {
  docker: Docker;
  image: string;
  build(tree: Tree, options?: BuildOptions): Promise<Built>;
  start(image: string, command: string, env?: Record<string, string>): Promise<Dyno>;
  /** Runs the tests in what was built for them, where they may write, as server/engine/test-runs.ts has it. */
  runTests(image: string, env?: Record<string, string>): Promise<{ code: number; output: string }>;
  close(): Promise<void>;
};

/** @param other a build image and the folder of its buildpacks, instead of ours */
export async function openWorkbench(other?: { image: string; buildpacks: string }): Promise<Workbench> {
  const docker = new Docker();
  const image = other?.image ?? (await ensureBuildImage(docker, { stackImage: process.env["PAAS_STACK_IMAGE"] ?? "" }));
  const packages = createPackageImages(docker, other?.buildpacks);
  const network = docker.getNetwork(await createNetworks(docker, "buildpacks-test", RANGE)(String(process.pid)));
  const containers: Docker.Container[] = [];
  const images: string[] = [];
  const volumes = new Set<string>();

  const create = async (options: Docker.ContainerCreateOptions): Promise<Docker.Container> => {
    const container = await docker.createContainer({
      ...options,
      User: "10000:10000",
      Labels: LABELS,
      HostConfig: { Init: true, CapDrop: ["ALL"], SecurityOpt: ["no-new-privileges"], Memory: MEMORY_BYTES, NetworkMode: network.id, ...options.HostConfig },
    });
    containers.push(container);
    return container;
  };

  const start = async (image: string, command: string, env: Record<string, string>, HostConfig: Docker.HostConfig = {}): Promise<Dyno> => {
    const container = await create({ Image: image, Cmd: ["/opt/paas/bin/start", command], Env: Object.entries(env).map(([name, value]) => `${name}=${value}`), HostConfig });
    const output = collect(docker, await container.attach({ stream: true, stdout: true, stderr: true }));
    await container.start();
    const address = Object.values((await container.inspect()).NetworkSettings.Networks)[0]?.IPAddress ?? "";
    return {
      output: output.text,
      says: (pattern) => output.says(pattern),
      get: (path, headers = {}, method = "GET") => fetchWhenReady({ host: address, port: 5000, path, headers, method }),
      processes: async () => ((await container.top({ ps_args: "-o pid,args" })) as { Processes: string[][] }).Processes.map((line) => line[1] ?? ""),
      signal: async (name) => void (await container.kill({ signal: name })),
      ended: async () => {
        const { StatusCode } = (await container.wait()) as { StatusCode: number };
        await output.done;
        return StatusCode;
      },
    };
  };

  return {
    docker,
    image,

    async build(tree, { config = {}, env = {}, cache, archives = [], last = [], keep = false, on } = {}) {
      const volume = `paas-test-buildpacks-${process.pid}-${cache}`;
      if (cache) volumes.add(volume);
      const configTar = await tar(config);
      const archiveTars = await Promise.all(archives.map(tar));
      const place = { instance: "", appId: "", network: network.id };
      // What the pusher reads: both runs' output, and what is said between them.
      let said = "";
      const { exit, files, container } = await inRightImage(packages, image, last, place, { write: (line) => void (said += line) }, undefined, async (base, resumption) => {
        const variables = { STACK: "debian-12", SOURCE_VERSION: "0123456789abcdef", PAAS_ENV_BYTES: String(configTar.length), PAAS_BUILDPACK_BYTES: archiveTars.map(({ length }) => length).join(" "), ...env, ...resumption };
        const container = await create({
          Image: on ?? base,
          Cmd: ["/opt/paas/bin/build"],
          Env: on ? ["PAAS_KEEP=1"] : [],
          OpenStdin: true,
          StdinOnce: true,
          AttachStdin: true,
          HostConfig: cache ? { Binds: [`${volume}:/cache`] } : {},
        });
        const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
        const output = collect(docker, stream);
        await container.start();
        stream.end(Buffer.concat([settingsHeader(variables), configTar, ...archiveTars, await tar(tree)]));
        const { StatusCode } = (await container.wait()) as { StatusCode: number };
        await output.done;
        said += output.text();
        const left = Object.entries(await filesAt(container, "/opt/paas/out")).map(([name, content]) => [name, Buffer.from(content)] as const);
        return { exit: { code: StatusCode }, files: new Map(left), container };
      });
      const built: Built = { code: exit.code, output: said, out: Object.fromEntries([...files].map(([name, content]) => [name, content.toString()])), image: "", changed: [], read: async (path) => Object.values(await filesAt(container, path))[0] ?? "", tree: () => treeOf(container) };
      built.changed = ((await container.changes()) as { Path: string }[]).map(({ Path }) => Path);
      if (keep) {
        built.image = `paas-test-buildpacks:${process.pid}-${images.length}`;
        images.push(built.image);
        const [repo, tag] = built.image.split(":");
        await container.commit({ repo, tag });
      }
      return built;
    },

    start: (from, command, env = {}) => start(from, command, { PORT: "5000", DYNO: "web.1", ...env }, { ReadonlyRootfs: true, Tmpfs: { "/tmp": "" } }),

    async runTests(from, env = {}) {
      const tests = await start(from, "/opt/paas/bin/test", env);
      return { code: await tests.ended(), output: tests.output() };
    },

    async close() {
      const gone: PromiseSettledResult<unknown>[] = [];
      gone.push(...(await Promise.allSettled(containers.map((container) => container.remove({ force: true, v: true })))));
      // One that stands on another goes first: the engine mixes up removals of both at once.
      for (const name of images.toReversed()) gone.push(...(await Promise.allSettled([docker.getImage(name).remove({ force: true })])));
      gone.push(...(await Promise.allSettled([removeNetwork(docker, network.id), ...[...volumes].map((name) => docker.getVolume(name).remove())])));
      const stuck = gone.filter((result) => result.status === "rejected").map(({ reason }) => reason as unknown);
      if (stuck.length > 0) throw new AggregateError(stuck, "the workbench could not be cleared");
    },
  };
}

/** A folder of this repository as a source tree, without what git would leave out. */
export function folder(path: string): Tree {
  const root = join(import.meta.dirname, "../..", path);
  const names = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => !/(^|\/)(node_modules|dist)(\/|$)/.test(name));
  return Object.fromEntries(names.filter((name) => statSync(join(root, name)).isFile()).map((name) => [name, readFileSync(join(root, name), "utf8")]));
}

async function tar(tree: Tree): Promise<Buffer> {
  const archive = pack();
  for (const [name, content] of Object.entries(tree)) {
    if (name.endsWith("/")) archive.entry({ name, type: "directory" });
    else if (typeof content === "string" || Buffer.isBuffer(content)) archive.entry({ name }, content);
    else if ("link" in content) archive.entry({ name, type: "symlink", linkname: content.link });
    else archive.entry({ name, mode: 0o755 }, content.program);
  }
  archive.finalize();
  return await buffer(archive as unknown as Readable);
}

async function filesAt(container: Docker.Container, path: string): Promise<Record<string, string>> {
  const entries = extract();
  ((await container.getArchive({ path })) as Readable).pipe(entries);
  const found: Record<string, string> = {};
  for await (const entry of entries) {
    const content = await text(entry as unknown as Readable);
    if (entry.header.type === "file") found[entry.header.name.split("/").at(-1) ?? ""] = content;
  }
  return found;
}

async function treeOf(container: Docker.Container): Promise<Record<string, string>> {
  const entries = extract();
  ((await container.getArchive({ path: "/app" })) as Readable).pipe(entries);
  const found: Record<string, string> = {};
  for await (const entry of entries) {
    const { name, type, mode = 0, linkname } = entry.header;
    found[name.replace(/^app\/|\/$/g, "")] = `${type} ${mode.toString(8)}${type === "symlink" ? ` ${linkname}` : ""}`;
    entry.resume();
  }
  return found;
}

type Output = { text(): string; says(pattern: RegExp): Promise<void>; done: Promise<unknown> };

function collect(docker: Docker, stream: NodeJS.ReadWriteStream): Output {
  const both = new PassThrough();
  let said = "";
  both.setEncoding("utf8").on("data", (chunk: string) => (said += chunk));
  docker.modem.demuxStream(stream, both, both);
  const done = once(stream, "close").then(() => both.end());
  stream.on("end", () => (stream as unknown as Readable).destroy());
  return {
    text: () => said,
    done,
    says: async (pattern) => {
      while (!pattern.test(said)) {
        if ((stream as unknown as Readable).destroyed) throw new Error(`ended without saying ${pattern}: ${said}`);
        await Promise.race([once(both, "data"), done]);
      }
    },
  };
}

/** A dyno that has just started refuses connections: asked again until it listens. */
async function fetchWhenReady(options: { host: string; port: number; path: string; headers: OutgoingHttpHeaders; method: string }): Promise<Answer> {
  const deadline = Date.now() + READY_MS;
  for (;;) {
    try {
      return await fetchOnce(options);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ECONNREFUSED" || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function fetchOnce(options: object): Promise<Answer> {
  const sent = request({ ...options, agent: false });
  sent.end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
}
