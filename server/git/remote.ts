/** Trees of other people's repositories, over HTTP: only from addresses that the guard lets through, and nothing that git would follow by itself. */

import { createWriteStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { isIP } from "node:net";
import { pipeline } from "node:stream/promises";
import { AppError, invalidParams } from "../errors.ts";
import { createReach, Unreachable, type Reach } from "../outbound/reachable.ts";
import { GitFailed, runGit } from "./command.ts";
import { createSource } from "./source.ts";

export type RemoteOptions = {
  /** Networks (CIDR) that are let through besides, by plain http as well: PAAS_FETCH_ALLOW. */
  allow: string[];
  /** PEM file of the authorities that are trusted; undefined: the host's own. */
  authorities: string | undefined;
  /** Of what a repository sends. */
  maxPackBytes?: number;
};

export type RemoteTree = { url: string; ref: string | undefined; commit: string };

const COMMIT = /^[0-9a-f]{40}$/;
const MAX_TREE_BYTES = 512 << 20;
const ASK_MS = 60_000;
const FETCH_MS = 300_000;
const MAX_REFS_BYTES = 1 << 20;

export function createRemoteTrees({ allow, authorities, maxPackBytes = 256 << 20 }: RemoteOptions) {
  const reach = { "https:": createReach(allow, { setting: "PAAS_FETCH_ALLOW" }), "http:": createReach(allow, { setting: "PAAS_FETCH_ALLOW", internet: false }) };

  /** Runs git against the repository; the addresses are looked up and checked here, and git is given those and no others. */
  const ask = async (given: string, args: (bare: string) => string[], signal: AbortSignal, call: { timeoutMs: number; maxFileBytes?: number }): Promise<string> => {
    const url = new URL(given);
    try {
      const config = await configFor(url, reach[url.protocol as "http:" | "https:"], authorities);
      url.username = url.password = "";
      return (await runGit(args(url.href), { ...call, env: asEnvironment(config), maxBytes: MAX_REFS_BYTES, signal })).toString();
    } catch (error) {
      signal.throwIfAborted();
      throw new AppError("invalid_params", reason(url, error, maxPackBytes), { cause: error });
    }
  };

  return {
    /**
     * The commit that a branch, a tag or (undefined) the repository itself stands at.
     * @throws AppError invalid_params
     */
    async resolve(url: string, ref: string | undefined, signal: AbortSignal): Promise<string> {
      if (ref !== undefined && COMMIT.test(ref)) return ref;
      const names = ref === undefined ? ["HEAD"] : [`refs/heads/${ref}`, `refs/tags/${ref}^{}`, `refs/tags/${ref}`];
      const refs = await ask(url, (bare) => ["ls-remote", "--quiet", "--", bare, ...names], signal, { timeoutMs: ASK_MS });
      const found = new Map([...refs.matchAll(/^([0-9a-f]{40})\t(\S+)$/gm)].map(([, commit = "", name = ""]) => [name, commit]));
      const commit = names.map((name) => found.get(name)).find((one) => one !== undefined);
      if (commit === undefined) throw invalidParams(ref === undefined ? "the repository is empty." : `there is no branch or tag named ${ref}; a commit must be given with all of its 40 digits.`);
      return commit;
    },

    /**
     * Writes the tree of a commit, or of where the ref has moved to by now, as a tar file.
     * @throws AppError invalid_params
     */
    async fetch({ url, ref, commit }: RemoteTree, file: string, signal: AbortSignal): Promise<void> {
      const directory = `${file}.git.new`;
      const fetchRefs = (refs: string[], depth: string[]): Promise<string> =>
        ask(url, (bare) => ["--git-dir", directory, "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", ...depth, "--", bare, ...refs], signal, { timeoutMs: FETCH_MS, maxFileBytes: maxPackBytes });
      try {
        await mkdir(directory);
        await runGit(["init", "--quiet", "--bare", "--", directory]);
        // A server may give a commit only as part of a branch or tag (gitconfig: uploadpack.allowAnySHA1InWant).
        await fetchRefs([commit], ["--depth=1"]).catch(() => fetchRefs(ref === undefined || COMMIT.test(ref) ? ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"] : [ref], []));
        const wanted = await commitIn(directory, ref === undefined || COMMIT.test(ref) ? [commit] : [commit, "FETCH_HEAD"]);
        await pipeline(createSource({ directory, commit: wanted, env: {}, maxBytes: MAX_TREE_BYTES, maxMs: FETCH_MS }).archive(signal), createWriteStream(file, { mode: 0o600 }));
      } finally {
        await rm(directory, { recursive: true, force: true });
      }
    },
  };
}

async function commitIn(directory: string, names: string[]): Promise<string> {
  for (const name of names) {
    const found = await runGit(["--git-dir", directory, "rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`]).catch(() => undefined);
    if (found) return found.toString().trim();
  }
  throw invalidParams(`there is no commit ${names[0]}.`);
}

/** @throws Unreachable */
async function configFor(url: URL, reach: Reach, authorities: string | undefined): Promise<Record<string, string>> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const auth = url.username === "" && url.password === "" ? {} : { "http.extraHeader": `Authorization: Basic ${Buffer.from(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`).toString("base64")}` };
  if (isIP(host)) reach.assertAddress(host);
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return {
    "protocol.allow": "never",
    [`protocol.${url.protocol.slice(0, -1)}.allow`]: "always",
    // Neither redirects nor the alternates of a dumb server: both would lead past the guard.
    "http.followRedirects": "false",
    ...(isIP(host) ? {} : { "http.curloptResolve": `${host}:${port}:${(await addressesOf(host, reach)).join(",")}` }),
    "http.proxy": "",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
    "credential.helper": "",
    "fetch.unpackLimit": "1",
    "fetch.fsckObjects": "true",
    "core.fsync": "none",
    ...(authorities === undefined ? {} : { "http.sslCAInfo": authorities }),
    ...auth,
  };
}

function addressesOf(host: string, reach: Reach): Promise<string[]> {
  return new Promise((resolve, reject) => {
    reach.lookup(host, { all: true }, (error, found) => {
      if (error) reject(error);
      else resolve((found as unknown as { address: string; family: number }[]).map(({ address, family }) => (family === 6 ? `[${address}]` : address)));
    });
  });
}

/** git-config(1), GIT_CONFIG_COUNT: unlike arguments, nobody else on the machine can read it. */
function asEnvironment(config: Record<string, string>): Record<string, string> {
  const pairs = Object.entries(config).flatMap(([key, value], index) => [[`GIT_CONFIG_KEY_${index}`, key], [`GIT_CONFIG_VALUE_${index}`, value]]);
  return { ...Object.fromEntries(pairs), GIT_CONFIG_COUNT: String(Object.keys(config).length), GIT_TERMINAL_PROMPT: "0", GIT_ASKPASS: "true", HOME: "/nonexistent" };
}

function reason(url: URL, error: unknown, maxPackBytes: number): string {
  if (error instanceof Unreachable) return `${url.host} cannot be fetched from: ${error.message}.`;
  if (!(error instanceof GitFailed)) return `the name ${url.hostname} could not be looked up.`;
  const said = error.message;
  if (/Authentication failed|could not read (Username|Password)|error: 40[13]\b/.test(said)) return "the repository does not exist or asks for a login: write user:token@ before the host's name.";
  if (/redirect|error: 30[1278]\b/.test(said)) return "the repository has moved: give the URL that this one redirects to.";
  if (/repository .* not found|error: 404\b/.test(said)) return "there is no git repository at this URL.";
  if (/remote ref|not our ref/.test(said)) return "the repository does not have that commit.";
  return `the repository could not be fetched, or is larger than ${maxPackBytes >> 20} MB.`;
}
