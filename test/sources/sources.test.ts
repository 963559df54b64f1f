/** Where archives lie until they are built, and when they go. */

import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AppError } from "../../server/errors.ts";
import { createFetcher } from "../../server/outbound/fetch.ts";
import { createSources, type Sources, type SourcesOptions } from "../../server/sources/sources.ts";

const signal = new AbortController().signal;
const output = { write: () => undefined };

let dir: string;
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), "paas-sources-"))));
afterEach(() => rm(dir, { recursive: true, force: true }));

const files = async (): Promise<number> => (await readdir(join(dir, "sources"))).length;
const make = (options: Partial<SourcesOptions> = {}): Sources =>
  createSources({ dir: join(dir, "sources"), fetcher: createFetcher({ allow: ["127.0.0.1"] }), assertSpace: async () => undefined, ...options });

async function archive(): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name: "Procfile" }, "web: ./run");
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
  return gzipSync(Buffer.concat(chunks));
}
const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** A host that serves these octets. */
async function host(bytes: Buffer): Promise<{ url: string; close(): void }> {
  const server = createServer((_request, response) => void response.end(bytes));
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/app.tgz?token=secret`, close: () => server.closeAllConnections() };
}

test("an archive that was sent is built from, is called by its checksum where nobody names it, and goes when the build has ended", async () => {
  const [sources, bytes] = [make(), await archive()];
  const { put, get } = sources.create("ann");
  await sources.receive(put, Readable.from([bytes]));
  const order = sources.order({ url: "u", checksum: `SHA256:${sha256(bytes).toUpperCase()}` }, get);
  expect(order).toMatchObject({ version: sha256(bytes), sourceBlob: { url: "u", checksum: `SHA256:${sha256(bytes).toUpperCase()}`, versionDescription: null } });
  const source = await order.open(output, signal);
  expect(source.commit).toBe(sha256(bytes));
  expect((await source.readFile("Procfile", 100))?.toString()).toBe("web: ./run");
  expect(await files()).toBe(1);
  await order.ended();
  expect(await files()).toBe(0);
  expect(() => sources.order({ url: "u" }, get)).toThrow("There is no such source (any more)");
  sources.close();
});

test("one that two builds use goes with the last of them, and one that no build was made of stays", async () => {
  const sources = make();
  const { put, get } = sources.create("ann");
  await sources.receive(put, Readable.from([await archive()]));
  sources.order({ url: "u" }, get).refused();
  const [first, second] = [sources.order({ url: "u", version: "v1" }, get), sources.order({ url: "u", version: "v2" }, get)];
  await first.ended();
  expect((await second.open(output, signal)).commit).toBe("v2");
  await second.ended();
  expect(await files()).toBe(0);
  sources.close();
});

test("an archive is sent once; what was cut off, was too large or empty was not sent, and can be sent again", async () => {
  const [sources, bytes] = [make({ maxArchiveBytes: 1 << 20 }), await archive()];
  const { put, get } = sources.create("ann");
  const cutOff = Readable.from((async function* () {
    yield bytes.subarray(0, 10);
    throw Object.assign(new Error("aborted"), { code: "ECONNRESET" });
  })());
  expect(() => sources.order({ url: "u" }, get)).toThrow("source_blob.url: nothing was sent there yet");
  await expect(sources.receive(put, cutOff)).rejects.toMatchObject({ id: "bad_request", message: "The archive was cut off." });
  await expect(sources.receive(put, Readable.from([Buffer.alloc(2 << 20)]))).rejects.toThrow("The archive is larger than 1 MB.");
  await expect(sources.receive(put, Readable.from([]))).rejects.toThrow("The body is empty");
  expect(() => sources.read(get)).toThrow("Nothing was sent");
  await sources.receive(put, Readable.from([bytes]));
  await expect(sources.receive(put, Readable.from([bytes]))).rejects.toMatchObject({ id: "conflict" });
  expect(() => sources.order({ url: "u", checksum: `SHA256:${"0".repeat(64)}` }, get)).toThrow(`source_blob.checksum: the archive's is SHA256:${sha256(bytes)}.`);
  expect(() => sources.order({ url: "u" }, put)).toThrow("There is no such source");
  sources.close();
});

test("a full disk takes no archive, also where it fills while one comes", async () => {
  let looks = 0;
  const sources = make({ assertSpace: async () => {
    if ((looks += 1) > 2) throw new AppError("disk_full", "full");
  } });
  const { put } = sources.create("ann");
  const large = Readable.from((function* () {
    for (let at = 0; at < 100; at += 1) yield Buffer.alloc(1 << 20);
  })());
  await expect(sources.receive(put, large)).rejects.toMatchObject({ id: "disk_full" });
  expect([looks, await files()]).toEqual([3, 0]);
  sources.close();
});

test("what is not built in time goes, and everything that a process before this one left", async () => {
  await make().receive(make().create("ann").put, Readable.from(["x"])).catch(() => undefined);
  await writeFile(join(dir, "sources", "left"), "x");
  const sources = make({ keepMs: 1000 });
  expect(await files()).toBe(0);
  const content = await archive();
  const { put, get } = sources.create("ann");
  await sources.receive(put, Readable.from([content]));
  await expect.poll(files).toBe(0);
  expect(() => sources.read(get)).toThrow("There is no such source");
});

test("a person has so many sources open and no more", () => {
  const sources = make({ maxOpen: 2 });
  for (const _ of [1, 2]) sources.create("ann");
  expect(() => sources.create("ann")).toThrow(expect.objectContaining({ id: "rate_limit" }));
  expect(() => sources.create("bob")).not.toThrow();
  sources.close();
});

test("an archive elsewhere is fetched, proved by its checksum, and shown without what may be secret in its URL", async () => {
  const bytes = await archive();
  const [sources, { url, close }] = [make(), await host(bytes)];
  const said: string[] = [];
  const order = sources.order({ url, checksum: `SHA256:${sha256(bytes)}` }, undefined);
  expect(order.sourceBlob.url).toBe(url.replace("?token=secret", ""));
  expect((await order.open({ write: (text) => void said.push(text) }, signal)).commit).toBe(sha256(bytes));
  expect(said.join("")).toMatch(/^-----> Fetching source from 127\.0\.0\.1:\d+\n$/);
  await order.ended();
  await expect(sources.order({ url, checksum: `SHA256:${"0".repeat(64)}` }, undefined).open(output, signal)).rejects.toThrow("source_blob.checksum: the archive's is");
  await expect(make({ fetcher: createFetcher({ allow: [] }) }).order({ url }, undefined).open(output, signal)).rejects.toThrow("cannot be fetched from");
  expect(() => sources.order({ url: "file:///etc/passwd" }, undefined)).toThrow("source_blob.url: The URL must begin with https://");
  expect(existsSync(join(dir, "sources"))).toBe(true);
  close();
  sources.close();
});
