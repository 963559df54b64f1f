/**
 * The files of one app's history. Records are appended to the newest segment, `1.log`, `2.log` …; when it is full the next one begins, and beside
 * the full one an index of one line, `1.idx`, tells which releases its records belong to. A reader goes through the segments, newest or oldest
 * first, and passes over those whose index rules out the release that is asked for; the newest has no index and is always read.
 */

import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, readFileSync, readSync, readdirSync, statSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The releases of a full segment: the lowest, the highest, and whether some records belong to none. */
export type SegmentIndex = { min: number; max: number } | "unknown";

const LINE_FEED = 10;
const TORN_CHUNK = 64 * 1024;
/** A position in an app's history: segments have far fewer octets than that. */
const SEGMENT_FACTOR = 2 ** 32;

export type Place = { segment: number; offset: number };

/** Places as one whole number that grows: what readers are told and come back with. */
export function toPosition({ segment, offset }: Place): number {
  return segment * SEGMENT_FACTOR + offset;
}
export function toPlace(position: number): Place {
  return { segment: Math.floor(position / SEGMENT_FACTOR), offset: position % SEGMENT_FACTOR };
}

export const segmentFile = (dir: string, segment: number): string => join(dir, `${segment}.log`);
const indexFile = (dir: string, segment: number): string => join(dir, `${segment}.idx`);

/** The numbers of an app's segments, oldest first. */
export function listSegments(dir: string): number[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir).map((name) => Number(/^(\d{1,9})\.log$/.exec(name)?.[1] ?? NaN)).filter((number) => !Number.isNaN(number)).sort((a, b) => a - b);
}

/** Makes the app's folder where it is missing and finds where its history ends; a record that a crash tore is cut off. */
export function openSegments(dir: string): Place {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const segment = listSegments(dir).at(-1);
  return segment === undefined ? { segment: 1, offset: 0 } : { segment, offset: withoutTornRecord(segmentFile(dir, segment)) };
}

/** The records of a segment from an offset on, without one that is not whole; empty where it is gone. */
export async function readSegment(dir: string, segment: number, from = 0, to = Infinity): Promise<Buffer> {
  const octets = await readFile(segmentFile(dir, segment)).catch(() => Buffer.alloc(0));
  const part = octets.subarray(from, Math.min(to, octets.length));
  return part.subarray(0, part.lastIndexOf(LINE_FEED) + 1);
}

export function readSegmentSync(dir: string, segment: number, from = 0): Buffer {
  const file = segmentFile(dir, segment);
  const part = existsSync(file) ? readFileSync(file).subarray(from) : Buffer.alloc(0);
  return part.subarray(0, part.lastIndexOf(LINE_FEED) + 1);
}

export async function writeIndex(dir: string, segment: number, index: Exclude<SegmentIndex, "unknown">): Promise<void> {
  await writeFile(indexFile(dir, segment), `${JSON.stringify(index)}\n`, { mode: 0o600 });
}

export async function readIndex(dir: string, segment: number): Promise<SegmentIndex> {
  try {
    return JSON.parse(await readFile(indexFile(dir, segment), "utf8")) as SegmentIndex;
  } catch {
    return "unknown";
  }
}

export const filesOf = (dir: string, segment: number): string[] => [segmentFile(dir, segment), indexFile(dir, segment)];

/** Cuts a file to its last line feed. @returns its size then */
function withoutTornRecord(file: string): number {
  const { size } = statSync(file);
  const fd = openSync(file, "r+");
  try {
    for (let end = size; end > 0; ) {
      const from = Math.max(0, end - TORN_CHUNK);
      const chunk = Buffer.alloc(end - from);
      readSync(fd, chunk, 0, chunk.length, from);
      const last = chunk.lastIndexOf(LINE_FEED);
      if (last !== -1) {
        const whole = from + last + 1;
        if (whole < size) ftruncateSync(fd, whole);
        return whole;
      }
      end = from;
    }
    ftruncateSync(fd, 0);
    return 0;
  } finally {
    closeSync(fd);
  }
}
