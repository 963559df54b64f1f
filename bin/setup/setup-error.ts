/** Something that only the operator can put right: the message says what and, where there is one, the command. */
export class SetupError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "SetupError";
  }
}
