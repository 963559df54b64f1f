/** The body of a request on its way to the app: read from its frames, framed anew, kept while it may be sent again. */

import { BodyReader, CHUNKED, CHUNK_END, LAST_CHUNK, chunkStart } from "./framing.ts";

const SMALL = 16_384;

export class RequestBody {
  readonly #reader: BodyReader;
  readonly #chunked: boolean;
  readonly #replayBytes: number;
  readonly #repeatable: boolean;
  /** All that was framed so far; null once it is more than may be kept. */
  #kept: Buffer[] | null = [];
  #keptSize = 0;

  /** @param repeatable the request may be sent a second time after its body was sent. */
  constructor(kind: number, length: number, replayBytes: number, repeatable: boolean) {
    this.#reader = new BodyReader(kind, length);
    this.#chunked = kind === CHUNKED;
    this.#replayBytes = replayBytes;
    this.#repeatable = repeatable;
  }

  /** The client has sent all of it. */
  get complete(): boolean {
    return this.#reader.done;
  }

  /** What is still to come is known, and at most this much. */
  leftAtMost(bytes: number): boolean {
    return this.#reader.done || (this.#reader.left !== -1 && this.#reader.left <= bytes);
  }

  get malformed(): boolean {
    return this.#reader.malformed;
  }

  /** All that came can still be sent (again). */
  get replayable(): boolean {
    return this.#kept !== null;
  }

  get kept(): readonly Buffer[] {
    return this.#kept ?? [];
  }

  /** More is waiting than may be kept: stop reading until it is sent. */
  get full(): boolean {
    return this.#keptSize > this.#replayBytes;
  }

  /** Takes octets from `from` on; returns the offset behind the body and leaves what is to be sent in `framed`. */
  read(bytes: Buffer, from: number): number {
    const reader = this.#reader;
    this.framed = [];
    const behind = reader.read(bytes, from, bytes.length);
    if (reader.malformed) return behind;
    if (this.#chunked) this.#frameChunk();
    else this.framed = reader.parts;
    if (this.#kept !== null)
      for (const part of this.framed) {
        this.#kept.push(part);
        this.#keptSize += part.length;
      }
    return behind;
  }
  framed: Buffer[] = [];

  /** It was sent: what cannot be sent again is let go. */
  sent(): void {
    if (!this.#repeatable || this.#keptSize > this.#replayBytes) this.#kept = null;
  }

  #frameChunk(): void {
    const { parts, size, done } = this.#reader;
    const tail = (size > 0 ? CHUNK_END : "") + (done ? LAST_CHUNK : "");
    if (tail === "") return;
    const pieces = [...(size > 0 ? [Buffer.from(chunkStart(size), "latin1")] : []), ...parts, Buffer.from(tail, "latin1")];
    this.framed = size <= SMALL ? [Buffer.concat(pieces)] : pieces;
  }
}
