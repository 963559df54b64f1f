/**
 * How far a dyno's log has been read. Every line of the history carries a mark with the engine's own time of the piece that it came from, so lines
 * and positions are one write: what is in the history is read, what is not is read again.
 */

import type { PrintedPiece } from "../engine/engine.ts";

/** Of one channel: the time of the last piece, and how many had that time. */
export type ChannelPosition = { at: string; count: number };

export type DynoPosition = { channels: Partial<Record<1 | 2, ChannelPosition>>; ended: boolean };

export type Mark = { dyno: string; channel: 1 | 2 | "x"; at: string };

const SHORT = 12;

/** Dynos are told apart by the front of their ids. */
export function shortId(dynoId: string): string {
  return dynoId.slice(0, SHORT);
}

/** `3f2a9c0b1d2e:1:789`: dyno, channel, and what the line's own time lacks to nanoseconds. */
export function markOf(dynoId: string, { channel, at }: Pick<PrintedPiece, "channel" | "at">): string {
  return `${shortId(dynoId)}:${channel}:${at.slice(26, 29)}`;
}

/** The mark of the line that tells of a dyno's end. */
export function endMark(dynoId: string): string {
  return `${shortId(dynoId)}:x:000`;
}

export function parseMark(mark: string, at: string): Mark | undefined {
  const [, dyno, channel, nanos] = /^([^:]{1,12}):([12x]):(\d{3})$/.exec(mark) ?? [];
  if (dyno === undefined) return undefined;
  return { dyno, channel: channel === "x" ? "x" : channel === "1" ? 1 : 2, at: `${at.slice(0, 26)}${nanos}Z` };
}

/** The engine's time in the format of lines. */
export function lineTime(at: string): string {
  return `${at.slice(0, 26)}+00:00`;
}

/** The position with one more piece read. */
export function advance(position: DynoPosition, { channel, at }: Pick<PrintedPiece, "channel" | "at">, pieces = 1): void {
  const before = position.channels[channel];
  position.channels[channel] = before?.at === at ? { at, count: before.count + pieces } : { at, count: pieces };
}

/** Two channels are copied side by side: a piece may stand in the engine's log behind one that is younger by a moment. */
const DISORDER_MS = 1000;

/** The earliest time that may hold something unread: both channels are in one stream. */
export function unreadSince({ channels }: DynoPosition): string | undefined {
  const [first, second] = [channels[1]?.at, channels[2]?.at].filter((at) => at !== undefined).sort();
  if (first === undefined || second !== undefined) return first;
  return `${new Date(Date.parse(`${first.slice(0, 23)}Z`) - DISORDER_MS).toISOString().slice(0, 23)}000000Z`;
}

/** Passes over the pieces of a stream that begins at `unreadSince` which were read before. One for each connection. */
export function createFilter(position: DynoPosition): (piece: Pick<PrintedPiece, "channel" | "at">) => boolean {
  const before = structuredClone(position.channels);
  const seen: Record<1 | 2, number> = { 1: 0, 2: 0 };
  return ({ channel, at }) => {
    const read = before[channel];
    if (read === undefined || at > read.at) return true;
    if (at < read.at) return false;
    seen[channel] += 1;
    return seen[channel] > read.count;
  };
}
