/** The response on its way to the client: head read and rewritten, body taken out of its frames and framed anew. */

import { interimHeadForClient, responseHeadForClient, switchingHeadForClient } from "./forward.ts";
import { BodyReader, CHUNKED, CHUNK_END, LAST_CHUNK, LENGTH, NO_BODY, UNTIL_CLOSE, chunkStart } from "./framing.ts";
import type { RequestHead } from "./request-head.ts";
import type { RouterState } from "./router-state.ts";
import type { Line } from "./wire.ts";

// What `receive` found.
export const MORE = 0;
export const COMPLETE = 1;
export const SWITCHED = 2;
export const MALFORMED = 3;
/** A size rule is broken (H25). */
export const RESTRICTED = 4;

/** A body, or chunk, up to this size is written in one piece with what stands before it. */
const SMALL = 8_192;
const INTERIM_MAX = 10;
const CONTINUE_MAX = 2;

export class ResponseRelay {
  /** 0 until the head is with the client. */
  status = 0;
  /** The client's connection may carry another request after this response. */
  keepClient = false;
  /** The app's connection may carry another request, once all of this one is sent. */
  keepUpstream = false;
  keepAliveSeconds = 0;
  /** Field lines that the router adds to the response. */
  fields = "";

  readonly #state: RouterState;
  readonly #socket: Line;
  readonly #request: RequestHead;
  /** A head that has come in part. */
  #partial: Buffer | null = null;
  #interims = 0;
  #continues = 0;
  #reader: BodyReader | null = null;
  #untilClose = false;
  #chunkedOut = false;

  constructor(state: RouterState, socket: Line, request: RequestHead) {
    this.#state = state;
    this.#socket = socket;
    this.#request = request;
  }

  /** Not an octet of a response has come. */
  get untouched(): boolean {
    return this.status === 0 && this.#partial === null && this.#interims === 0 && this.#continues === 0;
  }

  /** The client has got a head, so that the router can no longer answer in the app's place. */
  get started(): boolean {
    return this.status !== 0;
  }

  /** The client takes the body to be over when the connection closes: a broken one must end with RST, not FIN. */
  get endsWithClose(): boolean {
    return this.#reader !== null && !this.#chunkedOut && this.#reader.left === -1;
  }

