/** A request that git's own protocol has no words for: answered by a status and one sentence that git prints. */

export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, text: string, options: { cause?: unknown } = {}) {
    super(text, options);
    this.name = "Refusal";
    this.status = status;
  }
}
