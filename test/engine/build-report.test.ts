import { randomUUID } from "node:crypto";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createBuildReport } from "../../server/engine/build-report.ts";
import { createStopwatch } from "../../server/pipeline/stopwatch.ts";
import { install, type Installation } from "./workshop.ts";

describe("a build's report", () => {
  const base64 = async (files: Record<string, string>): Promise<string> => {
    const archive = pack();
    for (const [name, content] of Object.entries(files)) archive.entry({ name }, content);
    archive.finalize();
    return (await buffer(archive as unknown as Readable)).toString("base64");
  };
  const reader = () => {
    const shown: string[] = [];
    return { shown, ...createBuildReport({ write: (text) => void shown.push(text) }) };
  };

  test("is told from what the pusher reads, wherever the stream is cut", async () => {
    const before = "-----> one\n\0no mark\n\0\0deadbeef\nlast words";
    for (let size = 1; size < 90; size += 4) {
      const { mark, output, files, shown } = reader();
      const all = `${before}\0${mark}\n${await base64({ "/opt/paas/out/size": "12\n", "/app/Procfile": "web: é\n" })}\0${mark}\n`;
      for (let at = 0; at < all.length; at += size) output.write(all.slice(at, at + size));
      expect(await files).toEqual(new Map([["size", Buffer.from("12\n")], ["Procfile", Buffer.from("web: é\n")]]));
      expect(shown.join("")).toBe(before);
    }
  });

  test("keeps nothing back of what cannot be its beginning", () => {
    const { mark, output, shown } = reader();
    for (const text of ["a line\n", "half a", `\0${mark.slice(0, 5)}`, "other\n"]) output.write(text);
    expect(shown).toEqual(["a line\n", "half a", `\0${mark.slice(0, 5)}other\n`]);
  });

  test("is an error where it is no archive, or too large to be one", async () => {
    const broken = reader();
    broken.output.write(`\0${broken.mark}\n${Buffer.from("x".repeat(2000)).toString("base64")}\0${broken.mark}\n`);
    await expect(broken.files).rejects.toMatchObject({ id: "build_failed" });
    const flood = reader();
    flood.output.write(`\0${flood.mark}\n${"A".repeat(1024 * 1024)}`);
    flood.output.write("AAAA");
    await expect(flood.files).rejects.toMatchObject({ id: "build_failed", message: expect.stringContaining("reports too much") as string });
  });
});

describe("a build", () => {
  let ours: Installation;
  beforeAll(async () => void (ours = await install()));
  afterAll(() => ours.clear());

  const build = async (compile: string) => {
    let output = "";
    const source = (): Readable => {
      const archive = pack();
      archive.entry({ name: "Procfile" }, "web: true\n");
      archive.entry({ name: "pack/bin/compile", mode: 0o755 }, `#!/bin/bash\n${compile}\n`);
      archive.finalize();
      return archive as unknown as Readable;
    };
    const spec = { appId: randomUUID(), buildId: randomUUID(), commit: "0".repeat(40), stack: "debian-12", config: {}, source, buildpacks: [{ name: "./pack" }], lastBuildpacks: [], lastImage: undefined, memoryMb: 512 };
    return { ...(await ours.engine.build(spec, { write: (text) => void (output += text) }, 60_000, createStopwatch())), output: () => output };
  };

  test("has nothing running any more when its slug is made, whatever a script left in the background", async () => {
    const { image, checksum, output } = await build("(trap '' TERM HUP; while :; do date +%N >>/app/ticks; done) >/dev/null 2>&1 & until [[ -s /app/ticks ]]; do :; done");
    if (image === undefined) throw new Error(output());
    const archive = "tar --create --file=- --format=gnu --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --hard-dereference --anchored --no-wildcards -C /app .";
    expect(`SHA256:${await ours.output(`${archive} | sha256sum`, { image })}`).toBe(`${checksum}  -\n`);
    expect(output()).toMatch(/web\n$/);
  });

  test("that is ended by something of its own has failed", async () => {
    const { image, exit } = await build("kill -KILL $PPID; sleep 60");
    expect(image).toBeUndefined();
    expect(exit.code).not.toBe(0);
  });
});
