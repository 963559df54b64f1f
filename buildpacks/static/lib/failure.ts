/** What is wrong with the site, in words for the pusher; each string is a line. */
export class BuildFailure extends Error {
  readonly lines: string[];

  constructor(...lines: string[]) {
    super(lines[0]);
    this.lines = lines;
  }
}
