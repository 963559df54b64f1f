import { randomUUID } from "node:crypto";
import type { Readable } from "node:stream";
import { pack } from "tar-stream";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { ImageBuildOutcome, ImageBuildSpec } from "../../server/engine/engine.ts";
import { baseImage } from "../support/dockerfile-app.ts";
import { docker, install, type Installation } from "./workshop.ts";

vi.setConfig({ testTimeout: 150_000, hookTimeout: 150_000 });

let here: Installation;
let base: Awaited<ReturnType<typeof baseImage>>;
beforeAll(async () => {
  [here, base] = await Promise.all([install(), baseImage()]);
});
afterAll(async () => {
  await here.clear();
  await base.remove();
});

const appId = randomUUID();

async function build(files: Record<string, string>, more: Partial<ImageBuildSpec> = {}, timeoutMs = 60_000, signal?: AbortSignal, onText: (text: string) => void = () => undefined): Promise<ImageBuildOutcome & { output: string }> {
  const source = pack();
  for (const [name, content] of Object.entries(files)) source.entry({ name }, content);
  source.finalize();
  let output = "";
  const spec: ImageBuildSpec = { buildId: randomUUID(), appId, source: source as unknown as Readable, folder: "", sees: () => true, usesLfs: false, dockerfile: "Dockerfile", target: undefined, args: {}, images: [base.name], memoryMb: 256, ...more };
  const write = (text: string): void => {
    output += text;
    onText(text);
  };
  const outcome = await here.engine.buildImage(spec, { write }, timeoutMs, { lap: () => undefined }, signal);
  return { ...outcome, output };
}

test("a step sees the app's network alone, and the limit of memory", async () => {
  const { image, output } = await build({ Dockerfile: `FROM ${base.name}\nRUN cat /proc/net/fib_trie && cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null || true\n` });
  expect(image).toMatch(/^sha256:/);
  expect(output).toContain("10.213.");
  expect(output).not.toContain("172.17.");
  expect(output).toContain(String(256 * 1024 * 1024));
  await here.engine.removeImage(image ?? "");
});

test("a step that takes more memory is killed, and the build says so", async () => {
  const { image, failure } = await build({ Dockerfile: `FROM ${base.name}\nRUN ["python3", "-c", "b = bytearray(600 * 1024 * 1024)"]\n` });
  expect(image).toBeUndefined();
  expect(failure).toContain("returned a non-zero code: 137");
});

test("a build that takes too long is stopped, its step with it", async () => {
  const mark = randomUUID();
  const { image, timedOut } = await build({ Dockerfile: `FROM ${base.name}\nRUN : ${mark} && sleep 1000\n` }, {}, 3000);
  expect([image, timedOut]).toEqual([undefined, true]);
  await expect.poll(async () => (await docker.listContainers({ all: true })).filter(({ Command }) => Command.includes(mark)), { timeout: 30_000 }).toEqual([]);
});

test("a build that is given up is stopped at once", async () => {
  const stop = new AbortController();
  const { image, timedOut } = await build({ Dockerfile: `FROM ${base.name}\nRUN echo begun && sleep 1000\n` }, {}, 60_000, stop.signal, (text) => text.includes("begun\n") && stop.abort());
  expect([image, timedOut]).toEqual([undefined, false]);
});

test("only the folder that is named, without what is left out, reaches the build; links and modes stay what they are", async () => {
  const source = pack();
  source.entry({ name: "secret" }, "x");
  source.entry({ name: "web/", type: "directory" });
  source.entry({ name: "web/Dockerfile" }, `FROM ${base.name}\nCOPY . /seen\nRUN cd /seen && find . | sort && readlink link && stat -c %a run\n`);
  source.entry({ name: "web/link", type: "symlink", linkname: "run" });
  source.entry({ name: "web/run", mode: 0o755 }, "#!/bin/sh\n");
  source.entry({ name: `web/${"deep/".repeat(30)}file` }, "y");
  source.entry({ name: "web/no.log" }, "z");
  source.finalize();
  const { image, output } = await build({}, { source: source as unknown as Readable, folder: "web", sees: (path) => !path.endsWith(".log") });
  expect(output.replaceAll("/deep", "").split("\n")).toEqual(expect.arrayContaining([".", "./Dockerfile", "./link", "./run", "./file", "run", "755"]));
  expect(output).not.toMatch(/no\.log|secret/);
  await here.engine.removeImage(image ?? "");
});

test("a Dockerfile that the engine cannot read, and an image that no registry has, are told as the engine tells them", async () => {
  await expect(build({ Dockerfile: `FROM ${base.name}\nRUNN x\n` })).rejects.toMatchObject({ id: "invalid_params", message: expect.stringContaining("unknown instruction: RUNN") as string });
  await expect(build({ Dockerfile: "FROM x\n" }, { images: ["127.0.0.1:9/none:1"] })).rejects.toMatchObject({ id: "build_failed", message: expect.stringMatching(/^The image 127\.0\.0\.1:9\/none:1 could not be had: /) as string });
});
