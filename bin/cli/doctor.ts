/** `paas doctor`: is this machine fit to run the platform? Each answer says what to do; nothing is changed. */

import { fileURLToPath } from "node:url";
import { ConfigError, loadConfig, type Config } from "../../server/config.ts";
import { thisHost } from "../setup/host.ts";
import { examineEngine } from "./doctor/engine.ts";
import type { Finding } from "./doctor/finding.ts";
import { examineMachine } from "./doctor/machine.ts";
import { examineNetwork } from "./doctor/network.ts";
import { FAILED, Failure } from "./failure.ts";
import { output, paint, print, remark } from "./terminal.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const COLOURS = { ok: "green", warn: "yellow", fail: "red" } as const;

export async function runDoctor(options: { json?: boolean }): Promise<void> {
  // As `npm start` has it: ./data is the project's.
  process.chdir(ROOT);
  const host = thisHost(process.env);
  const config = settings();
  const engine = await examineEngine(host.env);
  const findings = [...engine.findings, ...(await examineNetwork(config, host)), ...(await examineMachine(config, engine.folder))];
  output(options, findings, () => findings.forEach(show));
  const count = (wanted: Finding["status"]): number => findings.filter(({ status }) => status === wanted).length;
  if (!options.json) remark(`\n${count("ok")} ok, ${count("warn")} to look at, ${count("fail")} to repair. Settings were taken from the environment: run this with the platform's.`);
  if (count("fail") > 0) process.exitCode = FAILED;
}

function settings(): Config {
  try {
    return loadConfig(process.env);
  } catch (error) {
    if (error instanceof ConfigError) throw new Failure(error.message);
    throw error;
  }
}

function show({ check, status, found, advice }: Finding): void {
  print(`${paint(COLOURS[status], status.padEnd(4))}  ${check.padEnd(14)}  ${found}`);
  if (advice !== undefined) print(`${" ".repeat(22)}${paint("bold", "→")} ${advice}`);
}
