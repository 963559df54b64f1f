/** A pushed tree read through git while its objects may still lie in the quarantine of a running push. */

import { spawn } from "node:child_process";
import { Transform, type Readable } from "node:stream";
import type { Source } from "../pipeline/source.ts";
import { AppError, invalidParams } from "../errors.ts";
import { GitFailed, runGit } from "./command.ts";
import { gitEnvironment } from "./gitconfig.ts";

export type SourceLocation = {
  directory: string;
  /** Full commit id, checked to be a commit. */
  commit: string;
  /** From quarantineEnvironment(). */
  env: Record<string, string>;
  /** A tree that unpacks to more than this is refused ("git bombs": few objects, endless tree). Bytes of tar. */
  maxBytes: number;
  /** The same for a tree of endless folders, which gives no bytes at all. */
  maxMs: number;
};

const MAX_ENTRY_BYTES = 64 << 10;
/** Of the names at the top of a tree. */
const MAX_TOP_BYTES = 1 << 20;
const MAX_SUBJECT = 200;
const KINDS: Record<string, string> = { "120000": "a symbolic link", "040000": "a folder", "160000": "a submodule" };

/** Valid until the push has been answered: git moves the quarantine then. */
export function createSource(location: SourceLocation): Source {
  let top: Promise<Map<string, Entry> | undefined> | undefined;
  const entry = async (path: string): Promise<Entry | undefined> => {
    const names = path.includes("/") ? undefined : await (top ??= entriesAtTop(location));
    return names ? names.get(path) : (await entries(location, ["--", path], MAX_ENTRY_BYTES)).get(path);
  };
  return {
    commit: location.commit,
    subject: () => subject(location),
    epoch: () => epoch(location),
    archive: (signal) => archive(location, signal),
    readFile: async (path, maxBytes) => readFile(location, path, await entry(path), maxBytes),
  };
}

function archive({ directory, commit, env, maxBytes, maxMs }: SourceLocation, signal: AbortSignal): Readable {
  let bytes = 0;
  const tar = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > maxBytes) return done(invalidParams(`The source is larger than ${Math.floor(maxBytes / (1 << 20))} MB when unpacked.`));
      done(null, chunk);
    },
    signal,
  });
  // --worktree-attributes: in a bare repository only our info/attributes hold then, so the bytes are those of the commit.
  // Without it git first reads the whole tree into memory: one push of a few KB took 6.6 GB.
  const git = spawn("git", ["--git-dir", directory, "archive", "--format=tar", "--worktree-attributes", commit], { env: gitEnvironment(env), stdio: ["ignore", "pipe", "pipe"] });
  let complaint = "";
  git.on("error", (error) => tar.destroy(error));
  if (!git.pid) return tar; // no descriptor left: the child has no pipes either
  git.stderr.on("data", (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-1000)));
  git.stdout.pipe(tar, { end: false });
  git.on("close", (code) => (code === 0 ? tar.end() : tar.destroy(new AppError("internal_server_error", "The pushed source could not be read.", { cause: complaint }))));
  const timer = setTimeout(() => tar.destroy(invalidParams(`The source could not be unpacked within ${maxMs / 1000} seconds.`)), maxMs);
  tar.on("close", () => {
    clearTimeout(timer);
    git.kill();
  });
  return tar;
}

/** A message has any length, and a first line of any length too: what is shown of it is not. */
async function subject({ directory, commit, env }: SourceLocation): Promise<string> {
  const shown = await runGit(["--git-dir", directory, "show", "--no-patch", "--no-show-signature", `--format=%<(${MAX_SUBJECT},trunc)%s`, commit], { env, maxBytes: MAX_ENTRY_BYTES });
  return shown.toString().trim();
}

async function epoch({ directory, commit, env }: SourceLocation): Promise<number> {
  return Number(await runGit(["--git-dir", directory, "show", "--no-patch", "--no-show-signature", "--format=%ct", commit], { env, maxBytes: MAX_ENTRY_BYTES }));
}

type Entry = { mode: string; object: string };

/** All that the platform reads of a push lies there: one listing answers for app.json, Procfile and the like. @returns undefined where it is too long */
async function entriesAtTop(location: SourceLocation): Promise<Map<string, Entry> | undefined> {
  try {
    return await entries(location, [], MAX_TOP_BYTES);
  } catch (error) {
    if (error instanceof GitFailed && error.overflow) return undefined;
    throw error;
  }
}

/** By path. */
async function entries({ directory, commit, env }: SourceLocation, paths: string[], maxBytes: number): Promise<Map<string, Entry>> {
  const listing = await runGit(["--git-dir", directory, "--literal-pathspecs", "ls-tree", "-z", commit, ...paths], { env, maxBytes });
  const found = listing.toString().matchAll(/(\d{6}) \w+ ([0-9a-f]+)\t([^\0]*)\0/g);
  return new Map([...found].map(([, mode = "", object = "", path = ""]) => [path, { mode, object }]));
}

async function readFile({ directory, env }: SourceLocation, path: string, entry: Entry | undefined, maxBytes: number): Promise<Buffer | undefined> {
  if (!entry) return undefined;
  const { mode, object } = entry;
  if (KINDS[mode]) throw invalidParams(`${path}: must be a regular file, not ${KINDS[mode]}.`);
  try {
    return await runGit(["--git-dir", directory, "cat-file", "blob", object], { env, maxBytes });
  } catch (error) {
    if (error instanceof GitFailed && error.overflow) throw invalidParams(`${path}: must not be larger than ${maxBytes} bytes.`);
    throw error;
  }
}
