import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Docker from "dockerode";
import { afterAll, describe, expect, it } from "vitest";
import { ensureBuildImage } from "../../server/engine/build-image.ts";

const docker = new Docker();
const stackImage = process.env["PAAS_STACK_IMAGE"] ?? "";
const folder = mkdtempSync(join(tmpdir(), "build-image-"));
const made: string[] = [];

afterAll(async () => {
  rmSync(folder, { recursive: true });
  for (const image of made) await docker.getImage(image).remove({ force: true });
});

describe("the build image", () => {
  it("is found again in a moment, without a word", async () => {
    const first = await ensureBuildImage(docker, { stackImage });
    const lines: string[] = [];
    const before = performance.now();
    const second = await ensureBuildImage(docker, { stackImage, onProgress: (line) => lines.push(line) });
    expect(second).toBe(first);
    expect(lines).toEqual([]);
    expect(performance.now() - before).toBeLessThan(10_000);
  });

  it("trusts the certificates that it is given, and is another image then", { timeout: 150_000 }, async () => {
    const caBundle = join(folder, "bundle.crt");
    writeFileSync(caBundle, "-----BEGIN CERTIFICATE-----\nof this test\n-----END CERTIFICATE-----\n");
    const usual = await ensureBuildImage(docker, { stackImage });
    const lines: string[] = [];
    const own = await ensureBuildImage(docker, { stackImage, caBundle, onProgress: (line) => lines.push(line) });
    made.push(own);
    expect(own).not.toBe(usual);
    expect(lines).toEqual(["making the build image"]);

    const script = "head -n 2 /etc/ssl/certs/ca-certificates.crt | tail -n 1; id -un; /opt/paas/node/bin/npm -v; /opt/paas/node/bin/corepack -v; stat -c '%U %a %n' /app /cache /opt/paas/out /opt/paas/bin/build /opt/paas/node/bin/node; ls /opt/paas; find /opt/paas/buildpacks -name '*.ts'";
    const container = await docker.createContainer({ Image: own, Cmd: ["/bin/bash", "-c", script], Env: ["PATH=/opt/paas/node/bin:/usr/bin:/bin"], Labels: { "paas.test": "buildpacks" }, NetworkDisabled: true, Tty: true });
    try {
      await container.start();
      await container.wait();
      const said = (await container.logs({ stdout: true, stderr: true })).toString("utf8").replaceAll("\r", "");
      expect(said).toContain("of this test");
      expect(said).toMatch(/\ndyno\n11\.\d+\.\d+\n0\.\d+\.\d+\n/);
      for (const line of ["dyno 755 /app", "dyno 755 /cache", "dyno 755 /opt/paas/out", "root 755 /opt/paas/bin/build", "root 755 /opt/paas/node/bin/node"]) expect(said).toContain(line);
      expect(said).not.toContain("prepare");
      expect(said).not.toContain(".ts");
    } finally {
      await container.remove({ force: true });
    }
  });

  it("cannot be made of a stack image that is not there", async () => {
    await expect(ensureBuildImage(docker, { stackImage: "paas-test-no-such-image:1" })).rejects.toThrow(/no such image/i);
  });
});
