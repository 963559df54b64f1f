/** `npm run test:languages [filter]`: real applications of every language, pushed twice to a running platform. Prints a table; exits 1 when one fails. */

import { ensureEngine } from "../../bin/setup/engine.ts";
import { thisHost } from "../../bin/setup/host.ts";
import { writeLine } from "../../bin/setup/progress.ts";
import { ensureStackImage } from "../../bin/setup/stack-image.ts";
import { repositoryOf } from "../support/app-folder.ts";
import { baseImage } from "../support/dockerfile-app.ts";
import { removeWorkspaces, workspace, type Result, type Workspace } from "../support/git-client.ts";
import { startPaas, type Paas } from "../support/paas.ts";
import type { LanguageApp } from "./app.ts";
import { bun } from "./bun.ts";
import { deno } from "./deno.ts";
import { dockerfile } from "./dockerfile.ts";
import { go } from "./go.ts";
import { java } from "./java.ts";
import { nodejs } from "./nodejs.ts";
import { php } from "./php.ts";
import { python } from "./python.ts";
import { ruby } from "./ruby.ts";
import { rust } from "./rust.ts";

const APPS: LanguageApp[] = [...nodejs, ...bun, ...deno, ...python, ...ruby, ...dockerfile, ...java, ...php, ...go, ...rust];

const only = process.argv[2];
const host = thisHost(process.env);
await ensureEngine(host, writeLine);
process.env["PAAS_STACK_IMAGE"] = await ensureStackImage(host, writeLine);

const paas = await startPaas({ PAAS_DYNO_MEMORY_MB: "1024", PAAS_BOOT_SECONDS: "120" });
const base = await baseImage();
let failed = 0;
try {
  process.stdout.write(`      ${"application".padEnd(24)} ${"first push".padStart(12)} ${"second push".padStart(12)}\n`);
  for (const app of APPS) {
    if (only !== undefined && !app.name.includes(only)) continue;
    const times: number[] = [];
    const problem = await deployTwice(paas, app, base.name, times).then(() => undefined, (error: unknown) => (error instanceof Error ? error.message : String(error)));
    if (problem !== undefined) failed += 1;
    const shown = [times[0], times[1]].map((ms) => (ms === undefined ? "–" : `${(ms / 1000).toFixed(1)} s`).padStart(12));
    process.stdout.write(`${problem === undefined ? "pass" : "FAIL"}  ${app.name.padEnd(24)} ${shown.join(" ")}${problem === undefined ? "" : `\n      ${problem.replaceAll("\n", "\n      ")}`}\n`);
    await paas.api("DELETE", `/apps/${app.name}`);
  }
  process.stdout.write(`\n${failed === 0 ? "all passed" : `${failed} failed`}\n`);
} finally {
  await paas.remove();
  await base.remove();
  await removeWorkspaces();
}
process.exit(failed === 0 ? 0 : 1);

/** @param times gets what each push took, in milliseconds */
async function deployTwice(platform: Paas, app: LanguageApp, image: string, times: number[]): Promise<void> {
  const repository = await repositoryFor(app, image);
  const first = await repository.push(platform.remote(app.name));
  accepted(app, first);
  times.push(first.ms);
  if (!first.output.includes(app.detected)) throw new Error(`the push did not say "${app.detected}":\n${first.output}`);
  await answers(platform, app, app.answers[0]);

  await repository.commit(app.change);
  const second = await repository.push(platform.remote(app.name));
  accepted(app, second);
  times.push(second.ms);
  await answers(platform, app, app.answers[1]);
}

async function repositoryFor({ source, added }: LanguageApp, image: string): Promise<Workspace> {
  if (typeof source === "string") return repositoryOf(`test/languages/apps/${source}`, await added?.());
  const repository = await workspace();
  await repository.commit(source(image));
  return repository;
}

function accepted({ tested }: LanguageApp, { code, output }: Result): void {
  if (code !== 0) throw new Error(`the push was refused:\n${output}`);
  if (tested && !tested.test(output)) throw new Error(`the push did not say ${tested}:\n${output}`);
}

async function answers(platform: Paas, { name, path = "/" }: LanguageApp, expected: RegExp): Promise<void> {
  const { status, body } = await platform.get(name, path);
  if (status !== 200 || !expected.test(body)) throw new Error(`GET ${path} answered ${status}, not what matches ${expected}:\n${body.slice(0, 2000)}`);
}
