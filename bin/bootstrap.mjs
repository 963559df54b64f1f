/**
 * What has to happen before anything of ours can run: the dependencies, and with them Node 24 (an optional dependency carries it).
 * Plain JavaScript without an import from node_modules, for it runs on the machine's own Node (20 and up) and on an empty folder.
 */

import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const REQUIRED_NODE = 24;
const LAST_LINES = 15;

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

await main();

async function main() {
  const stale = whatIsStale(root);
  if (stale && !(await installDependencies(root))) process.exit(1);
  const problem = nodeProblem(root);
  if (problem) {
    console.error(`paas: ${problem}`);
    process.exit(1);
  }
}

/** Compares package-lock.json with the list that npm leaves of what it installed, written last: half an install counts as none. */
function whatIsStale(folder) {
  const wanted = packagesOf(join(folder, "package-lock.json"));
  const installed = packagesOf(join(folder, "node_modules", ".package-lock.json"));
  if (!wanted) return undefined;
  if (!installed) return "nothing installed";
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === "") continue;
    const found = installed[path];
    if (found ? found.version !== entry.version || found.integrity !== entry.integrity : !entry.optional) return path;
  }
  return Object.keys(installed).find((path) => !wanted[path]);
}

function packagesOf(lockFile) {
  try {
    return JSON.parse(readFileSync(lockFile, "utf8")).packages;
  } catch {
    return undefined;
  }
}

/** `--ignore-scripts`: no dependency of ours needs one, so no code of a package runs before its first use. */
async function installDependencies(folder) {
  const started = performance.now();
  const seconds = () => Math.round((performance.now() - started) / 1000);
  const [file, ...args] = npmCommand(folder);
  console.log("paas: installing dependencies (about 40 s the first time)…");
  const progress = setInterval(() => console.log(`paas: installing dependencies: ${seconds()} s…`), 10_000);
  const { code, output } = await run(file, [...args, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], folder);
  if (code === 0) await warmCodeCache(folder);
  clearInterval(progress);
  if (code === 0) {
    console.log(`paas: installing dependencies: done in ${seconds()} s`);
    return true;
  }
  const lastLines = output.trim().split("\n").slice(-LAST_LINES).join("\n");
  console.error(`${lastLines}\npaas: installing dependencies failed (npm ci in ${folder}, exit ${code}); what npm said stands above.`);
  return false;
}

/** The first process that loads a TypeScript file spends a second on it and 20 MB that it never gives back: let that be one that ends. */
async function warmCodeCache(folder) {
  const node = join(folder, "node_modules", ".bin", "node");
  if (!existsSync(node)) return;
  const cache = { NODE_COMPILE_CACHE: join("node_modules", ".cache", "node") };
  const controlPlane = ["--input-type=module", "--eval", 'await import(process.cwd() + "/server/main.ts")'];
  // Asked for nothing, the router says how it is used and ends.
  await Promise.all([run(node, controlPlane, folder, cache), run(node, ["proxy/main.ts"], folder, cache)]);
}

/** The npm that runs us, unless it is the one in node_modules, which `npm ci` would remove under its own feet. */
function npmCommand(folder) {
  const modules = join(folder, "node_modules");
  const { npm_execpath: npm, npm_node_execpath: node } = process.env;
  if (npm && node && !npm.startsWith(modules) && !node.startsWith(modules) && existsSync(npm) && existsSync(node)) return [node, npm];
  return ["npm"];
}

function run(file, args, folder, env = {}) {
  const path = (process.env.PATH ?? "").split(delimiter).filter((part) => part !== join(folder, "node_modules", ".bin"));
  const child = spawn(file, args, { cwd: folder, env: { ...process.env, PATH: path.join(delimiter), ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const keep = (chunk) => (output = (output + chunk).slice(-64 * 1024));
  child.stdout.setEncoding("utf8").on("data", keep);
  child.stderr.setEncoding("utf8").on("data", keep);
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => child.kill(signal));
  return new Promise((done) => {
    child.once("error", (error) => done({ code: 127, output: `${output}\n${error.message}` }));
    child.once("close", (code, signal) => done({ code: code ?? signal, output }));
  });
}

/** The npm script goes on with the `node` that comes first on its path: ours where one is published for the platform. */
function nodeProblem(folder) {
  if (existsSync(join(folder, "node_modules", ".bin", "node"))) return undefined;
  const [major] = process.versions.node.split(".");
  if (Number(major) >= REQUIRED_NODE) return undefined;
  return `Node ${REQUIRED_NODE} or newer is needed on ${process.platform}-${process.arch}, and this is ${process.version}: install it, then run this again.`;
}
