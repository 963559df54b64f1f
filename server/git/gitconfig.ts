/** The one configuration that every repository and every git process of the server obeys, and the environment they run in. */

import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

export type GitSettings = {
  dataDir: string;
  hooksDir: string;
  /** A push whose pack is larger than this is refused. Bytes. */
  maxPushBytes: number;
  /** How often receive-pack tells a waiting client that it lives. Seconds. */
  keepAliveSeconds: number;
};

/** Where the file lies; each repository's own config includes it. */
export function gitConfigPath(dataDir: string): string {
  return join(dataDir, "gitconfig");
}

/** Writes the file whole or not at all. */
export async function writeGitConfig(settings: GitSettings): Promise<void> {
  const path = gitConfigPath(settings.dataDir);
  await writeFile(`${path}.new`, render(settings), { mode: 0o644 });
  await rename(`${path}.new`, path);
}

/**
 * Changes this process's environment: node-git-server hands its own to the children it spawns, so whatever the
 * operator's shell or ~/.gitconfig says about git must be gone before the first one.
 */
export function adoptGitEnvironment(dataDir: string): void {
  for (const name of Object.keys(process.env)) if (name.startsWith("GIT_")) delete process.env[name];
  Object.assign(process.env, {
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_CONFIG_GLOBAL: gitConfigPath(dataDir),
  });
}

/** The environment for a git process that the server starts by itself. */
export function gitEnvironment(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  return { ...process.env, ...extra };
}

// bigFileThreshold bounds memory: with git's 512m, index-pack and archive hold a whole blob of 200 MB.
// shallowUpdate lets CI push from a checkout of depth 1. fsckObjects stops trees with `.git` or `..` entries.
// safe.directory: a data folder on a bind mount has another owner ("dubious ownership").
function render({ hooksDir, maxPushBytes, keepAliveSeconds }: GitSettings): string {
  return `# Written by the server at every start.
[core]
	hooksPath = ${quote(hooksDir)}
	attributesFile = /dev/null
	bigFileThreshold = 8m
	logAllRefUpdates = true
	fsync = all
[receive]
	unpackLimit = 1
	maxInputSize = ${maxPushBytes}
	keepAlive = ${keepAliveSeconds}
	fsckObjects = true
	autogc = false
	shallowUpdate = true
	denyDeleteCurrent = ignore
	advertisePushOptions = false
[receive "fsck"]
	zeroPaddedFilemode = warn
	missingSpaceBeforeDate = warn
[gc]
	auto = 0
[pack]
	threads = 1
	windowMemory = 64m
[tar]
	umask = 0022
[protocol "file"]
	allow = never
[safe]
	directory = *
[user]
	name = paas
	email = paas@localhost
`;
}

function quote(value: string): string {
  return `"${value.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"`;
}
