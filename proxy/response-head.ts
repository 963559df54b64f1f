/** The head of a response: status line (RFC 9112 4), fields, and what they say about body and connection. */

import { CR, FIELD_VALUE, LF, SPACE } from "./grammar.ts";
import { CONNECTION, CONTENT_LENGTH, KEEP_ALIVE, SET_COOKIE, TRANSFER_ENCODING, UPGRADE, connectionOptions, mayNominate } from "./field-names.ts";
import { type FieldBounds, FieldLines } from "./field-lines.ts";
import { CHUNKED, LENGTH, NO_BODY, UNTIL_CLOSE, parseContentLength } from "./framing.ts";
import type { Limits } from "./limits.ts";

const STATUS = [..."HTTP/1."].map((c) => c.charCodeAt(0));

/** What is wrong with an app's response: `restricted` breaks a size rule (H25), the rest is malformed (H17). */
export type BadResponse = "malformed" | "restricted";

/** One response head, filled by `parse`. One serves all connections: it is read and rewritten in one go. */
export class ResponseHead {
  status = 0;
  body = NO_BODY;
  /** Content-Length, or -1 without one. For HEAD and 304 it says what a GET would have sent. */
  length = -1;
  keepAlive = true;
  /** Seconds that the app says it keeps an idle connection (`Keep-Alive: timeout=`), or 0. */
  keepAliveSeconds = 0;
  websocket = false;
  nominated: string[] | null = null;
  minor = 1;
  /** Offsets of the status line and of the first field line. */
  lineAt = 0;
  fieldsAt = 0;
  readonly lines = new FieldLines();
  bad: BadResponse = "malformed";

  #codings = 0;
  #lengths = 0;
  #cookieBytes: number;
  readonly #bounds: FieldBounds;

  constructor(limits: Limits) {
    this.#bounds = {
      fieldLineBytes: limits.responseHeadBytes,
      fieldNameBytes: limits.fieldNameBytes,
      headBytes: limits.responseHeadBytes,
      fields: limits.fields,
    };
    this.#cookieBytes = limits.responseCookieBytes;
  }

  /**
   * Parses the head that starts at `from`; `toHead`: it answers a HEAD request.
   * Returns the offset behind it, 0 when more octets are needed, -1 when it is bad (see `bad`).
   */
  parse(bytes: Buffer, from: number, end: number, toHead: boolean): number {
    this.#reset();
    this.lineAt = from;
    const fields = this.#statusLine(bytes, from, end);
    if (fields <= 0) return fields;
    const behind = this.lines.scan(bytes, fields, end, this.#bounds);
    if (behind <= 0) {
      if (behind === -1 && this.lines.refusal!.status === 431) this.bad = "restricted";
      return behind;
    }
    if (behind - from > this.#bounds.headBytes) return this.#restricted();
    for (let i = 0; i < this.lines.count; i++) {
      const id = this.lines.id[i]!;
      if (id !== 0 && !this.#field(bytes, i, id)) return -1;
    }
    return this.#framing(toHead) ? behind : -1;
  }

  #statusLine(bytes: Buffer, from: number, end: number): number {
    for (let i = 0; i < 7; i++) {
      if (from + i >= end) return 0;
      if (bytes[from + i] !== STATUS[i]) return -1;
    }
    if (from + 12 >= end) return 0;
    const minor = bytes[from + 7]! - 48;
    const hundreds = bytes[from + 9]! - 48;
    const tens = bytes[from + 10]! - 48;
    const ones = bytes[from + 11]! - 48;
    if ((minor !== 0 && minor !== 1) || bytes[from + 8] !== SPACE) return -1;
    if (hundreds < 1 || hundreds > 9 || tens < 0 || tens > 9 || ones < 0 || ones > 9) return -1;
    this.status = hundreds * 100 + tens * 10 + ones;
    this.minor = minor;
    this.keepAlive = minor === 1;
    let at = from + 12;
    // RFC 9112 4: the reason phrase may be empty; some servers leave out the space before it too.
    if (bytes[at] !== SPACE && bytes[at] !== CR) return -1;
    while (at < end && FIELD_VALUE[bytes[at]!] === 1) at++;
    if (at - from > 8_192) return this.#restricted();
    if (at + 1 >= end) return at < end && bytes[at] !== CR ? -1 : 0;
    if (bytes[at] !== CR || bytes[at + 1] !== LF) return -1;
    this.fieldsAt = at + 2;
    return this.fieldsAt;
  }

  #field(bytes: Buffer, i: number, id: number): boolean {
    const lines = this.lines;
    switch (id) {
      case CONTENT_LENGTH:
        this.length = parseContentLength(bytes, lines.at[i * 5 + 2]!, lines.at[i * 5 + 3]!);
        return ++this.#lengths === 1 && this.length >= 0;
      case TRANSFER_ENCODING:
        return ++this.#codings === 1 && lines.value(bytes, i).toLowerCase() === "chunked";
      case CONNECTION:
        for (const option of connectionOptions(lines.value(bytes, i))) {
          if (option === "close") this.keepAlive = false;
          else if (mayNominate(option)) (this.nominated ??= []).push(option);
        }
        return true;
      case KEEP_ALIVE: this.keepAliveSeconds = Number(/timeout=(\d{1,6})/i.exec(lines.value(bytes, i))?.[1] ?? 0); return true;
      case UPGRADE: this.websocket = lines.value(bytes, i).toLowerCase() === "websocket"; return true;
      case SET_COOKIE:
        if (lines.at[i * 5 + 3]! - lines.at[i * 5 + 2]! <= this.#cookieBytes) return true;
        this.bad = "restricted";
        return false;
      default: return true;
    }
  }

  /** RFC 9112 6.3, strictly: a response with two framings or an impossible one is refused. */
  #framing(toHead: boolean): boolean {
    if (this.#codings > 0 && (this.#lengths > 0 || this.minor === 0)) return false;
    const status = this.status;
    if (status < 200 || status === 204) {
      this.body = NO_BODY;
      // Some apps frame the body that a 204 cannot have (RFC 9112 6.1): the client hears nothing of it, and its octets end with the connection.
      if (status === 204 && this.#codings > 0) {
        this.#codings = 0;
        this.keepAlive = false;
      }
      const nothing = this.#codings === 0 && this.length <= 0;
      this.length = -1;
      return nothing;
    }
    if (toHead || status === 304) this.body = NO_BODY;
    else if (this.#codings > 0) this.body = CHUNKED;
    else if (this.#lengths > 0) this.body = LENGTH;
    else {
      this.body = UNTIL_CLOSE;
      this.keepAlive = false;
    }
    return true;
  }

  /** True when a HEAD or 304 announced a chunked body: said again in the same words. */
  get announcesChunked(): boolean {
    return this.#codings > 0;
  }

  #reset(): void {
    this.length = -1;
    this.keepAliveSeconds = 0;
    this.websocket = false;
    this.nominated = null;
    this.bad = "malformed";
    this.#codings = 0;
    this.#lengths = 0;
  }

  #restricted(): number {
    this.bad = "restricted";
    return -1;
  }
}
