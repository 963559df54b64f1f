/** `npm test`: brings what the machine lacks, checks the types, runs every test (or those that the arguments name). */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { parseCLI, startVitest } from "vitest/node";
import { ensureEngine } from "./setup/engine.ts";
import { thisHost } from "./setup/host.ts";
import { ensurePrograms } from "./setup/host-packages.ts";
import { withProgress, writeLine } from "./setup/progress.ts";
import { SetupError } from "./setup/setup-error.ts";
import { ensureStackImage } from "./setup/stack-image.ts";

const root = dirname(import.meta.dirname);

const host = thisHost(process.env);
process.env["PATH"] = host.env["PATH"];
try {
  await ensurePrograms(["git", "ip", "iptables"], host, writeLine);
  await ensureEngine(host, writeLine);
  process.env["PAAS_STACK_IMAGE"] = await ensureStackImage(host, writeLine);
  await withProgress("checking the types", "a few seconds", writeLine, checkTypes);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`paas: ${error.message}\n`);
  process.exit(1);
}

const { filter, options } = parseCLI(["vitest", "run", ...process.argv.slice(2)]);
const vitest = await startVitest("test", filter, { ...options, root });
await vitest.close();
const modules = vitest.state.getTestModules();
const tests = modules.flatMap((module) => [...module.children.allTests()]);
const count = (...states: string[]): number => tests.filter((test) => states.includes(test.result().state)).length;
const failed = count("failed") + modules.filter((module) => module.state() === "failed" && module.errors().length > 0).length;
if (failed > 0 || tests.length === 0) process.exitCode ||= 1;
// CI reads this line. A run that failed as a whole (a leak, an error outside any test) counts as one.
process.stdout.write(`${count("passed")} passed, ${failed || (process.exitCode ? 1 : 0)} failed, ${count("skipped", "pending")} skipped\n`, () => process.exit());

async function checkTypes(): Promise<void> {
  const compiler = spawn(join(root, "node_modules", ".bin", "tsc"), ["--noEmit"], { cwd: root, stdio: "inherit" });
  const [code] = (await once(compiler, "exit")) as [number | null];
  if (code !== 0) throw new SetupError("The types do not check: what the compiler says stands above.");
}
