/**
 * What a build says in the end, behind all that the pusher reads: the files that it leaves for the control plane. Whoever waits for its container's exit
 * instead waits for the engine to take the network down, and for one more program of the engine's to read the files: some 160 ms.
 */

import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { extract } from "tar-stream";
import { AppError } from "../errors.ts";
import type { Output } from "./engine.ts";

/** More than two of the largest files that count, and some small ones, in base64. */
const MAX_CHARACTERS = 1024 * 1024;

export type BuildReport = {
  /** Goes to the build as PAAS_REPORT_MARK. */
  mark: string;
  /** Takes the build's whole output; hands on what comes before the report, without waiting for more than looks like its mark. */
  output: Output;
  /** The files by name. Rejects with AppError build_failed where they are no archive or too large; never settles where the build ends without them. */
  files: Promise<Map<string, Buffer>>;
};

/** A report is `NUL mark LF`, a tar archive in base64, and `NUL mark LF` once more: what a build prints by chance is none. */
export function createBuildReport(output: Output): BuildReport {
  const mark = randomBytes(16).toString("hex");
  const line = `\0${mark}\n`;
  let pending = "";
  let body: string | undefined;
  const { promise, resolve, reject } = Promise.withResolvers<Map<string, Buffer>>();
  promise.catch(() => undefined);

  const write = (text: string): void => {
    if (body !== undefined) {
      body += text;
      const end = body.indexOf(line);
      if (end >= 0) unpack(body.slice(0, end)).then(resolve, (cause: unknown) => reject(new AppError("build_failed", "The build's report cannot be read.", { cause })));
      else if (body.length > MAX_CHARACTERS) reject(new AppError("build_failed", "The build reports too much. Its Procfile and what bin/release prints may have 256 KB each."));
      return;
    }
    pending += text;
    const at = pending.indexOf(line);
    const ready = at >= 0 ? at : startOf(line, pending);
    if (ready > 0) output.write(pending.slice(0, ready));
    if (at < 0) {
      pending = pending.slice(ready);
      return;
    }
    body = "";
    write(pending.slice(at + line.length));
  };
  return { mark, output: { write }, files: promise };
}

/** Where a text ends in what may be the beginning of that line; the text's length where it does not. */
function startOf(line: string, text: string): number {
  const at = text.lastIndexOf("\0");
  return at >= 0 && line.startsWith(text.slice(at)) ? at : text.length;
}

async function unpack(base64: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const entries = extract();
  Readable.from([Buffer.from(base64, "base64")]).pipe(entries);
  for await (const entry of entries) {
    const content = await buffer(entry as unknown as Readable);
    if (entry.header.type === "file") files.set(entry.header.name.split("/").at(-1) ?? "", content);
  }
  return files;
}
