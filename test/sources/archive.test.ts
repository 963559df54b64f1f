/** Archives as sources: what is read out of them, and group T of the bad inputs, none of which is ever unpacked on the host. */

import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { extract, pack, type Header } from "tar-stream";
import type { Source } from "../../server/pipeline/source.ts";
import { openArchive, type ArchiveLimits } from "../../server/sources/archive.ts";

const LIMITS: ArchiveLimits = { maxEntries: 1000, maxBytes: 64 << 20, maxMs: 60_000 };
const signal = new AbortController().signal;

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), "paas-archive-"))));
afterAll(() => rm(dir, { recursive: true }));

type Made = Partial<Header> & { name: string; body?: string };

/** A tar of these entries, however odd. */
async function tarOf(entries: Made[]): Promise<Buffer> {
  const tar = pack();
  for (const { body = "", ...header } of entries) tar.entry(header, body);
  tar.finalize();
  return bytesOf(tar);
}

/** Changes one octet of the first header, and its checksum with it, which is a sum of its octets. */
function patched(tar: Buffer, at: number, octet: number): Buffer {
  const sum = Number.parseInt(tar.toString("latin1", 148, 154), 8) + octet - (tar[at] ?? 0);
  tar[at] = octet;
  tar.write(sum.toString(8).padStart(6, "0"), 148);
  return tar;
}

