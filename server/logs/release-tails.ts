/** What is left of a release whose segments went: its last lines, so that every release can still be asked what it said. */

import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Kept of each release. */
export const TAIL_BYTES = 32 * 1024;

const LINE_FEED = 10;
const RELEASE_WORD = /^\S+ \S+ v(\d{1,9}) /;
const HEAD_BYTES = 400;

/** Keeps the last records of each release in a segment that is about to go; `most` releases, those with the highest numbers. */
export async function keepTails(dir: string, records: Buffer, most: number): Promise<void> {
  const tails = join(dir, "releases");
  await mkdir(tails, { recursive: true, mode: 0o700 });
  for (const [release, kept] of lastOfEach(records)) {
    const file = join(tails, `v${release}.log`);
    const before = await readFile(file).catch(() => Buffer.alloc(0));
    await writeFile(`${file}.new`, lastLines(Buffer.concat([before, ...kept])), { mode: 0o600 });
    await rename(`${file}.new`, file);
  }
  const numbers = (await readdir(tails)).map((name) => Number(/^v(\d+)\.log$/.exec(name)?.[1] ?? NaN)).filter((number) => !Number.isNaN(number)).sort((a, b) => b - a);
  await Promise.all(numbers.slice(most).map((number) => rm(join(tails, `v${number}.log`), { force: true })));
}

/** Records of a release whose segments are gone; empty where there are none. */
export async function readTail(dir: string, release: number): Promise<Buffer> {
  return readFile(join(dir, "releases", `v${release}.log`)).catch(() => Buffer.alloc(0));
}

/** From the end: as many records of each release as fit, in their order. */
function lastOfEach(records: Buffer): Map<number, Buffer[]> {
  const kept = new Map<number, { records: Buffer[]; bytes: number }>();
  for (let end = records.length; end > 0; ) {
    const start = end < 2 ? 0 : records.lastIndexOf(LINE_FEED, end - 2) + 1;
    const release = Number(RELEASE_WORD.exec(records.toString("latin1", start, Math.min(end, start + HEAD_BYTES)))?.[1] ?? NaN);
    const of = kept.get(release) ?? { records: [], bytes: 0 };
    if (!Number.isNaN(release) && of.bytes < TAIL_BYTES) {
      of.records.unshift(records.subarray(start, end));
      of.bytes += end - start;
      kept.set(release, of);
    }
    end = start;
  }
  return new Map([...kept].map(([release, { records: list }]) => [release, list]));
}

/** At most TAIL_BYTES from the end, beginning with a whole record. */
function lastLines(records: Buffer): Buffer {
  if (records.length <= TAIL_BYTES) return records;
  return records.subarray(records.indexOf(LINE_FEED, records.length - TAIL_BYTES - 1) + 1);
}
