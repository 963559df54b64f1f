/** Sources of apps for tests: the project's examples, and fixtures where a test needs what no example shows. */

import { cp } from "node:fs/promises";
import { basename, join } from "node:path";
import { workspace, type Workspace } from "./git-client.ts";

const ROOT = join(import.meta.dirname, "../..");

/** A repository whose first commit holds a copy of that folder, such as `examples/hello-node`. */
export async function repositoryOf(folder: string, changes: Record<string, string | Buffer> = {}): Promise<Workspace> {
  const repository = await workspace();
  await cp(join(ROOT, folder), repository.dir, { recursive: true, filter: (path) => !["node_modules", "dist"].includes(basename(path)) });
  await repository.commit(changes);
  return repository;
}

/** Commits these files and nothing else. @returns the commit's id */
export async function commitOnly(repository: Workspace, files: Record<string, string>): Promise<string> {
  await repository.must("rm", "-r", "--force", "--quiet", "--ignore-unmatch", ".");
  return repository.commit(files);
}

/** What the platform said in the client's output, without git's `remote: ` and the blanks that git pads lines with. */
export function remoteText(output: string): string {
  const lines = output.split("\n").filter((line) => line.startsWith("remote: "));
  return lines.map((line) => `${line.slice("remote: ".length).trimEnd()}\n`).join("");
}
