import { spawn } from "node:child_process";
import { once } from "node:events";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { engineClient, engineEndpoint } from "../../bin/setup/engine.ts";
import { thisHost, type Host } from "../../bin/setup/host.ts";
import { ensureStackImage, stackImageReference, stackPackages } from "../../bin/setup/stack-image.ts";
import { scratchFolder, write } from "./scratch-folder.ts";

const MODULE = join(import.meta.dirname, "../../bin/setup/stack-image.ts");
const docker = engineClient(engineEndpoint(process.env));

test("the image's name tells what is in it: another Debian, another name; the same, the same", () => {
  const host: Host = { ...thisHost({}), distribution: "debian", codename: "bookworm" };
  expect(stackImageReference(host)).toMatch(/^paas-stack:[0-9a-f]{12}$/);
  expect(stackImageReference(host)).toBe(stackImageReference({ ...host }));
  expect(stackImageReference({ ...host, codename: "trixie" })).not.toBe(stackImageReference(host));
  expect(stackImageReference({ ...host, env: { PAAS_STACK_IMAGE: "registry.example/stack:1" } })).toBe("registry.example/stack:1");
});

test("the list of packages is read without comments and blank lines", () => {
  expect(stackPackages()).toContain("git");
  expect(stackPackages().every((name) => /^[a-z0-9][a-z0-9.+-]+$/.test(name))).toBe(true);
});

test("the image that the engine has is taken without a word", async () => {
  const lines: string[] = [];
  const reference = await ensureStackImage(thisHost(process.env), (line) => lines.push(line));
  expect(reference).toMatch(/^\S+$/);
  expect(lines).toEqual([]);
});

test("two processes at once make the image once", async () => {
  const { host, folder } = machine(GOOD);
  const [first, second] = await Promise.all([ensureStackImage(host, () => {}), ensureStackImage(host, () => {})]);
  expect(first).toBe(second);
  expect(readFileSync(join(folder, "calls"), "utf8").trim().split("\n")).toHaveLength(1);
  const { Config } = await docker.getImage(first).inspect();
  expect(Config).toMatchObject({ Cmd: ["/bin/bash"], Labels: { "paas.stack": first } });
  expect(Config.Env).toContain("LANG=C.UTF-8");
});

test("an archive that mmdebstrap did not finish becomes no image, and the reason is shown", async () => {
  const { host } = machine(`${GOOD}\necho "E: apt-get failed: no space left on device" >&2\nexit 25`);
  await expect(ensureStackImage(host, () => {})).rejects.toThrow(/could not be made: it ended with 25\. What mmdebstrap said last:\nE: apt-get failed: no space left on device/);
  await expect(docker.getImage(stackImageReference(host)).inspect()).rejects.toMatchObject({ statusCode: 404 });
});

test("an archive that the engine cannot read becomes no image, and the engine's words are shown", async () => {
  const { host } = machine("echo this is no archive");
  await expect(ensureStackImage(host, () => {})).rejects.toThrow(/^The stack image could not be made: .*(archive|tar|EOF)/);
  await expect(docker.getImage(stackImageReference(host)).inspect()).rejects.toMatchObject({ statusCode: 404 });
});

test("a run that was killed halfway is made good by the next", async () => {
  const { host, folder } = machine(`cat ${"$0"}.tar\ntouch ${"$0"}.halfway\nexec sleep 60`);
  const { uid, distribution, codename, systemd } = host;
  const code = `const { ensureStackImage } = await import("${MODULE}");
    await ensureStackImage({ ...${JSON.stringify({ uid, distribution, codename, systemd })}, env: process.env }, console.log);`;
  const maker = spawn(process.execPath, ["--input-type=module", "-e", code], { env: host.env, stdio: ["ignore", "pipe", "inherit"], detached: true });
  const gone = once(maker, "exit");
  while (!existsSync(join(folder, "path/mmdebstrap.halfway"))) await new Promise((resolve) => setTimeout(resolve, 20));
  process.kill(-(maker.pid ?? 0), "SIGKILL");
  await gone;
  await expect(docker.getImage(stackImageReference(host)).inspect()).rejects.toMatchObject({ statusCode: 404 });

  write(join(folder, "path/mmdebstrap"), `#!/bin/sh\n${GOOD}\n`, 0o755);
  const reference = await ensureStackImage(host, () => {});
  expect(await docker.getImage(reference).inspect()).toHaveProperty("Id");
});

test("an image that PAAS_STACK_IMAGE names and nobody has fails with the setting's name and a way out", async () => {
  const host = thisHost({ ...process.env, PAAS_STACK_IMAGE: "127.0.0.1:1/paas-no-such-stack:none" });
  await expect(ensureStackImage(host, () => {})).rejects.toThrow(/127\.0\.0\.1:1\/paas-no-such-stack:none \(PAAS_STACK_IMAGE\) could not be pulled: .*Unset PAAS_STACK_IMAGE/);
});

const GOOD = "cat $0.tar";

/** A machine whose mmdebstrap is the script given, and whose stack (a Debian nobody has) is not made yet. */
function machine(script: string): { host: Host; folder: string } {
  const folder = scratchFolder();
  const program = join(folder, "path/mmdebstrap");
  write(program, `#!/bin/sh\necho "$*" >> ${folder}/calls\n${script}\n`, 0o755);
  writeFileSync(`${program}.tar`, emptyTar());
  const host: Host = {
    ...thisHost({ ...process.env, PATH: `${join(folder, "path")}:${process.env["PATH"]}` }),
    distribution: "debian",
    codename: `test${randomBytes(6).toString("hex")}`,
  };
  delete host.env["PAAS_STACK_IMAGE"];
  onTestFinished(() => docker.getImage(stackImageReference(host)).remove().catch(ignoreMissing));
  return { host, folder };
}

/** Two blocks of zeros (POSIX ustar): an archive of nothing, which imports without complaint. */
function emptyTar(): Buffer {
  return Buffer.alloc(1024);
}

function ignoreMissing(error: { statusCode?: number }): void {
  if (error.statusCode !== 404) throw error;
}
