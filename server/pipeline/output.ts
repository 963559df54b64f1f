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

/** ` !     Push rejected, …`: Heroku's mark for what went wrong; every line carries it. */
export function problem(output: Output, text: string): void {
  output.write(`${text.split("\n").map((line) => ` !     ${line}`.trimEnd()).join("\n")}\n`);
}

/** An output that keeps what was written and passes it on. */
export function tee(...outputs: Output[]): Output {
  return { write: (text) => outputs.forEach((output) => output.write(text)) };
}
