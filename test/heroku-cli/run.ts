/** `npm run test:heroku-cli [filter]`: the real `heroku` CLI against a running platform, command by command. Prints a table; exits 1 when one fails. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureEngine } from "../../bin/setup/engine.ts";
import { thisHost } from "../../bin/setup/host.ts";
import { writeLine } from "../../bin/setup/progress.ts";
import { ensureStackImage } from "../../bin/setup/stack-image.ts";
import { removeWorkspaces, startGit, workspace } from "../support/git-client.ts";
import { ADMIN_TOKEN, startPaas } from "../support/paas.ts";
import { smallApp } from "../support/small-app.ts";
import { herokuCli, installHerokuCli, type Said } from "./client.ts";
import { transcript, type Scene } from "./transcript.ts";

const only = process.argv[2];
const host = thisHost(process.env);
await ensureEngine(host, writeLine);
process.env["PAAS_STACK_IMAGE"] = await ensureStackImage(host, writeLine);
await installHerokuCli(writeLine);

const home = await mkdtemp(join(tmpdir(), "paas-heroku-"));
const paas = await startPaas({ PAAS_API_TLS_PORT: "0", PAAS_HTTPS_PORT: "0" });
let failed = 0;
try {
  const tlsPort = /over TLS\s+https:\/\/localhost:(\d+)/.exec(paas.output())?.[1];
  const cli = herokuCli(`https://localhost:${tlsPort}`, ADMIN_TOKEN, home, join(paas.dataDir, "tls", "ca.pem"));
  const repository = await workspace();
  await repository.commit(smallApp({ text: "from the CLI", worker: true }));
  const scene: Scene = { cli, paas, dir: repository.dir, commit: (files) => repository.commit(files), git: async (...args): Promise<Said> => startGit(repository.dir, args, cli.env).done };
  for (const step of transcript) {
    if (only !== undefined && !step.always && !step.name.includes(only)) continue;
    const began = performance.now();
    const problem = await step.run(scene).then(() => undefined, (error: unknown) => (error instanceof Error ? error.message : String(error)));
    if (problem !== undefined) failed += 1;
    process.stdout.write(`${problem === undefined ? "pass" : "FAIL"}  ${step.name.padEnd(44)} ${Math.round(performance.now() - began)} ms${problem === undefined ? "" : `\n      ${problem.replaceAll("\n", "\n      ")}`}\n`);
  }
  process.stdout.write(`\n${failed === 0 ? "all passed" : `${failed} failed`}\n`);
} finally {
  await paas.remove();
  await removeWorkspaces();
  await rm(home, { recursive: true, force: true });
}
process.exit(failed === 0 ? 0 : 1);
