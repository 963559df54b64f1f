/** What dynos print, as lines: decoded, cut to size, and no more than may be taken. */

import { StringDecoder } from "node:string_decoder";
import type { Dyno, DynoLogReader, Exit, PrintedPiece } from "../engine/engine.ts";
import { advance, createFilter, endMark, lineTime, markOf, unreadSince, type DynoPosition } from "./dyno-position.ts";
import { bufferOverflow, type Hub } from "./hub.ts";

/** As Heroku splits longer lines (devcenter: logging#limits). */
export const MAX_LINE_BYTES = 10_000;

/** What one dyno may print: this much a second, and so much at once before it is slowed down. */
const BYTES_PER_SECOND = 2_000_000;
const BURST_BYTES = 4_000_000;
/** A line costs its octets and this much: a million short ones are work as well. */
const LINE_COST = 64;
const DROPPED_COST = 8;
/** So far behind is what was under way when the dyno was slowed down; beyond that lines are dropped. */
const DEBT_BYTES = 8_000_000;
const TELL_MS = 1000;
const TELL_SLOWED_MS = 60_000;

/** Writes the line that tells of a dyno's end, with that mark. */
export type OnEnd = (dyno: Dyno, exit: Exit, mark: string) => void;

/** The reader of one dyno's log. `position` moves with it. */
export function createDynoReader(hub: Hub, dyno: Dyno, position: DynoPosition, onEnd: OnEnd, now: () => number = () => performance.now()): Omit<DynoLogReader, "removed"> {
  const { appId, name: ps, releaseVersion: release } = dyno;
  const decoders = { 1: new StringDecoder("utf8"), 2: new StringDecoder("utf8") };
  const continued = { 1: false, 2: false };
  let isNew = createFilter(position);
  let tokens = BURST_BYTES;
  let filledAt = now();
  let dropped: { count: number; since: string; last: PrintedPiece; toldAt: number } | undefined;
  let slowedToldAt = -Infinity;

  const refill = (): void => {
    const at = now();
    tokens = Math.min(BURST_BYTES, tokens + ((at - filledAt) / 1000) * BYTES_PER_SECOND);
    filledAt = at;
  };
  const write = (piece: PrintedPiece): void => {
    const { channel, octets, whole } = piece;
    let text = decoders[channel].write(octets);
    if (whole) text += decoders[channel].end();
    const isRest = continued[channel];
    continued[channel] = !whole;
    if (whole && text.endsWith("\r")) text = text.slice(0, -1);
    if (text === "" && isRest) return;
    let mark: string | undefined = markOf(dyno.id, piece);
    for (const part of octets.length <= MAX_LINE_BYTES ? [text] : cut(text)) {
      hub.write(appId, { at: lineTime(piece.at), source: "app", ps, release, text: part, mark });
      mark = undefined;
    }
  };
  const drop = (piece: PrintedPiece): void => {
    dropped ??= { count: 0, since: lineTime(piece.at), last: piece, toldAt: now() };
    dropped.count += 1;
    dropped.last = { ...piece, octets: Buffer.alloc(0) };
    if (now() - dropped.toldAt > TELL_MS) tellDropped();
  };
  const tellDropped = (): void => {
    if (!dropped) return;
    const { count, since, last } = dropped;
    dropped = undefined;
    hub.countDropped(appId, count);
    hub.write(appId, { at: lineTime(last.at), source: "heroku", ps, release, text: bufferOverflow(count, since), mark: markOf(dyno.id, last) });
  };

  return {
    since() {
      isNew = createFilter(position);
      return unreadSince(position);
    },
    take(piece) {
      if (!isNew(piece)) return;
      advance(position, piece);
      if (tokens < 0) refill();
      if (tokens < -DEBT_BYTES) {
        tokens -= DROPPED_COST;
        return drop(piece);
      }
      tellDropped();
      tokens -= piece.octets.length + LINE_COST;
      write(piece);
    },
    overloaded() {
      refill();
      if (tokens >= 0) return false;
      if (now() - slowedToldAt > TELL_SLOWED_MS) {
        slowedToldAt = now();
        hub.write(appId, { source: "heroku", ps, release, text: `Output is slowed down to ${BYTES_PER_SECOND / 1_000_000} MB a second` });
      }
      return true;
    },
    ended(exit) {
      tellDropped();
      if (position.ended || exit === undefined) return;
      position.ended = true;
      onEnd(dyno, exit, endMark(dyno.id));
    },
  };
}

/** Pieces of at most MAX_LINE_BYTES that split no character. */
function cut(text: string): string[] {
  const octets = Buffer.from(text);
  const pieces: string[] = [];
  for (let from = 0; from < octets.length; ) {
    let to = Math.min(octets.length, from + MAX_LINE_BYTES);
    // 10xxxxxx: in the middle of a character.
    while (to < octets.length && ((octets[to] ?? 0) & 0xc0) === 0x80) to -= 1;
    pieces.push(octets.toString("utf8", from, to));
    from = to;
  }
  return pieces;
}
