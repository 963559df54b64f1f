/** Lines gathered for a moment and written at once; what a slow reader leaves no room for is dropped and counted. */

const FLUSH_MS = 100;
const MAX_WAITING = 1024 * 1024;
/** Written before its time: a longer text takes milliseconds to put together, in which no request is served. */
const PIECE = 32 * 1024;

export class LineBatch {
  readonly #write: (text: string) => void;
  readonly #waitingBehind: () => number;
  readonly #timer: NodeJS.Timeout;
  #waiting = "";
  #dropped = 0;

  /** @param waitingBehind octets that were written and not yet taken. */
  constructor(write: (text: string) => void, waitingBehind: () => number) {
    this.#write = write;
    this.#waitingBehind = waitingBehind;
    this.#timer = setInterval(() => this.#flushIfTaken(), FLUSH_MS).unref();
  }

  /** Never waits. A line `at=warn dropped=n` says later how many are missing before it. */
  add(line: string): void {
    if (this.#waiting.length > MAX_WAITING) this.#dropped++;
    else this.#waiting += `${line}\n`;
    if (this.#waiting.length >= PIECE) this.#flushIfTaken();
  }

  /** Whole lines, each with its line feed. */
  addLines(text: string): void {
    if (this.#waiting.length <= MAX_WAITING) this.#waiting += text;
    else for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) this.#dropped++;
  }

  /** Writes what is left. */
  close(): void {
    clearInterval(this.#timer);
    this.#flush();
  }

  #flushIfTaken(): void {
    if (this.#waitingBehind() <= MAX_WAITING) this.#flush();
  }

  #flush(): void {
    if (this.#dropped > 0) this.#waiting += `at=warn dropped=${this.#dropped}\n`;
    if (this.#waiting === "") return;
    this.#write(this.#waiting);
    this.#waiting = "";
    this.#dropped = 0;
  }
}
