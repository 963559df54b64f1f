/** What the pusher reads, in Heroku's format. */

/** What went wrong, in words for the pusher; each string is a line. */
export class BuildFailure extends Error {
  readonly lines: string[];

  constructor(...lines: string[]) {
    super(lines[0]);
    this.lines = lines;
  }
}

export function step(text: string): void {
  process.stdout.write(`-----> ${text}\n`);
}

export function info(text: string): void {
  process.stdout.write(`       ${text}\n`);
}

export function warn(...lines: string[]): void {
  process.stdout.write(`\n${lines.map((line) => ` !     ${line}\n`).join("")}\n`);
}

/** Runs a buildpack's compile: a BuildFailure becomes words for the pusher and exit code 1. */
export async function tellFailures(compile: () => void | Promise<void>): Promise<void> {
  try {
    await compile();
  } catch (error) {
    if (!(error instanceof BuildFailure)) throw error;
    warn(...error.lines);
    process.exitCode = 1;
  }
}
