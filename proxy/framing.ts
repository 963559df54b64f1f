/** Body framing (RFC 9112 6, 7): where a body ends, found out once and written anew on the other side. */

import { CR, HEX, LF } from "./grammar.ts";
import { FIELD_VALUE, TOKEN } from "./grammar.ts";

export const NO_BODY = 0;
export const LENGTH = 1;
export const CHUNKED = 2;
/** Until the sender closes: responses only (RFC 9112 6.3 rule 8). */
export const UNTIL_CLOSE = 3;

/** Content-Length as 1*DIGIT (RFC 9110 8.6) of at most 15 digits; -1 when it is anything else. */
export function parseContentLength(bytes: Uint8Array, start: number, end: number): number {
  if (end === start || end - start > 15) return -1;
  let length = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length;
}

/** The frame of one outgoing chunk, RFC 9112 7.1: size line before, CR LF behind. */
export function chunkStart(size: number): string {
  return `${size.toString(16)}\r\n`;
}
export const CHUNK_END = "\r\n";
export const LAST_CHUNK = "0\r\n\r\n";

// Where the chunk reader stands.
const SIZE = 0;
const EXTENSION = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const TRAILER_START = 6;
const TRAILER_NAME = 7;
const TRAILER_VALUE = 8;
const TRAILER_LF = 9;
const END_LF = 10;

const MAX_SIZE_DIGITS = 13;
/** Extensions of one chunk and the whole trailer section; both are read and dropped. */
const MAX_EXTENSION = 4_096;
const MAX_TRAILER = 16_384;

/** Reads one body: takes octets as they come and hands out the payload, without frames, as views into them. */
export class BodyReader {
  /** What the last `read` found. The views are valid as long as the octets given to it. */
  parts: Buffer[] = [];
  size = 0;
  done: boolean;
  malformed = false;

  readonly #kind: number;
  #left: number;
  #state = SIZE;
  #digits = 0;
  #overhead = 0;

  constructor(kind: number, length: number) {
    this.#kind = kind;
    this.#left = kind === LENGTH ? length : 0;
    this.done = kind === NO_BODY || (kind === LENGTH && length === 0);
  }

  /** Payload octets still to come, when that is known; else -1. */
  get left(): number {
    return this.#kind === LENGTH ? this.#left : -1;
  }

  /** Reads `bytes` from `from` to `end`; returns the offset behind the last octet that belongs to this body. */
  read(bytes: Buffer, from: number, end: number): number {
    if (this.parts.length > 0) this.parts = [];
    this.size = 0;
    if (this.done) return from;
    if (this.#kind === CHUNKED) return this.#chunks(bytes, from, end);
    const take = this.#kind === LENGTH ? Math.min(this.#left, end - from) : end - from;
    this.#take(bytes, from, from + take);
    if (this.#kind === LENGTH && (this.#left -= take) === 0) this.done = true;
    return from + take;
  }

  #take(bytes: Buffer, from: number, to: number): void {
    if (to === from) return;
    this.parts.push(bytes.subarray(from, to));
    this.size += to - from;
  }

  // RFC 9112 7.1. Strict: CR LF only, no space in the size, at most 13 digits; extensions and trailers go no further
  // (7.1.1, 7.1.2), so a trailer can never become a header.
  #chunks(bytes: Buffer, from: number, end: number): number {
    let at = from;
    while (at < end) {
      if (this.#state === DATA) {
        const take = Math.min(this.#left, end - at);
        this.#take(bytes, at, at + take);
        at += take;
        if ((this.#left -= take) === 0) this.#state = DATA_CR;
        continue;
      }
      if (!this.#frame(bytes[at]!)) {
        this.malformed = true;
        return end;
      }
      at++;
      if (this.done) return at;
    }
    return at;
  }

  /** One octet outside chunk data. False when it may not stand there. */
  #frame(octet: number): boolean {
    switch (this.#state) {
      case SIZE: return this.#sizeOctet(octet);
      case EXTENSION:
        if (octet === CR) this.#state = SIZE_LF;
        else if (FIELD_VALUE[octet] === 0 || ++this.#overhead > MAX_EXTENSION) return false;
        return true;
      case SIZE_LF:
        this.#overhead = 0;
        this.#digits = 0;
        this.#state = this.#left === 0 ? TRAILER_START : DATA;
        return octet === LF;
      case DATA_CR: this.#state = DATA_LF; return octet === CR;
      case DATA_LF: this.#state = SIZE; return octet === LF;
      case END_LF: this.done = true; return octet === LF;
      default: return ++this.#overhead <= MAX_TRAILER && this.#trailerOctet(octet);
    }
  }

  #sizeOctet(octet: number): boolean {
    const digit = HEX[octet]!;
    if (digit !== 0) {
      this.#left = this.#left * 16 + digit - 1;
      return ++this.#digits <= MAX_SIZE_DIGITS;
    }
    if (this.#digits === 0) return false;
    this.#state = octet === CR ? SIZE_LF : EXTENSION;
    return octet === CR || octet === 59;
  }

  #trailerOctet(octet: number): boolean {
    switch (this.#state) {
      case TRAILER_START:
        this.#state = octet === CR ? END_LF : TRAILER_NAME;
        return octet === CR || TOKEN[octet] !== 0;
      case TRAILER_NAME:
        if (octet === 58) this.#state = TRAILER_VALUE;
        return octet === 58 || TOKEN[octet] !== 0;
      case TRAILER_VALUE:
        if (octet === CR) this.#state = TRAILER_LF;
        return octet === CR || FIELD_VALUE[octet] === 1;
      default:
        this.#state = TRAILER_START;
        return octet === LF;
    }
  }
}
