/** What node-git-server gets in place of the client's request and response: streams that never fail and never lie. */

import type { ServerResponse } from "node:http";
import { Transform, Writable, type TransformCallback } from "node:stream";

const FLUSH_PACKET = "0000";

/**
 * The request's body. node-git-server runs a quadratic regular expression over the first chunk, waits for ever when it
 * finds nothing there and dies of a stream's 'error': so the first four bytes are a chunk of their own, there are no
 * headers to trust, and an aborted request simply ends.
 */
export class GitRequest extends Transform {
  readonly method = "POST";
  readonly url = "";
  readonly headers = {};
  readonly #maxBytes: number;
  readonly #onTooLong: () => void;
  #head: Buffer | undefined = Buffer.alloc(0);
  #bytes = 0;

  constructor(maxBytes: number, onTooLong: () => void) {
    super();
    this.#maxBytes = maxBytes;
    this.#onTooLong = onTooLong;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxBytes) {
      this.#onTooLong();
      return done();
    }
    if (!this.#head) return done(null, chunk);
    const head = Buffer.concat([this.#head, chunk]);
    if (head.length < FLUSH_PACKET.length) {
      this.#head = head;
      return done();
    }
    this.#head = undefined;
    this.push(head.subarray(0, FLUSH_PACKET.length));
    if (head.length > FLUSH_PACKET.length) this.push(head.subarray(FLUSH_PACKET.length));
    done();
  }

  override _flush(done: TransformCallback): void {
    if (this.#head && this.#head.length > 0) this.push(this.#head);
    done();
  }
}

/**
 * The response's body. It waits for the client as long as there is one and swallows everything afterwards, so that git
 * goes on when the client is gone (Ctrl-C during a build only detaches).
 */
export class GitAnswer extends Writable {
  readonly #response: ServerResponse;
  readonly #mustEndWithFlush: boolean;
  #tail = Buffer.alloc(0);
  #bytes = 0;
  #gone = false;
  #resume: (() => void) | undefined;
  #refusal: { status: number; text: string } | undefined;
  #exit: Promise<number | null> = Promise.resolve(0);

  /** @param mustEndWithFlush whether an answer without a last flush packet is broken (receive-pack: the client would wait for ever). */
  constructor(response: ServerResponse, mustEndWithFlush: boolean) {
    super({ decodeStrings: true });
    this.#response = response;
    this.#mustEndWithFlush = mustEndWithFlush;
    const resume = (): void => {
      // Forgotten first: going on may write again at once, and wait again.
      const goOn = this.#resume;
      this.#resume = undefined;
      goOn?.();
    };
    response.on("error", () => {});
    response.on("drain", resume);
    response.on("close", () => {
      this.#gone = true;
      resume();
    });
  }

  /** The answer is judged when this resolves with git's exit code (null: ended by a signal). */
  follow(exit: Promise<number | null>): void {
    this.#exit = exit;
  }

  /** Shown in place of git's answer where git has not said anything yet. The first one holds. */
  refuse(status: number, text: string): void {
    this.#refusal ??= { status, text };
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#bytes += chunk.length;
    this.#tail = Buffer.concat([this.#tail, chunk.subarray(-FLUSH_PACKET.length)]).subarray(-FLUSH_PACKET.length);
    if (this.#gone || this.#response.write(chunk)) return done();
    this.#resume = done;
  }

  override _final(done: () => void): void {
    void this.#exit.then((code) => {
      if (!this.#gone) this.#finish(code);
      done();
    });
  }

  #finish(code: number | null): void {
    const response = this.#response;
    const isWhole = this.#mustEndWithFlush ? this.#tail.toString("latin1") === FLUSH_PACKET : code !== null;
    if (this.#bytes > 0) return void (isWhole && !this.#refusal ? response.end() : response.destroy());
    if (code === 0 && !this.#refusal) return void response.end();
    const fault = code === null ? { status: 500, text: "git was ended on the server." } : { status: 400, text: "git could not make sense of this request." };
    const { status, text } = this.#refusal ?? fault;
    const body = Buffer.from(`${text}\n`);
    response.writeHead(status, { "content-type": "text/plain; charset=utf-8", "content-length": body.length, connection: "close" }).end(body);
  }
}
