/** Field lines of an HTTP/1.1 head (RFC 9112 5): one pass over the octets, each line checked and remembered by offset. */

import { COLON, CR, FIELD_VALUE, LF, SPACE, TAB, TOKEN } from "./grammar.ts";
import { OTHER, ROUTER_ONLY, isAlias, knownField } from "./field-names.ts";
import type { Limits } from "./limits.ts";
import { type Refusal, refusal } from "./refusal.ts";

export type FieldBounds = Pick<Limits, "fieldLineBytes" | "fieldNameBytes" | "headBytes" | "fields">;

const TOO_MANY = refusal(431, "The head has too many fields.");
const LINE_TOO_LONG = refusal(431, "A header line is too long.");
const NAME_TOO_LONG = refusal(431, "A header name is too long.");
export const HEAD_TOO_LONG = refusal(431, "The head is too long.");
const NO_NAME = refusal(400, "A header line does not begin with a field name.");
const NO_COLON = refusal(400, "A header name holds an octet that is not allowed, or no colon follows it at once.");
const FOLDED = refusal(400, "A header line is folded over two lines.");
const BAD_VALUE = refusal(400, "A header value holds an octet that is not allowed, or does not end in CR LF.");

/** Where the lines of the head last scanned lie. One per parser, used again for every head. */
export class FieldLines {
  count = 0;
  id = new Uint8Array(64);
  /** Five offsets a line: line, end of name, value, end of value, next line. */
  at = new Int32Array(64 * 5);
  refusal: Refusal | null = null;

  /**
   * Scans the field section that starts at `from` up to and with the empty line.
   * Returns the offset behind it, 0 when more octets are needed, -1 when refused (see `refusal`).
   */
  scan(bytes: Uint8Array, from: number, end: number, bounds: FieldBounds): number {
    this.count = 0;
    let line = from;
    for (;;) {
      if (line >= end) return this.#unfinished(bytes, line, end, bounds);
      const first = bytes[line]!;
      if (first === CR) {
        if (line + 1 >= end) return this.#unfinished(bytes, line, end, bounds);
        if (bytes[line + 1] !== LF) return this.#refuse(BAD_VALUE);
        if (line + 2 > bounds.headBytes) return this.#refuse(HEAD_TOO_LONG);
        return line + 2;
      }
      // obs-fold, RFC 9112 5.2: refused, never unfolded.
      if (first === SPACE || first === TAB) return this.#refuse(this.count === 0 ? NO_NAME : FOLDED);
      const next = this.#line(bytes, line, end, bounds);
      if (next <= 0) return next === 0 ? this.#unfinished(bytes, line, end, bounds) : -1;
      line = next;
    }
  }

  /** The value of line `i`, as latin1. */
  value(bytes: Buffer, i: number): string {
    return bytes.toString("latin1", this.at[i * 5 + 2]!, this.at[i * 5 + 3]!);
  }

  /** The lower-case name of line `i`. */
  name(bytes: Buffer, i: number): string {
    return bytes.toString("latin1", this.at[i * 5]!, this.at[i * 5 + 1]!).toLowerCase();
  }

  #line(bytes: Uint8Array, line: number, end: number, bounds: FieldBounds): number {
    let at = line;
    let seen = 0;
    let kind = 0;
    while (at < end && (kind = TOKEN[bytes[at]!]!) !== 0) {
      seen |= kind;
      at++;
    }
    const nameEnd = at;
    if (nameEnd - line > bounds.fieldNameBytes) return this.#refuse(NAME_TOO_LONG);
    if (at >= end) return 0;
    // RFC 9112 5.1: no whitespace between the name and the colon.
    if (bytes[at] !== COLON) return this.#refuse(NO_COLON);
    if (at === line) return this.#refuse(NO_NAME);
    at++;
    while (at < end && (bytes[at] === SPACE || bytes[at] === TAB)) at++;
    const value = at;
    while (at < end && FIELD_VALUE[bytes[at]!] === 1) at++;
    if (at - line > bounds.fieldLineBytes) return this.#refuse(LINE_TOO_LONG);
    if (at >= end) return 0;
    if (bytes[at] !== CR) return this.#refuse(BAD_VALUE);
    if (at + 1 >= end) return 0;
    if (bytes[at + 1] !== LF) return this.#refuse(BAD_VALUE);
    let valueEnd = at;
    while (valueEnd > value && (bytes[valueEnd - 1] === SPACE || bytes[valueEnd - 1] === TAB)) valueEnd--;
    return this.#remember(bytes, line, nameEnd, value, valueEnd, at + 2, (seen & 2) !== 0, bounds);
  }

  #remember(
    bytes: Uint8Array, line: number, nameEnd: number, value: number, valueEnd: number, next: number,
    underscore: boolean, bounds: FieldBounds,
  ): number {
    if (this.count === bounds.fields) return this.#refuse(TOO_MANY);
    if (this.count === this.id.length) this.#grow();
    let id = knownField(bytes, line, nameEnd);
    if (underscore && id === OTHER && isAlias(Buffer.from(bytes.subarray(line, nameEnd)).toString("latin1"))) id = ROUTER_ONLY;
    this.id[this.count] = id;
    const at = this.count * 5;
    this.at[at] = line;
    this.at[at + 1] = nameEnd;
    this.at[at + 2] = value;
    this.at[at + 3] = valueEnd;
    this.at[at + 4] = next;
    this.count++;
    return next;
  }

  #grow(): void {
    const id = new Uint8Array(this.id.length * 2);
    id.set(this.id);
    const at = new Int32Array(this.at.length * 2);
    at.set(this.at);
    this.id = id;
    this.at = at;
  }

  /** More octets are needed: unless what is here is too long already. */
  #unfinished(bytes: Uint8Array, line: number, end: number, bounds: FieldBounds): number {
    if (end > bounds.headBytes) return this.#refuse(HEAD_TOO_LONG);
    if (end - line > bounds.fieldLineBytes + 2) return this.#refuse(LINE_TOO_LONG);
    if (this.count >= bounds.fields && line < end && bytes[line] !== CR) return this.#refuse(TOO_MANY);
    return 0;
  }

  #refuse(why: Refusal): number {
    this.refusal = why;
    return -1;
  }
}
