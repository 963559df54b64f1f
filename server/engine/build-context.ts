/** What the engine's builder gets to see: a folder of the pushed tree, as a stream from tar to tar. Nothing is unpacked on the host. */

import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { extract, pack } from "tar-stream";
import { contentMissing, isPointer, MAX_POINTER_BYTES } from "../domain/git-lfs.ts";

type Header = Parameters<ReturnType<typeof pack>["entry"]>[0];

/**
 * @param folder where it lies in the tree; empty: the top
 * @param sees whether a path, relative to the folder, is part of it
 * @param usesLfs whether files may be pointers to what was not pushed: the stream ends with an error that names them then (AppError invalid_params)
 */
export function buildContext(source: Readable, folder: string, sees: (path: string) => boolean, usesLfs: boolean): Readable {
  const prefix = folder === "" ? "" : `${folder}/`;
  const context = pack();
  const entries = extract();
  const pointers: string[] = [];
  const failed = (error: Error): void => void (context as unknown as Readable).destroy(error);
  source.on("error", (error) => entries.destroy(error));
  void (async () => {
    source.pipe(entries);
    for await (const entry of entries) {
      const path = inFolder(entry.header.name, prefix);
      if (path === undefined || !sees(path)) entry.resume();
      else if (usesLfs && entry.header.type === "file" && (entry.header.size ?? 0) <= MAX_POINTER_BYTES) {
        const content = await buffer(entry as unknown as Readable);
        if (isPointer(content)) pointers.push(prefix + path);
        context.entry(headerOf(entry.header, path, prefix), content);
      } else if (entry.header.type === "file") await pipeline(entry, context.entry(headerOf(entry.header, path, prefix)));
      else {
        context.entry(headerOf(entry.header, path, prefix));
        entry.resume();
      }
    }
    if (pointers.length > 0) throw contentMissing(pointers, `${prefix}.dockerignore`);
    context.finalize();
  })().catch(failed);
  return context as unknown as Readable;
}

function inFolder(name: string, prefix: string): string | undefined {
  const path = name.replace(/\/+$/, "");
  return path.startsWith(prefix) && path !== "" ? path.slice(prefix.length) : undefined;
}

function headerOf(header: Header, path: string, prefix: string): Header {
  const { type, mode, mtime, linkname, size } = header;
  const linked = type === "link" && linkname?.startsWith(prefix) ? linkname.slice(prefix.length) : linkname;
  return { name: type === "directory" ? `${path}/` : path, type: type ?? "file", size: size ?? 0, uid: 0, gid: 0, ...(mode === undefined ? {} : { mode }), ...(mtime === undefined ? {} : { mtime }), ...(linked ? { linkname: linked } : {}) };
}