async function bytesOf(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function opened(bytes: Buffer, limits: Partial<ArchiveLimits> = {}, within: AbortSignal = signal): Promise<Source> {
  const file = join(dir, "archive");
  await writeFile(file, bytes);
  return openArchive(file, "v1", { ...LIMITS, ...limits }, within);
}

/** What a build is given: path, kind and mode, and the body or the target. */
async function treeOf(source: Source): Promise<Record<string, string>> {
  const entries = extract();
  source.archive(signal).on("error", (error) => entries.destroy(error)).pipe(entries);
  const tree: Record<string, string> = {};
  for await (const entry of entries) {
    const body = await bytesOf(entry as unknown as Readable);
    const { name, type, mode, uid, linkname } = entry.header;
    tree[name] = `${type} ${(mode ?? 0).toString(8)} ${uid} ${linkname ?? body.toString()}`;
  }
  return tree;
}

const files: Made[] = [
  { name: "./" , type: "directory" },
  { name: "./Procfile", body: "web: ./run" },
  { name: "./run", body: "#!/bin/sh", mode: 0o4755, uid: 1000, uname: "ann" },
  { name: "./lib/", type: "directory", mode: 0o700 },
  { name: "./lib/ä.js", body: "1" },
  { name: "./lib/again", type: "symlink", linkname: "../run" },
  { name: "./hard", type: "link", linkname: "./run" },
];

describe("a tree is given as it is, with no owner and no setuid bit", () => {
  test.each([["plain", (tar: Buffer) => tar], ["gzipped", (tar: Buffer) => gzipSync(tar)]])("from a %s tar", async (_what, wrap) => {
    const source = await opened(wrap(await tarOf(files)));
    expect(source.commit).toBe("v1");
    const expected = {
      "Procfile": "file 644 0 web: ./run", "run": "file 755 0 #!/bin/sh", "lib": "directory 755 0 ", "lib/ä.js": "file 644 0 1", "lib/again": "symlink 644 0 ../run", "hard": "link 644 0 run",
    };
    expect(await treeOf(source)).toEqual(expected);
    // A build may need it twice.
    expect(Object.keys(await treeOf(source))).toEqual(Object.keys(expected));
    expect((await source.readFile("Procfile", 100))?.toString()).toBe("web: ./run");
    expect(await source.readFile("app.json", 100)).toBeUndefined();
    expect(await source.readFile("lib/ä.js", 100)).toEqual(Buffer.from("1"));
  });

  test("the one folder of a GitHub archive is left out of every path and link", async () => {
    const made = await tarOf([
      { name: "pax_global_header", body: `52 comment=${"c0ffee00".repeat(5)}\n` },
      { name: "app-main/", type: "directory" }, { name: "app-main/Procfile", body: "web: x" }, { name: "app-main/a/link", type: "symlink", linkname: "../Procfile" }, { name: "app-main/hard", type: "link", linkname: "app-main/Procfile" },
    ]);
    // git archive begins with a header that is no entry: typeflag g, at octet 156.
    const source = await opened(patched(made, 156, "g".charCodeAt(0)));
    expect(Object.fromEntries(Object.entries(await treeOf(source)).map(([path, text]) => [path, text.split(" ")[3]]))).toEqual({ "Procfile": "web:", "a/link": "../Procfile", "hard": "Procfile" });
    expect((await source.readFile("Procfile", 100))?.toString()).toBe("web: x");
  });

  test("a link out of that folder leads out of the tree, though not out of the archive", async () => {
    await expect(opened(await tarOf([{ name: "app/Procfile", body: "web: x" }, { name: "app/link", type: "symlink", linkname: "../other" }]))).rejects.toThrow("app/link is a symbolic link that leads out of the archive");
  });

  test("its time is that of the newest file at the top", async () => {
    const at = (name: string, seconds: number): Made => ({ name, body: "x", mtime: new Date(seconds * 1000) });
    expect(await (await opened(await tarOf([at("app/old", 1000), at("app/new", 2000.9), at("app/lib/newer", 3000), { name: "app/link", type: "symlink", linkname: "old", mtime: new Date(4e6) }]))).epoch()).toBe(2000);
    expect(await (await opened(await tarOf([at("a/x", 1000), at("b/x", 1000)]))).epoch()).toBeUndefined();
  });

  test("two folders at the top are no reason to leave one out", async () => {
    expect(Object.keys(await treeOf(await opened(await tarOf([{ name: "a/x", body: "" }, { name: "b/x", body: "" }]))))).toEqual(["a/x", "b/x"]);
  });

  test("a name of 3,000 octets, in the long headers of GNU and POSIX tars, stays whole", async () => {
    const name = Array.from({ length: 15 }, (_, index) => String(index).repeat(200).slice(0, 200)).join("/");
    expect(Object.keys(await treeOf(await opened(await tarOf([{ name, body: "deep" }, { name: "Procfile", body: "" }]))))).toContain(name);
  });
});

describe("what it says of itself must be files", () => {
  test.each<[string, Made]>([
    ["must be a regular file, not a symbolic link", { name: "Procfile", type: "symlink", linkname: "other" }],
    ["must be a regular file, not a folder", { name: "Procfile", type: "directory" }],
    ["must be a regular file, not a hard link", { name: "Procfile", type: "link", linkname: "other" }],
    ["must not be larger than 10 bytes", { name: "Procfile", body: "12345678901" }],
  ])("%s", async (message, made) => {
    const source = await opened(await tarOf([{ name: "other", body: "" }, made]));
    await expect(source.readFile("Procfile", 10)).rejects.toMatchObject({ id: "invalid_params", message: `Procfile: ${message}.` });
  });
});

describe("refused, with the entry's name and the reason", () => {
  const file: Made = { name: "file", body: "x" };
  test.each<[string, Made[], RegExp]>([
    ["T1 an absolute path", [{ name: "/etc/x", body: "" }], /\/etc\/x has an absolute path/],
    ["T2 a path upwards", [{ name: "../x", body: "" }], /\.\.\/x has \.\. in its path/],
    ["T3 a path upwards in the middle", [{ name: "a/../../x", body: "" }], /has \.\. in its path/],
    ["T4 a link to a folder of the host, and a file through it", [{ name: "tmp", type: "symlink", linkname: "/tmp" }, { name: "tmp/x", body: "" }], /tmp is a symbolic link that leads out/],
    ["T4 a link within, and a file through it", [{ name: "a", type: "directory" }, { name: "b", type: "symlink", linkname: "a" }, { name: "b/x", body: "" }], /b\/x lies in a symbolic link/],
    ["T5 a relative link upwards", [file, { name: "a/out", type: "symlink", linkname: "../../etc/passwd" }], /a\/out is a symbolic link that leads out/],
    ["T6 a hard link out", [file, { name: "out", type: "link", linkname: "../etc/passwd" }], /has \.\. in its path/],
    ["T6 a hard link to an absolute path", [file, { name: "out", type: "link", linkname: "/etc/passwd" }], /has an absolute path/],
    ["T7 a hard link through a symbolic one", [file, { name: "dir", type: "directory" }, { name: "s", type: "symlink", linkname: "dir" }, { name: "hard", type: "link", linkname: "s/passwd" }], /hard is a hard link to what is no file before it/],
    ["T7 a hard link to a symbolic one", [file, { name: "s", type: "symlink", linkname: "file" }, { name: "hard", type: "link", linkname: "s" }], /hard is a hard link to what is no file before it/],
    ["T8 a device", [{ name: "null", type: "character-device", devmajor: 1, devminor: 3 }], /null is a device/],
    ["T9 a FIFO", [{ name: "pipe", type: "fifo" }], /pipe is a FIFO/],
    ["T11 a file, then a link of the same name", [file, { name: "file", type: "symlink", linkname: "other" }], /file is there twice/],
    ["T11 a link, then a file of the same name", [{ name: "file", type: "symlink", linkname: "other" }, file], /file is there twice/],
    ["T11 a file where a folder was", [{ name: "a/b", body: "" }, { name: "a", body: "" }], /a is there twice/],
    ["T11 a folder where a file was", [file, { name: "file/x", body: "" }], /file\/x lies in a file/],
    ["T14 a name of 5,000 octets", [{ name: `${"a/".repeat(2500)}x`, body: "" }], /has a name that is too long/],
    ["T14 a part of 256 octets", [{ name: "a".repeat(256), body: "" }], /has a name that is too long/],
    ["T14 a backslash", [{ name: "a\\b", body: "" }], /with a backslash/],
    ["T14 a line feed", [{ name: "a\nb", body: "" }], /a\?b has a name with control characters/],
  ])("%s", async (_what, entries, message) => {
    await expect(opened(await tarOf(entries))).rejects.toMatchObject({ id: "invalid_params", message: expect.stringMatching(message) });
  });

  test("T14 a name that is not UTF-8", async () => {
    await expect(opened(patched(await tarOf([{ name: "aXb", body: "" }]), 1, 0xff))).rejects.toThrow("not in UTF-8");
  });

  test("T12 more entries than may be", async () => {
    const many = Array.from({ length: 1001 }, (_, index) => ({ name: `f${index}`, body: "" }));
    await expect(opened(await tarOf(many))).rejects.toThrow("The archive has more than 1000 entries.");
    expect(Object.keys(await treeOf(await opened(await tarOf(many.slice(1)))))).toHaveLength(1000);
  });

  test("T13 a bomb of a thousandfold, before it has filled anything", async () => {
    const bomb = gzipSync(await tarOf([{ name: "zeros", size: 60 << 20, body: "\0".repeat(60 << 20) }]));
    expect(bomb.length).toBeLessThan(100_000);
    await expect(opened(bomb)).rejects.toThrow("The archive unpacks to more than 200 times its size.");
  });

  test("T13 files that together are more than may be, by what their headers say", async () => {
    await expect(opened(await tarOf([{ name: "a", body: "x".repeat(700_000) }, { name: "b", body: "x".repeat(700_000) }]), { maxBytes: 1 << 20 })).rejects.toThrow("The archive is larger than 1 MB when unpacked.");
  });
});

describe("what is no archive is said to be none", () => {
  test.each<[string, Buffer | (() => Promise<Buffer>), RegExp]>([
    ["a zip", Buffer.from("PK\x03\x04 and more"), /zip, bzip2, xz and zstd are not taken/],
    ["text", Buffer.from("<html>Not Found</html>".repeat(100)), /The archive is damaged/],
    ["gzipped text", gzipSync("nothing of a tar".repeat(100)), /The archive is damaged/],
    ["a gzip that is cut off", async () => gzipSync(await tarOf(files)).subarray(0, 100), /The archive is damaged/],
    ["a gzip with a bit flipped", async () => {
      const bytes = gzipSync(await tarOf([{ name: "noise", body: Buffer.from(Array.from({ length: 5000 }, (_, at) => (at * 7919) % 251)).toString("latin1") }]));
      bytes[bytes.length - 6] = (bytes[bytes.length - 6] ?? 0) ^ 1;
      return bytes;
    }, /The archive is damaged/],
    ["a tar that is cut off", async () => (await tarOf([{ name: "a", body: "x".repeat(2000) }])).subarray(0, 1500), /The archive is damaged/],
    ["a header of 8 GB", async () => {
      const tar = await tarOf([{ name: "x".repeat(300), body: "" }]);
      tar.write("77777777777", 124);
      return tar;
    }, /The archive is damaged/],
  ])("%s", async (_what, bytes, message) => {
    await expect(opened(typeof bytes === "function" ? await bytes() : bytes)).rejects.toMatchObject({ id: "invalid_params", message: expect.stringMatching(message) });
  });
});

test("it is broken off when nobody wants it any more, with that reason", async () => {
  const stop = new AbortController();
  stop.abort(new Error("cancelled"));
  await expect(opened(await tarOf(files), {}, stop.signal)).rejects.toThrow("cancelled");
});

test("nothing of any archive was unpacked: the folder holds the archive alone", async () => {
  expect(await readdir(dir)).toEqual(["archive"]);
});
