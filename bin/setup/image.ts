/** `npm run image`: builds the image of Dockerfile on the stack image, so that no image registry is needed. */

import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { untilDone } from "./engine-answer.ts";
import { engineClient, engineEndpoint, ensureEngine } from "./engine.ts";
import { thisHost } from "./host.ts";
import { withProgress, writeLine } from "./progress.ts";
import { SetupError } from "./setup-error.ts";
import { ensureStackImage } from "./stack-image.ts";

const root = dirname(dirname(import.meta.dirname));
const NAME = "paas";
const SOURCES = ["package.json", "package-lock.json", "LICENSE", "Dockerfile", "server", "proxy", "buildpacks", "migrations", "examples"];
/** Headers for compiling add-ons: half of the package, and nothing here is compiled. */
const LEFT_OUT = ["node_modules/node-linux-*/include"];

const host = thisHost(process.env);
process.env["PATH"] = host.env["PATH"];
try {
  await ensureEngine(host, writeLine);
  const stack = await ensureStackImage(host, writeLine);
  const name = host.env["PAAS_IMAGE"]?.trim() || NAME;
  await withProgress(`building the image ${name} on ${stack}`, "about 20 s", writeLine, () => buildImage(name, stack));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`paas: ${error.message}\n`);
  process.exit(1);
}

async function buildImage(name: string, stack: string): Promise<void> {
  const docker = engineClient(engineEndpoint(host.env));
  const context = spawn("tar", ["--create", ...LEFT_OUT.map((path) => `--exclude=${path}`), ...SOURCES, "node_modules/.bin/node", ...productionModules()], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const answer = await docker.buildImage(context.stdout, { t: name, buildargs: { BASE: stack, STACK_IMAGE: stack }, networkmode: "host", forcerm: true });
  await untilDone(docker, answer).catch((cause: unknown) => {
    throw new SetupError(`The image ${name} could not be built:\n${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  });
}

/** The dependencies that the running product needs, by the lock file. */
function productionModules(): string[] {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as { packages: Record<string, { dev?: boolean }> };
  const nested = /\/node_modules\//;
  return Object.entries(packages)
    .filter(([path, entry]) => path !== "" && !entry.dev && !nested.test(path) && existsSync(join(root, path)))
    .map(([path]) => path);
}
