import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { pack } from "tar-stream";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createStopwatch } from "../../server/pipeline/stopwatch.ts";
import { baseImage } from "../support/dockerfile-app.ts";
import { overload } from "../support/overload.ts";
import { docker, install, type Installation } from "./workshop.ts";

vi.setConfig({ testTimeout: 150_000 * overload(), hookTimeout: 150_000 * overload() });

let ours: Installation;
let base: Awaited<ReturnType<typeof baseImage>>;
beforeAll(async () => {
  [ours, base] = await Promise.all([install(), baseImage()]);
});
afterAll(async () => {
  await ours.clear();
  await base.remove();
});

function tree(files: Record<string, string>): Readable {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name, mode: 0o755 }, content);
  tar.finalize();
  return Readable.from(tar);
}

/** Declares a folder that its next build is to find, and counts its builds in the cache. */
const COMPILE = `#!/bin/bash
cd "$1"
echo x >>"$2/builds" && echo "build $(wc -l <"$2/builds"), $([[ -d deps ]] && echo with || echo without) dependencies"
mkdir -p deps && [[ -e deps/one ]] || echo one >deps/one
echo "key deps" >>"$KEEP/dependencies"
`;

async function build(appId: string, lastImage?: string): Promise<{ image: string; output: string }> {
  let output = "";
  const source = (): Readable => tree({ "Procfile": "web: true\n", "pack/bin/compile": COMPILE });
  const spec = { appId, buildId: randomUUID(), commit: "0".repeat(40), stack: "debian-12", config: {}, source, buildpacks: [{ name: "./pack" }], lastBuildpacks: [], lastImage, memoryMb: 512 };
  const { image = "" } = await ours.engine.build(spec, { write: (text) => void (output += text) }, 60_000 * overload(), createStopwatch());
  return { image, output };
}

test("a build after the cache was purged finds it empty, and none of the dependencies of earlier slugs; the one after it finds its own", async () => {
  const appId = randomUUID();
  const first = await build(appId);
  const second = await build(appId, first.image);
  await ours.engine.purgeBuildCache(appId);
  const third = await build(appId, second.image);
  const fourth = await build(appId, third.image);
  expect([first, second, third, fourth].map(({ output }) => /build \d.*/.exec(output)?.[0])).toEqual(["build 1, without dependencies", "build 2, with dependencies", "build 1, without dependencies", "build 2, with dependencies"]);
  const parents = await Promise.all([first, third, fourth].map(async ({ image }) => (await docker.getImage(image).inspect()).Parent));
  expect(parents).toEqual([parents[0], parents[0], third.image]);

  // A rollback to a slug of before does not bring them back.
  expect((await build(appId, second.image)).output).toContain("without dependencies");
});

test("a purge of a cache that a container still has says so, and of one that never was is none", async () => {
  const appId = randomUUID();
  await ours.engine.purgeBuildCache(appId);
  const [volume] = (await docker.listVolumes({ filters: { label: [`paas.app=${appId}`] } })).Volumes;
  const holder = await docker.createContainer({ Image: ours.image, Cmd: ["true"], HostConfig: { Binds: [`${volume?.Name}:/cache`] } });
  await expect(ours.engine.purgeBuildCache(appId)).rejects.toMatchObject({ id: "conflict", message: "The build cache is in use. Try again in a moment." });
  await holder.remove();
  await ours.engine.purgeBuildCache(appId);
  await ours.engine.removeApp(appId);
});

test("a build from a Dockerfile takes no step from images of before the purge", async () => {
  const appId = randomUUID();
  const made = async (): Promise<string> => {
    let output = "";
    const source = tree({ Dockerfile: `FROM ${base.name}\nRUN echo "made in $(cat /proc/sys/kernel/random/uuid)"\nCMD ["true"]\n` });
    const { failure } = await ours.engine.buildImage({ buildId: randomUUID(), appId, source, folder: "", sees: () => true, usesLfs: false, dockerfile: "Dockerfile", target: undefined, args: {}, images: [base.name], memoryMb: 256 }, { write: (text) => void (output += text) }, 60_000 * overload(), { lap: () => undefined });
    expect(failure).toBeUndefined();
    return output;
  };
  expect(await made()).toContain("made in ");
  expect(await made()).not.toContain("\nmade in ");
  await ours.engine.purgeBuildCache(appId);
  expect(await made()).toContain("\nmade in ");
});
