import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openDataDir } from "../server/data-dir.ts";

const MODULE = join(import.meta.dirname, "../server/data-dir.ts");

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "paas-data-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return join(path, "data");
}

/** Another control plane that has the folder, until it is killed. */
async function holder(path: string): Promise<ChildProcess> {
  const code = `const { openDataDir } = await import(${JSON.stringify(MODULE)}); globalThis.held = openDataDir(${JSON.stringify(path)}); console.log("has it"); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child.stdout, "data");
  return child;
}

test("a new folder is made with what it needs, the owner's alone", () => {
  const path = folder();
  const dir = openDataDir(path);
  for (const each of [path, join(path, "run"), join(path, "logs")]) expect((statSync(each).mode & 0o777).toString(8)).toBe("700");
  expect((statSync(dir.instanceFile).mode & 0o777).toString(8)).toBe("600");
  dir.release();
});

test("a folder that was open to others is closed to them", () => {
  const path = folder();
  mkdirSync(path, { mode: 0o755 });
  openDataDir(path).release();
  expect((statSync(path).mode & 0o777).toString(8)).toBe("700");
});

test("an installation keeps its name, and two have different ones", () => {
  const [one, two] = [folder(), folder()];
  const first = openDataDir(one);
  first.release();
  const again = openDataDir(one);
  const other = openDataDir(two);
  expect(again.instance).toBe(first.instance);
  expect(again.instance).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
  expect(other.instance).not.toBe(again.instance);
  again.release();
  other.release();
});

test("a folder that another control plane uses is refused with its process id; when that one was killed it is free", async () => {
  const path = folder();
  const other = await holder(path);
  expect(() => openDataDir(path)).toThrow(`PAAS_DATA_DIR: ${path} is in use by the control plane with process id ${other.pid}. Stop it first, or choose another folder.`);
  other.kill("SIGKILL");
  await once(other, "exit");
  openDataDir(path).release();
});

test("a process id that another program bears by now locks nobody out", async () => {
  const path = folder();
  openDataDir(path).release();
  const stranger = spawn("sleep", ["60"], { stdio: "ignore" });
  onTestFinished(() => void stranger.kill("SIGKILL"));
  await once(stranger, "spawn");
  writeFileSync(join(path, "run", "control-plane.pid"), String(stranger.pid));
  openDataDir(path).release();
});

test.each(["", "garbage", "-1", "0"])("a pid file that holds %j locks nobody out", (content) => {
  const path = folder();
  openDataDir(path).release();
  writeFileSync(join(path, "run", "control-plane.pid"), content);
  const dir = openDataDir(path);
  expect(readFileSync(dir.pidFile, "utf8")).toBe(String(process.pid));
  dir.release();
  expect(existsSync(dir.pidFile)).toBe(false);
});

test("a path too long for the sockets inside it is refused before anything is made", () => {
  const path = join(folder(), "d".repeat(100));
  expect(() => openDataDir(path)).toThrow(/^PAAS_DATA_DIR: the path .* is longer than 90 bytes/);
  expect(existsSync(path)).toBe(false);
  const longest = join(folder(), "x").padEnd(90, "x");
  const dir = openDataDir(longest);
  expect(Buffer.byteLength(dir.routerSocket)).toBeLessThan(108);
  dir.release();
});
