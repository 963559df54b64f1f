/** Files of an app that real tools write, in a container that has them, when the app is about to be pushed. */

import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { extract, pack } from "tar-stream";
import { ensureBuildImage } from "../../server/engine/build-image.ts";
import { createPackageImages } from "../../server/engine/package-images.ts";
import { demultiplex } from "../../server/engine/streams.ts";
import { docker } from "../support/paas.ts";

/** Whom containers of the build image run as. */
const OWNER = { uid: 10000, gid: 10000 };

export type Files = Record<string, string | Buffer>;

export type Making = {
  /** Debian packages of the tools, and of what they make the files of. */
  packages: string[];
  /** Runs in the folder of the files. */
  command: string[];
  env?: Record<string, string>;
  /** What lies there before. */
  files?: Files;
  network: "none" | "bridge";
};

/** @returns what lies in the folder in the end, by path. @throws Error with what the command printed when it fails */
export async function madeFiles({ packages, command, env = {}, files = {}, network }: Making): Promise<Files> {
  const container = await docker.createContainer({
    Image: await imageWith(packages), Cmd: command, WorkingDir: "/tmp/app", Env: Object.entries({ HOME: "/tmp", ...env }).map(([name, value]) => `${name}=${value}`),
    HostConfig: { NetworkMode: network, CapDrop: ["ALL"] },
  });
  try {
    await container.putArchive(await tarOf(files), { path: "/tmp" });
    await container.start();
    const { StatusCode } = (await container.wait()) as { StatusCode: number };
    if (StatusCode !== 0) throw new Error(`the files of the app could not be made:\n${demultiplex((await container.logs({ stdout: true, stderr: true })) as unknown as Buffer, 65536)}`);
    return await filesAt((await container.getArchive({ path: "/tmp/app" })) as Readable);
  } finally {
    await container.remove({ force: true, v: true });
  }
}

async function imageWith(packages: string[]): Promise<string> {
  const lists = await mkdtemp(join(tmpdir(), "paas-made-"));
  try {
    await mkdir(join(lists, "tools"));
    await writeFile(join(lists, "tools/packages.txt"), packages.join("\n"));
    const base = await ensureBuildImage(docker, { stackImage: process.env["PAAS_STACK_IMAGE"] ?? "" });
    return await createPackageImages(docker, lists).ensure(base, ["tools"], { instance: "", appId: "", network: "bridge" }, () => {});
  } finally {
    await rm(lists, { recursive: true });
  }
}

async function tarOf(files: Files): Promise<Buffer> {
  const archive = pack();
  archive.entry({ name: "app", type: "directory", ...OWNER });
  for (const [name, content] of Object.entries(files)) archive.entry({ name: `app/${name}`, ...OWNER }, content);
  archive.finalize();
  return buffer(archive as unknown as Readable);
}

async function filesAt(archive: Readable): Promise<Record<string, Buffer>> {
  const entries = archive.pipe(extract());
  const found: Record<string, Buffer> = {};
  for await (const entry of entries) {
    const content = await buffer(entry as unknown as Readable);
    if (entry.header.type === "file") found[entry.header.name.replace(/^[^/]*\//, "")] = content;
  }
  return found;
}