  /** Takes `bytes[0..end]` from the app. `requestEnds`: the client has sent all of its request, or will have soon. */
  receive(bytes: Buffer, end: number, requestEnds: boolean): number {
    if (this.#reader !== null) return this.#body(bytes, 0, end);
    if (this.#partial === null) return this.#heads(bytes, end, requestEnds);
    // A head in pieces is read again from its start, but only when a line has ended.
    const whole = Buffer.concat([this.#partial, bytes.subarray(0, end)]);
    this.#partial = whole;
    if (whole.length <= this.#state.limits.responseHeadBytes && whole.indexOf(10, whole.length - end) === -1) return MORE;
    return this.#heads(whole, whole.length, requestEnds);
  }

  /** The app sends no more. True when that is the body's proper end (RFC 9112 6.3 rule 8). */
  endedByClose(): boolean {
    if (this.#reader === null || !this.#untilClose) return false;
    if (this.#chunkedOut) this.#socket.write(LAST_CHUNK, "latin1");
    return true;
  }

  #heads(bytes: Buffer, end: number, requestEnds: boolean): number {
    const head = this.#state.responseHead;
    let from = 0;
    while (from < end) {
      const behind = head.parse(bytes, from, end, this.#request.method === "HEAD");
      if (behind === -1) return head.bad === "restricted" ? RESTRICTED : MALFORMED;
      if (behind === 0) break;
      if (head.status >= 200) return this.#final(bytes, behind, end, requestEnds);
      if (head.status === 101) return this.#switch(bytes, behind, end);
      if (!this.#interim(bytes)) return MALFORMED;
      from = behind;
    }
    this.#partial = from === end ? null : Buffer.from(bytes.subarray(from, end));
    return MORE;
  }

  /** RFC 9110 15.2: interim responses are passed on, but for the 100 that the router has said itself. */
  #interim(bytes: Buffer): boolean {
    const head = this.#state.responseHead;
    if (head.status === 100) return ++this.#continues <= CONTINUE_MAX;
    if (this.#request.minor === 1) this.#socket.write(interimHeadForClient(bytes, head), "latin1");
    return ++this.#interims <= INTERIM_MAX;
  }

  /** RFC 9110 15.2.2: only what the client asked for is switched to. */
  #switch(bytes: Buffer, from: number, end: number): number {
    const head = this.#state.responseHead;
    if (!this.#request.websocket || !head.websocket) return MALFORMED;
    this.status = 101;
    const text = switchingHeadForClient(bytes, head);
    this.#socket.write(from < end ? text + bytes.toString("latin1", from, end) : text, "latin1");
    return SWITCHED;
  }

  #final(bytes: Buffer, from: number, end: number, requestEnds: boolean): number {
    const request = this.#request;
    const head = this.#state.responseHead;
    const http10 = request.minor === 0;
    const unknownLength = head.body === CHUNKED || head.body === UNTIL_CLOSE;
    this.#partial = null;
    this.status = head.status;
    this.#untilClose = head.body === UNTIL_CLOSE;
    this.#chunkedOut = unknownLength && !http10;
    // The rest of a request that is answered early is not waited for; octets behind a declined Upgrade are no request.
    this.keepClient = request.keepAlive && requestEnds && !request.websocket && !this.#state.closing && !(unknownLength && http10);
    this.keepUpstream = head.keepAlive && !request.websocket;
    this.keepAliveSeconds = head.keepAliveSeconds;
    const text = responseHeadForClient(bytes, head, { chunked: this.#chunkedOut, close: !this.keepClient, http10, fields: this.fields });
    return this.#firstOctets(text, bytes, from, end);
  }

  /** The head and what came with it, in one write; a small whole response needs no body reader. */
  #firstOctets(text: string, bytes: Buffer, from: number, end: number): number {
    const { body, length } = this.#state.responseHead;
    const size = body === NO_BODY ? 0 : body === LENGTH ? length : -1;
    if (size !== -1 && size <= SMALL && size <= end - from) {
      this.#socket.write(size === 0 ? text : text + bytes.toString("latin1", from, from + size), "latin1");
      if (size < end - from) this.keepUpstream = false;
      return COMPLETE;
    }
    this.#reader = new BodyReader(body, length);
    this.#socket.cork();
    this.#socket.write(text, "latin1");
    const found = this.#body(bytes, from, end);
    this.#socket.uncork();
    return found;
  }

  #body(bytes: Buffer, from: number, end: number): number {
    const reader = this.#reader!;
    const behind = reader.read(bytes, from, end);
    if (reader.malformed) return MALFORMED;
    if (this.#chunkedOut) this.#writeChunk(reader);
    else for (const part of reader.parts) this.#socket.write(part);
    // Octets behind the response: whatever they are, they are not the next one.
    if (behind < end) this.keepUpstream = false;
    return reader.done ? COMPLETE : MORE;
  }

  #writeChunk({ parts, size, done }: BodyReader): void {
    const socket = this.#socket;
    const tail = (size === 0 ? "" : CHUNK_END) + (done ? LAST_CHUNK : "");
    if (size === 0) {
      if (done) socket.write(tail, "latin1");
    } else if (size <= SMALL) {
      let text = chunkStart(size);
      for (const part of parts) text += part.toString("latin1");
      socket.write(text + tail, "latin1");
    } else {
      socket.cork();
      socket.write(chunkStart(size), "latin1");
      for (const part of parts) socket.write(part);
      socket.write(tail, "latin1");
      socket.uncork();
    }
  }
}
