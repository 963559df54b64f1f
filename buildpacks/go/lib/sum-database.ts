/** The checksum that the Go checksum database has recorded for a module; settings as the go command reads them (GOSUMDB, GOPROXY). */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fetchFile, proxiesOf } from "./module-proxy.ts";
import { checkRecord, openTreeHead } from "./transparent-log.ts";

const DEFAULT_DATABASE = "sum.golang.org";
/** It is part of the go command too: whoever answers, the database's owner must have signed. */
const DEFAULT_KEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";

/**
 * @returns the `h1:` hash of `module` at `version`; undefined where GOSUMDB=off
 * @throws Error when no answer is to be had, or one that the database has not signed
 */
export async function recordedSum(env: NodeJS.ProcessEnv, module: string, version: string): Promise<string | undefined> {
  const setting = env["GOSUMDB"] || DEFAULT_DATABASE;
  if (setting === "off") return undefined;
  const [named = "", url] = setting.split(/\s+/);
  const key = named === DEFAULT_DATABASE ? DEFAULT_KEY : named;
  const name = key.split("+")[0] ?? "";
  const folder = mkdtempSync(join(tmpdir(), "sumdb-"));
  try {
    const read = await reader(env, name, url, join(folder, "answer"));
    return await lookUp(read, key, module, version);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type Reader = (path: string) => Promise<Buffer>;

async function lookUp(read: Reader, key: string, module: string, version: string): Promise<string> {
  const answer = (await read(`lookup/${module}@${version}`)).toString("utf8");
  const [index = "", rest = ""] = splitOnce(answer, "\n");
  const [lines = "", note = ""] = splitOnce(rest, "\n\n");
  await checkRecord(`${lines}\n`, Number(index), openTreeHead(note, key), read);
  const line = lines.split("\n").find((each) => each.startsWith(`${module} ${version} h1:`));
  if (!line) throw new Error(`the checksum database has no line for ${module} ${version}`);
  return line.split(" ")[2] ?? "";
}

/** A proxy may stand in for the database (https://go.dev/ref/mod#checksum-database), else it is asked itself. */
async function reader(env: NodeJS.ProcessEnv, name: string, url: string | undefined, file: string): Promise<Reader> {
  const bases = [];
  for (const proxy of url ? [] : proxiesOf(env)) {
    if ((await fetchFile(env, `${proxy}/sumdb/${name}/supported`, file)) === "fetched") bases.push(`${proxy}/sumdb/${name}`);
  }
  const base = bases[0] ?? url?.replace(/\/$/, "") ?? `https://${name}`;
  const read: Reader = async (path) => {
    const fetched = await fetchFile(env, `${base}/${path}`, file);
    if (fetched !== "fetched") throw new Error(`the checksum database ${name} is ${fetched === "not there" ? "without an answer" : "out of reach"}`);
    return readFileSync(file);
  };
  // A tile is asked for at each of its levels.
  const answers = new Map<string, Buffer>();
  return async (path) => {
    const answer = answers.get(path) ?? (await read(path));
    answers.set(path, answer);
    return answer;
  };
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}
