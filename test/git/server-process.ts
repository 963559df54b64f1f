/** The git server as a process of its own, for tests that kill it. Prints its port; every deploy hangs. Argument: the data folder. */

import { startGitServer } from "./git-server.ts";

const dataDir = process.argv[2];
if (dataDir === undefined) throw new Error("Which data folder?");
const server = await startGitServer({ dataDir });
server.onDeploy(async (_push, output, signal) => {
  output.write("building\n");
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  return false;
});
process.stdout.write(`${server.port}\n`);
