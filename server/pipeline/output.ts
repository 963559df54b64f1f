/** What the pusher reads, in Heroku's format. This is the product's voice, not a log. */

/** Takes text as it comes; whole lines make a `remote: …` line in the pusher's terminal. */
export type Output = { write(text: string): void };

/** `-----> Node.js app detected` */
export function topic(output: Output, text: string): void {
  output.write(`-----> ${text}\n`);
}

/** Detail under a topic; every line is indented. */
export function detail(output: Output, text: string): void {
  output.write(`${text.split("\n").map((line) => `       ${line}`.trimEnd()).join("\n")}\n`);
}

/** Output of a program that may end in the middle of a line: `end` finishes it, so that what comes next starts a line of its own. */
export function wholeLines(output: Output): Output & { end(): void } {
  let last = "\n";
  return {
    write(text) {
      if (text === "") return;
      last = text.at(-1) ?? last;
      output.write(text);
    },
    end() {
      if (last !== "\n") output.write("\n");
      last = "\n";
    },
  };
}

/** An output in paragraphs: `blank` leaves one empty line before what comes next, and none at the very top. */
export function inParagraphs(output: Output): Output & { blank(): void } {
  let tail = "\n\n";
  const write = (text: string): void => {
    tail = (tail + text).slice(-2);
    output.write(text);
  };
  return {
    write,
    blank() {
      if (tail.at(-1) !== "\n") write("\n");
      if (tail !== "\n\n") write("\n");
    },
  };
}

/** `10.1M`, `22.9K`: as Heroku tells a slug's size. */
export function size(bytes: number): string {
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)}K` : `${(bytes / 1_000_000).toFixed(1)}M`;
}

export function minutes(count: number): string {
  return count === 1 ? "1 minute" : `${count} minutes`;
}

/** ` !     Push rejected, …`: Heroku's mark for what went wrong; every line carries it. */
export function problem(output: Output, text: string): void {
  output.write(`${text.split("\n").map((line) => ` !     ${line}`.trimEnd()).join("\n")}\n`);
}

/** An output that keeps what was written and passes it on. */
export function tee(...outputs: Output[]): Output {
  return { write: (text) => outputs.forEach((output) => output.write(text)) };
}
