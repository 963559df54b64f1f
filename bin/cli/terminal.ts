/** What commands print, and what they ask. */

import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { styleText } from "node:util";
import { Failure } from "./failure.ts";

type Colour = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Colours on a terminal, where NO_COLOR (https://no-color.org) is not set. */
export function paint(colour: Colour, text: string): string {
  return process.stdout.isTTY && !process.env["NO_COLOR"] ? styleText(colour, text, { validateStream: false }) : text;
}

export function print(text = ""): void {
  process.stdout.write(`${text}\n`);
}

/** Remarks: not part of what a script reads. */
export function remark(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** The data as JSON where `--json` was given, else as `show` says it. */
export function output(options: { json?: boolean | undefined }, data: unknown, show: () => void): void {
  if (options.json) print(JSON.stringify(data, undefined, 2));
  else show();
}

/** Columns as wide as they must be; the last one as it is. */
export function table(rows: string[][]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows) print(row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join("  ").trimEnd());
}

export function ago(at: string): string {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(at)) / 1000));
  const [size, unit] = ([[86_400, "d"], [3600, "h"], [60, "m"], [1, "s"]] as const).find(([size]) => seconds >= size) ?? [1, "s"];
  return `${Math.floor(seconds / size)}${unit} ago`;
}

export type Questions = {
  /** @throws Failure when the input has ended */
  ask(question: string, options?: { secret?: boolean; fallback?: string }): Promise<string>;
  close(): void;
};

/** Asks at the terminal, secrets without an echo; without a terminal the answers are the lines of standard input. */
export function openQuestions(): Questions {
  let silent = false;
  const shown = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (!silent) process.stderr.write(chunk);
      done();
    },
  });
  const lines = createInterface({ input: process.stdin, output: shown, terminal: process.stdin.isTTY });
  lines.on("SIGINT", () => {
    remark("");
    process.exit(130);
  });
  const answers = lines[Symbol.asyncIterator]();
  return {
    async ask(question, { secret = false, fallback } = {}) {
      lines.setPrompt(`${question}${fallback === undefined ? "" : ` [${fallback}]`}: `);
      lines.prompt();
      silent = secret;
      const { value, done } = await answers.next();
      silent = false;
      if (secret || !process.stdin.isTTY) remark("");
      if (done) throw new Failure("The input ended before everything was answered.");
      const answer = value as string;
      return secret ? answer : answer.trim() || (fallback ?? "");
    },
    close: () => lines.close(),
  };
}
