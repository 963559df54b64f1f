/** The last lines of every app on disk: appended in batches, bounded per app and in all, read by release, dyno and source. */

import { existsSync, readdirSync, statSync } from "node:fs";
import { appendFile, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { fromRecord, matches, toRecord, type LogFilter, type LogLine } from "./line.ts";
import { TAIL_BYTES, keepTails, readTail } from "./release-tails.ts";
import { filesOf, listSegments, openSegments, readIndex, readSegment, readSegmentSync, segmentFile, toPlace, toPosition, writeIndex } from "./segments.ts";

export type HistoryOptions = {
  dir: string;
  /** For each app. */
  maxBytes: number;
  /** For all apps: where there are many, each gets less. */
  maxTotalBytes: number;
  /** A batch that the disk did not take. */
  onFailure(error: unknown): void;
};

export type Positioned = { line: LogLine; position: number };

export type History = {
  /** Takes a line, never waits and never throws. @returns the position behind it; undefined where the disk is too slow or refuses: the line is not kept. */
  append(appId: string, line: LogLine): number | undefined;
  /** Where the app's history ends now. */
  end(appId: string): number;
  /** Resolves when all that was appended is on the disk, or lost to it. */
  flush(appId?: string): Promise<void>;
  /** The last lines that match, oldest first: at most `count`, none behind `until`. */
  last(appId: string, filter: LogFilter, count: number, until: number): Promise<Positioned[]>;
  /** The lines behind a position, oldest first, none behind `until`. Where some of them are gone already, what is left. */
  after(appId: string, filter: LogFilter, position: number, until: number): AsyncGenerator<Positioned>;
  /** Every kept line from a position on, oldest first; for the start alone. */
  scan(appId: string, position: number): Generator<LogLine>;
  apps(): string[];
  /** Cuts apps that were not written to for a long time to what each may have now that there are more of them. */
  trim(): Promise<void>;
  remove(appId: string): Promise<void>;
  close(): Promise<void>;
};

const FLUSH_MS = 50;
/** Memory for one app's lines that are not on disk yet. */
const MAX_PENDING = 2 * 1024 * 1024;
const FLUSH_BYTES = 256 * 1024;
const SEGMENTS = 16;
/** A quarter is for what is left of older releases. */
const KEPT_SEGMENTS = 12;
const MIN_SEGMENT = 16 * 1024;
const LINE_FEED = 10;

type Batch = { segment: number; start: number; records: string[]; bytes: number };
type AppHistory = {
  dir: string;
  segment: number;
  offset: number;
  batches: Batch[];
  pendingBytes: number;
  /** Releases of the newest segment; undefined when it was begun by an earlier process. */
  releases: { min: number; max: number } | undefined;
  writing: Promise<void>;
  timer: NodeJS.Timeout | undefined;
  removed: boolean;
};

/** One folder an app under `dir`. */
export function createHistory({ dir, maxBytes, maxTotalBytes, onFailure }: HistoryOptions): History {
  const open = new Map<string, AppHistory>();
  const appDir = (appId: string): string => join(dir, appId);
  let folders = existsSync(dir) ? readdirSync(dir).length : 0;

  const budget = (): number => Math.min(maxBytes, Math.floor(maxTotalBytes / Math.max(1, folders)));
  const segmentBytes = (): number => Math.max(MIN_SEGMENT, Math.floor(budget() / SEGMENTS));

  const historyOf = (appId: string): AppHistory => {
    const known = open.get(appId);
    if (known) return known;
    if (!existsSync(appDir(appId))) folders += 1;
    const { segment, offset } = openSegments(appDir(appId));
    const made: AppHistory = {
      dir: appDir(appId), segment, offset, batches: [], pendingBytes: 0, releases: offset === 0 ? { min: Infinity, max: 0 } : undefined, writing: Promise.resolve(), timer: undefined, removed: false,
    };
    open.set(appId, made);
    return made;
  };

  const flush = (app: AppHistory): Promise<void> => {
    clearTimeout(app.timer);
    app.timer = undefined;
    const batches = app.batches;
    if (batches.length === 0) return app.writing;
    app.batches = [];
    app.writing = app.writing.then(async () => {
      for (const batch of batches) {
        app.pendingBytes -= batch.bytes;
        if (!app.removed) await write(app, batch);
      }
    });
    return app.writing;
  };

  async function write(app: AppHistory, { segment, start, records }: Batch): Promise<void> {
    const file = segmentFile(app.dir, segment);
    try {
      await appendFile(file, records.join(""), { mode: 0o600 });
    } catch (error) {
      // Half a batch would shift every position behind it: the segment ends where it was whole, and the next one goes on.
      await truncate(file, start).catch(() => undefined);
      if (app.segment === segment) nextSegment(app);
      onFailure(error);
    }
  }

  function nextSegment(app: AppHistory): void {
    const { segment, releases } = app;
    app.segment += 1;
    app.offset = 0;
    app.releases = { min: Infinity, max: 0 };
    app.writing = app.writing.then(async () => {
      if (app.removed) return;
      if (releases) await writeIndex(app.dir, segment, { min: Math.min(releases.min, 2 ** 31), max: releases.max });
      await evict(app);
    }).catch(onFailure);
  }

  const evict = (app: AppHistory): Promise<void> => discard(app, listSegments(app.dir).filter((number) => number <= app.segment - KEPT_SEGMENTS));

  async function discard(app: AppHistory, segments: number[]): Promise<void> {
    const tails = Math.max(1, Math.floor((budget() / SEGMENTS) * (SEGMENTS - KEPT_SEGMENTS) / TAIL_BYTES));
    for (const segment of segments) {
      await keepTails(app.dir, await readSegment(app.dir, segment), tails);
      for (const file of filesOf(app.dir, segment)) await rm(file, { force: true });
    }
  }

  return {
    append(appId, line) {
      let app: AppHistory;
      try {
        app = historyOf(appId);
      } catch (error) {
        onFailure(error);
        return undefined;
      }
      if (app.pendingBytes > MAX_PENDING) return undefined;
      const record = toRecord(line);
      const bytes = Buffer.byteLength(record);
      if (app.offset > 0 && app.offset + bytes > segmentBytes()) {
        void flush(app);
        nextSegment(app);
      }
      let batch = app.batches.at(-1);
      if (batch?.segment !== app.segment) app.batches.push((batch = { segment: app.segment, start: app.offset, records: [], bytes: 0 }));
      batch.records.push(record);
      batch.bytes += bytes;
      app.pendingBytes += bytes;
      app.offset += bytes;
      if (app.releases && line.release !== undefined) app.releases = { min: Math.min(app.releases.min, line.release), max: Math.max(app.releases.max, line.release) };
      if (batch.bytes > FLUSH_BYTES) void flush(app);
      else app.timer ??= setTimeout(() => void flush(app), FLUSH_MS);
      return toPosition(app);
    },

    end: (appId) => toPosition(historyOf(appId)),

    async flush(appId) {
      const apps = appId === undefined ? [...open.values()] : [historyOf(appId)];
      await Promise.all(apps.map(flush));
    },

    async last(appId, filter, count, until) {
      const app = historyOf(appId);
      const found: Positioned[] = [];
      const end = toPlace(until);
      for (const segment of listSegments(app.dir).reverse()) {
        if (segment > end.segment || found.length >= count) continue;
        if (filter.release !== undefined && !(await mayHold(app, segment, filter.release))) continue;
        const records = await readSegment(app.dir, segment, 0, segment === end.segment ? end.offset : Infinity);
        for (let to = records.length; to > 0 && found.length < count; ) {
          const from = to < 2 ? 0 : records.lastIndexOf(LINE_FEED, to - 2) + 1;
          const line = fromRecord(records.toString("utf8", from, to - 1));
          if (line && matches(line, filter)) found.push({ line, position: toPosition({ segment, offset: to }) });
          to = from;
        }
      }
      if (filter.release !== undefined && found.length < count) {
        const tail = [...linesOf(await readTail(app.dir, filter.release))].filter((line) => matches(line, filter));
        found.push(...tail.reverse().slice(0, count - found.length).map((line) => ({ line, position: 0 })));
      }
      return found.reverse();
    },

    async *after(appId, filter, position, until) {
      const app = historyOf(appId);
      const [start, end] = [toPlace(position), toPlace(until)];
      for (const segment of listSegments(app.dir)) {
        if (segment < start.segment || segment > end.segment) continue;
        const first = segment === start.segment ? start.offset : 0;
        const records = await readSegment(app.dir, segment, first, segment === end.segment ? end.offset : Infinity);
        for (let from = 0; from < records.length; ) {
          const to = records.indexOf(LINE_FEED, from) + 1;
          const line = fromRecord(records.toString("utf8", from, to - 1));
          if (line && matches(line, filter)) yield { line, position: toPosition({ segment, offset: first + to }) };
          from = to;
        }
      }
    },

    *scan(appId, position) {
      const start = toPlace(position);
      for (const segment of listSegments(appDir(appId))) {
        if (segment < start.segment) continue;
        yield* linesOf(readSegmentSync(appDir(appId), segment, segment === start.segment ? start.offset : 0));
      }
    },

    async trim() {
      for (const appId of this.apps()) {
        const app = historyOf(appId);
        const segments = listSegments(app.dir);
        const sizes = segments.map((segment) => statSync(segmentFile(app.dir, segment), { throwIfNoEntry: false })?.size ?? 0);
        let surplus = sizes.reduce((sum, size) => sum + size, 0) - segmentBytes() * KEPT_SEGMENTS;
        // The newest stays, for it is being written; it is no larger than a segment was allowed to be.
        const oldest = segments.slice(0, -1).filter((_, index) => surplus > 0 && ((surplus -= sizes[index] ?? 0), true));
        if (oldest.length > 0) app.writing = app.writing.then(() => discard(app, oldest)).catch(onFailure);
        await app.writing;
      }
    },

    apps: () => (existsSync(dir) ? readdirSync(dir) : []),

    async remove(appId) {
      const app = open.get(appId);
      open.delete(appId);
      if (app) {
        clearTimeout(app.timer);
        app.removed = true;
        await app.writing;
      }
      if (existsSync(appDir(appId))) folders -= 1;
      await rm(appDir(appId), { recursive: true, force: true });
    },

    async close() {
      await Promise.all([...open.values()].map(flush));
    },
  };

  async function mayHold(app: AppHistory, segment: number, release: number): Promise<boolean> {
    if (segment === app.segment) return app.releases === undefined || (app.releases.min <= release && release <= app.releases.max);
    const index = await readIndex(app.dir, segment);
    return index === "unknown" || (index.min <= release && release <= index.max);
  }
}

function* linesOf(records: Buffer): Generator<LogLine> {
  for (let from = 0; from < records.length; ) {
    const to = records.indexOf(LINE_FEED, from) + 1;
    const line = fromRecord(records.toString("utf8", from, to - 1));
    if (line) yield line;
    from = to;
  }
}
