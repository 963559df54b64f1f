/** Gems for apps that bring theirs along, made of Debian's packages: they are real, and no gem server is asked. */

import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import type Docker from "dockerode";
import { extract } from "tar-stream";
import { ensureBuildImage } from "../../server/engine/build-image.ts";
import { createPackageImages } from "../../server/engine/package-images.ts";
import { demultiplex } from "../../server/engine/streams.ts";

const SCRIPT = readFileSync(join(import.meta.dirname, "debian-gems.rb"), "utf8");
const MADE = "/tmp/app";

/**
 * @param packages Debian packages of the gems that the Gemfile names; what they need comes with them
 * @returns Gemfile, Gemfile.lock and vendor/cache, by path
 */
export async function appWithDebianGems(docker: Docker, gemfile: string, packages: string[]): Promise<Record<string, string | Buffer>> {
  const image = await imageWith(docker, ["ruby", "bundler", "patchelf", ...packages]);
  return await gemsOf(docker, image, gemfile);
}

/** The same of an image that has the packages. */
export async function gemsOf(docker: Docker, image: string, gemfile: string): Promise<Record<string, string | Buffer>> {
  const container = await docker.createContainer({ Image: image, Cmd: ["ruby", "-e", SCRIPT, MADE], Env: [`GEMFILE=${gemfile}`, "HOME=/tmp"], HostConfig: { NetworkMode: "none", CapDrop: ["ALL"] } });
  try {
    await container.start();
    const { StatusCode } = (await container.wait()) as { StatusCode: number };
    if (StatusCode !== 0) throw new Error(`the gems could not be made:\n${demultiplex((await container.logs({ stdout: true, stderr: true })) as unknown as Buffer, 65536)}`);
    return await filesAt(container, MADE);
  } finally {
    await container.remove({ force: true, v: true });
  }
}

async function imageWith(docker: Docker, packages: string[]): Promise<string> {
  const lists = await mkdtemp(join(tmpdir(), "paas-gems-"));
  try {
    await mkdir(join(lists, "gems"));
    await writeFile(join(lists, "gems/packages.txt"), packages.join("\n"));
    const base = await ensureBuildImage(docker, { stackImage: process.env["PAAS_STACK_IMAGE"] ?? "" });
    return await createPackageImages(docker, lists).ensure(base, ["gems"], { instance: "", appId: "", network: "bridge" }, () => {});
  } finally {
    await rm(lists, { recursive: true });
  }
}

async function filesAt(container: Docker.Container, folder: string): Promise<Record<string, Buffer>> {
  const entries = extract();
  ((await container.getArchive({ path: folder })) as Readable).pipe(entries);
  const found: Record<string, Buffer> = {};
  for await (const entry of entries) {
    const content = await buffer(entry as unknown as Readable);
    if (entry.header.type === "file") found[entry.header.name.replace(/^[^/]*\//, "")] = content;
  }
  return found;
}
