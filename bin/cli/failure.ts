/** What ends a command: a sentence for the person, and an exit code for the script. */

export const FAILED = 1;
export const WRONG_USAGE = 2;

export class Failure extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode: number = FAILED) {
    super(message);
    this.name = "Failure";
    this.exitCode = exitCode;
  }
}

export const wrongUsage = (message: string): Failure => new Failure(message, WRONG_USAGE);
