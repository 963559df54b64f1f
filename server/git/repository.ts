/** Bare repositories on disk: `<data>/repositories/<app id>.git`, made by us whole or not at all. */

import { existsSync } from "node:fs";
import { mkdir, mkdtemp, open, readdir, readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import { join, sep } from "node:path";
import { GitFailed, runGit } from "./command.ts";

const FILES: Record<string, string> = {
  HEAD: "ref: refs/heads/main\n",
  // The included file is the server's; a path here is relative to this file.
  config: "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n[include]\n\tpath = ../../gitconfig\n",
  // `git archive` would otherwise leave out what the pushed .gitattributes marks.
  "info/attributes": "* -export-ignore -export-subst\n",
};
const FOLDERS = ["info", "objects/info", "objects/pack", "refs/heads", "refs/tags"];
const APP_ID = /^[A-Za-z0-9_-]{1,64}$/;
const GC_TIMEOUT_MS = 10 * 60_000;

export type Repositories = {
  /** An empty repository to advertise from where none exists yet: a GET creates nothing. */
  readonly template: string;
  /** The folder, or undefined when nothing was pushed yet. */
  find(appId: string): string | undefined;
  /** The folder, made when missing. */
  ensure(appId: string): Promise<string>;
  remove(appId: string): Promise<void>;
  /** Makes the folders and removes what a crash left behind. Nothing may be receiving. */
  prepare(): Promise<void>;
};

export function createRepositories(dataDir: string): Repositories {
  const root = join(dataDir, "repositories");
  const template = join(root, ".empty.git");
  const pathOf = (appId: string): string => {
    if (!APP_ID.test(appId)) throw new Error(`Not an app id: ${appId}`);
    return join(root, `${appId}.git`);
  };

  return {
    template,
    find: (appId) => (existsSync(pathOf(appId)) ? pathOf(appId) : undefined),

    async ensure(appId) {
      const path = pathOf(appId);
      if (!existsSync(path)) await create(root, path);
      return path;
    },

    async remove(appId) {
      const doomed = join(root, `.removed-${appId}-${Date.now()}`);
      try {
        await rename(pathOf(appId), doomed);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
        throw error;
      }
      await rm(doomed, { recursive: true, force: true });
    },

    async prepare() {
      await mkdir(root, { recursive: true, mode: 0o700 });
      for (const name of await readdir(root)) {
        if (/^\.(new|removed)-/.test(name)) await rm(join(root, name), { recursive: true, force: true });
        else if (name.endsWith(".git")) await sweep(join(root, name));
      }
      if (!existsSync(template)) await create(root, template);
    },
  };
}

/** What a branch points at (undefined when it does not exist) and what kind of thing is pushed to it, asked in one process. */
export async function inspect(directory: string, ref: string, object: string, env: Record<string, string>): Promise<{ tip: string | undefined; type: string }> {
  const reply = await runGit(["--git-dir", directory, "cat-file", "--batch-check=%(objectname) %(objecttype)"], { env, input: `${ref}\n${object}\n` });
  const [tip = "", pushed = ""] = reply.toString().split("\n");
  return { tip: tip.endsWith(" missing") ? undefined : tip.split(" ")[0], type: pushed.split(" ")[1] ?? "missing" };
}

/** @returns the commit that a branch points at, undefined when it does not exist. */
export async function readRef(directory: string, ref: string): Promise<string | undefined> {
  const loose = await readFile(join(directory, ref), "latin1").catch(() => "");
  if (loose !== "") return loose.trim();
  try {
    return (await runGit(["--git-dir", directory, "rev-parse", "--verify", "--quiet", ref])).toString().trim();
  } catch (error) {
    if (error instanceof GitFailed) return undefined;
    throw error;
  }
}

/** Deletes a branch. Idempotent. */
export async function deleteRef(directory: string, ref: string): Promise<void> {
  await runGit(["--git-dir", directory, "update-ref", "-d", ref]);
}

/** Makes `branch` the one that a clone checks out. */
export async function setHead(directory: string, branch: string): Promise<void> {
  if ((await readFile(join(directory, "HEAD"), "latin1")) === `ref: refs/heads/${branch}\n`) return;
  await runGit(["--git-dir", directory, "symbolic-ref", "HEAD", `refs/heads/${branch}`]);
}

/** Every push adds a pack; this tells when it is time to join them. */
export async function countPacks(directory: string): Promise<number> {
  return (await readdir(join(directory, "objects/pack"))).filter((name) => name.endsWith(".pack")).length;
}

/** Joins packs and drops unreachable objects older than two weeks. Nothing may be receiving. */
export async function collectGarbage(directory: string, signal: AbortSignal): Promise<void> {
  await runGit(["--git-dir", directory, "gc", "--quiet"], { signal, timeoutMs: GC_TIMEOUT_MS });
}

/** Quarantines of dead receive-packs: git removes its own except when it is killed. Nothing may be receiving. */
export async function removeQuarantines(directory: string): Promise<void> {
  const objects = join(directory, "objects");
  for (const name of await readdir(objects)) if (name.startsWith("tmp_objdir-")) await rm(join(objects, name), { recursive: true, force: true });
}

/**
 * Variables that make the objects of a push visible before git takes them over.
 * @param quarantine what git told the hook; it must lie inside the repository.
 * @throws Error when it does not.
 */
export async function quarantineEnvironment(directory: string, quarantine: string | undefined): Promise<Record<string, string>> {
  if (!quarantine) return {};
  const [inside, objects] = await Promise.all([realpath(quarantine), realpath(join(directory, "objects"))]);
  if (!inside.startsWith(objects + sep)) throw new Error("The quarantine lies outside of the repository.");
  return { GIT_ALTERNATE_OBJECT_DIRECTORIES: `"${inside.replace(/[\\"]/g, "\\$&")}"` };
}

async function create(root: string, path: string): Promise<void> {
  const draft = await mkdtemp(join(root, ".new-"));
  for (const folder of FOLDERS) await mkdir(join(draft, folder), { recursive: true });
  for (const [name, text] of Object.entries(FILES)) await writeFile(join(draft, name), text, { flush: true });
  try {
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    if (!existsSync(path)) throw error; // else another request made it first
  }
  const folder = await open(root);
  await folder.sync().finally(() => folder.close());
}

// A lock that outlived its process (power loss, SIGKILL) would refuse every later push.
async function sweep(directory: string): Promise<void> {
  await removeQuarantines(directory);
  const inRefs = (await readdir(join(directory, "refs"), { recursive: true })).map((name) => join("refs", name));
  for (const name of [...(await readdir(directory)), ...inRefs]) if (name.endsWith(".lock")) await rm(join(directory, name), { force: true });
}
