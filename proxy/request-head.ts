/** The head of a request: request line (RFC 9112 3), fields, and what they say about body, connection and host. */

import { CR, LF, SPACE, TARGET, TOKEN } from "./grammar.ts";
import {
  ACCEPT, CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING, UPGRADE, X_FORWARDED_FOR, X_REQUEST_ID, connectionOptions, mayNominate,
} from "./field-names.ts";
import { FieldLines } from "./field-lines.ts";
import { CHUNKED, LENGTH, NO_BODY, parseContentLength } from "./framing.ts";
import { canonicalHost } from "./host.ts";
import type { Limits } from "./limits.ts";
import { type Refusal, refusal } from "./refusal.ts";

const EMPTY = Buffer.alloc(0);
const BAD_LINE = refusal(400, "The request line is malformed.");
const LINE_TOO_LONG = refusal(414, "The request line is too long.");
const BAD_VERSION = refusal(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
const BAD_METHOD = refusal(405, "This method is not allowed.");
const BAD_TARGET = refusal(400, "The request target is malformed.");
const NO_HOST = refusal(400, "The Host field is missing.");
const TWO_HOSTS = refusal(400, "There is more than one Host field.");
const BAD_HOST = refusal(400, "The Host field is malformed.");
const OTHER_HOST = refusal(400, "The request target and the Host field name different hosts.");
const BAD_LENGTH = refusal(400, "Content-Length is malformed, or there is more than one.");
const BAD_CODING = refusal(400, "Transfer-Encoding is not exactly one `chunked`.");
const TWO_LENGTHS = refusal(400, "Content-Length and Transfer-Encoding are both there.");
const BAD_EXPECT = refusal(417, "Only `Expect: 100-continue` can be met.");

/** The lines of the head last parsed. Parsing and rewriting happen in one go, so all connections share it. */
const lines = new FieldLines();

/**
 * One connection's current request. Filled by `parse`; `bytes`, `lines` and the offsets hold until the octets are
 * overwritten, the rest until the next call.
 */
export class RequestHead {
  bytes: Buffer = EMPTY;
  method = "";
  target = "";
  minor = 1;
  /** The Host value as the client spelled it, and the one name it stands for. */
  authority = "";
  host = "";
  body = NO_BODY;
  length = 0;
  keepAlive = true;
  websocket = false;
  expectContinue = false;
  /** The X-Forwarded-For that came, joined; empty when none did. */
  forwardedFor = "";
  requestId = "";
  accept = "";
  /** Field names (lower case) that `Connection` nominates for removal. */
  nominated: string[] | null = null;
  /** Offsets of the first field line and of the request line, which can be copied as it is when `copyLine`. */
  fieldsAt = 0;
  lineAt = 0;
  copyLine = true;
  readonly lines = lines;
  refusal: Refusal = BAD_LINE;

  #lengths = 0;
  #codings = 0;
  #hosts = 0;
  #upgrade = "";
  #wantsUpgrade = false;
  #close = false;
  #keep = false;
  #otherExpect = false;

  /**
   * Parses the head that starts at octet 0 of `bytes`, of which `end` octets are there.
   * Returns its size, 0 when more octets are needed, -1 when it is refused (see `refusal`).
   */
  parse(bytes: Buffer, end: number, limits: Limits): number {
    this.#reset(bytes);
    // RFC 9112 2.2: one empty line before the request line is forgiven.
    if (end === 1 && bytes[0] === CR) return 0;
    const from = end > 1 && bytes[0] === CR && bytes[1] === LF ? 2 : 0;
    const fields = this.#requestLine(bytes, from, end, limits);
    if (fields <= 0) return fields;
    const behind = lines.scan(bytes, fields, end, limits);
    if (behind === -1) return this.#refuse(lines.refusal!);
    if (behind === 0) return 0;
    return this.#fields(bytes) ? behind : -1;
  }

  /** Lets go of the octets, so that an idle connection holds none. */
  release(): void {
    this.bytes = EMPTY;
  }

  #requestLine(bytes: Buffer, from: number, end: number, limits: Limits): number {
    let at = from;
    while (at < end && TOKEN[bytes[at]!] !== 0) at++;
    const methodEnd = at;
    if (methodEnd - from > limits.methodBytes) return this.#refuse(BAD_LINE);
    if (at >= end) return 0;
    if (bytes[at] !== SPACE || at === from) return this.#refuse(BAD_LINE);
    const target = ++at;
    while (at < end && TARGET[bytes[at]!] === 1) at++;
    if (at - from > limits.requestLineBytes) return this.#refuse(LINE_TOO_LONG);
    if (at >= end) return 0;
    if (bytes[at] !== SPACE || at === target) return this.#refuse(bytes[at] === SPACE ? BAD_TARGET : BAD_LINE);
    const targetEnd = at;
    // " HTTP/1.x CR LF", compared octet by octet as far as it has come.
    const version = ++at;
    for (let i = 0; i < 10; i++) {
      if (version + i >= end) return 0;
      const octet = bytes[version + i]!;
      if (i === 7 ? octet !== 48 && octet !== 49 : octet !== VERSION[i]) return this.#refuse(i < 8 && i > 4 ? BAD_VERSION : BAD_LINE);
    }
    if (version + 8 - from > limits.requestLineBytes) return this.#refuse(LINE_TOO_LONG);
    this.minor = bytes[version + 7]! - 48;
    this.method = methodEnd - from === 3 && bytes[from] === 71 && bytes[from + 1] === 69 && bytes[from + 2] === 84 ? "GET" : bytes.toString("latin1", from, methodEnd);
    this.target = targetEnd - target === 1 ? String.fromCharCode(bytes[target]!) : bytes.toString("latin1", target, targetEnd);
    this.fieldsAt = version + 10;
    this.lineAt = from;
    this.copyLine = this.minor === 1;
    return this.fieldsAt;
  }

  #fields(bytes: Buffer): boolean {
    for (let i = 0; i < lines.count; i++) if (lines.id[i] !== 0) this.#field(bytes, i, lines.id[i]!);
    return this.#framing() && this.#route() && this.#connection();
  }

  #field(bytes: Buffer, i: number, id: number): void {
    switch (id) {
      case HOST: this.#hosts++; this.authority = lines.value(bytes, i); break;
      case CONTENT_LENGTH:
        this.#lengths++;
        this.length = parseContentLength(bytes, lines.at[i * 5 + 2]!, lines.at[i * 5 + 3]!);
        break;
      case TRANSFER_ENCODING: this.#codings += lines.value(bytes, i).toLowerCase() === "chunked" ? 1 : 2; break;
      case CONNECTION: this.#options(lines.value(bytes, i)); break;
      case UPGRADE: this.#upgrade += lines.value(bytes, i).toLowerCase(); break;
      case EXPECT:
        if (lines.value(bytes, i).toLowerCase() === "100-continue") this.expectContinue = true;
        else this.#otherExpect = true;
        break;
      case ACCEPT: this.accept += lines.value(bytes, i); break;
      case X_FORWARDED_FOR: this.forwardedFor += (this.forwardedFor === "" ? "" : ", ") + lines.value(bytes, i); break;
      case X_REQUEST_ID: this.requestId = lines.value(bytes, i); break;
    }
  }

  #options(value: string): void {
    for (const option of connectionOptions(value)) {
      if (option === "keep-alive") this.#keep = true;
      else if (option === "close") this.#close = true;
      else if (option === "upgrade") this.#wantsUpgrade = true;
      else if (mayNominate(option)) (this.nominated ??= []).push(option);
    }
  }

  /** RFC 9112 6.1-6.3, the strict reading: one length, or exactly `chunked`, never both. */
  #framing(): boolean {
    if (this.#codings > 0) {
      if (this.#lengths > 0) return this.#no(TWO_LENGTHS);
      if (this.#codings !== 1 || this.minor === 0) return this.#no(BAD_CODING);
      this.body = CHUNKED;
    } else if (this.#lengths > 0) {
      if (this.#lengths > 1 || this.length < 0) return this.#no(BAD_LENGTH);
      this.body = LENGTH;
    }
    return true;
  }

  /** RFC 9112 3.2: exactly one Host; an absolute-form target must agree with it; CONNECT and TRACE are not for apps. */
  #route(): boolean {
    if (this.#hosts === 0) return this.#no(NO_HOST);
    if (this.#hosts > 1) return this.#no(TWO_HOSTS);
    const host = canonicalHost(this.authority);
    if (host === null) return this.#no(BAD_HOST);
    this.host = host;
    if (this.method === "CONNECT" || this.method === "TRACE") return this.#no(BAD_METHOD);
    if (this.target.charCodeAt(0) === 47) return true;
    if (this.target === "*" && this.method === "OPTIONS") return true;
    return this.#absoluteForm(host);
  }

  #absoluteForm(host: string): boolean {
    const match = /^https?:\/\/([^/?]+)(.*)$/i.exec(this.target);
    if (match === null) return this.#no(BAD_TARGET);
    if (canonicalHost(match[1]!) !== host) return this.#no(OTHER_HOST);
    this.target = match[2]!.startsWith("/") ? match[2]! : `/${match[2]!}`;
    this.copyLine = false;
    return true;
  }

  #connection(): boolean {
    this.keepAlive = this.minor === 1 ? !this.#close : this.#keep && !this.#close;
    // RFC 9110 10.1.1: an HTTP/1.0 client cannot read a 100; its expectation is ignored.
    if (this.#otherExpect && this.minor === 1) return this.#no(BAD_EXPECT);
    if (this.minor === 0) this.expectContinue = false;
    // RFC 9110 7.8: only WebSocket is switched to (RFC 6455 4.1: GET, HTTP/1.1); any other offer is left unread.
    this.websocket =
      this.#wantsUpgrade && this.#upgrade === "websocket" && this.minor === 1 && this.method === "GET" &&
      (this.body === NO_BODY || (this.body === LENGTH && this.length === 0));
    return true;
  }

  #reset(bytes: Buffer): void {
    this.bytes = bytes;
    this.body = NO_BODY;
    this.length = 0;
    this.forwardedFor = "";
    this.requestId = "";
    this.accept = "";
    this.nominated = null;
    this.expectContinue = false;
    this.refusal = BAD_LINE;
    this.#lengths = 0;
    this.#codings = 0;
    this.#hosts = 0;
    this.#upgrade = "";
    this.#wantsUpgrade = false;
    this.#close = false;
    this.#keep = false;
    this.#otherExpect = false;
  }

  #no(why: Refusal): boolean {
    this.refusal = why;
    return false;
  }

  #refuse(why: Refusal): number {
    this.refusal = why;
    return -1;
  }
}

const VERSION = [..."HTTP/1.x\r\n"].map((c) => c.charCodeAt(0));
