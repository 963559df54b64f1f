import { expect, test } from "vitest";
import { detail, inParagraphs, minutes, problem, size, tee, topic, wholeLines, type Output } from "../../server/pipeline/output.ts";

function written(work: (output: Output) => void): string {
  let all = "";
  work({ write: (text) => void (all += text) });
  return all;
}

test.each<[string, (output: Output) => void, string]>([
  ["a topic", (output) => topic(output, "Node.js app detected"), "-----> Node.js app detected\n"],
  ["a detail", (output) => detail(output, "Done: 10.1M"), "       Done: 10.1M\n"],
  ["a detail of several lines", (output) => detail(output, "a\n\nb "), "       a\n\n       b\n"],
  ["a problem", (output) => problem(output, "Push rejected."), " !     Push rejected.\n"],
  ["a problem of several lines", (output) => problem(output, "No.\n\nTry again."), " !     No.\n !\n !     Try again.\n"],
])("%s looks as on Heroku", (_, work, expected) => {
  expect(written(work)).toBe(expected);
});

test("a tee gives each output everything, in order", () => {
  const second: string[] = [];
  const first = written((output) => {
    const both = tee(output, { write: (text) => void second.push(text) });
    both.write("a");
    both.write("b");
  });
  expect([first, second]).toEqual(["ab", ["a", "b"]]);
});

test("what a program leaves unfinished is ended before the next line begins, and nothing else is touched", () => {
  const said = (...texts: string[]): string => written((output) => {
    const lines = wholeLines(output);
    for (const each of texts) lines.write(each);
    lines.end();
    lines.end();
  });
  expect(said("a\n", "b")).toBe("a\nb\n");
  expect(said("a\n", "b\n", "")).toBe("a\nb\n");
  expect(said()).toBe("");
});

test.each([[0, "0.0K"], [22_900, "22.9K"], [999_949, "999.9K"], [1_000_000, "1.0M"], [10_123_456, "10.1M"]])("%i bytes are %s", (bytes, text) => {
  expect(size(bytes)).toBe(text);
});

test("paragraphs stand one empty line apart, however the one before ended, and none stands above the first", () => {
  const said = (...texts: string[]): string => written((output) => {
    const paragraphs = inParagraphs(output);
    for (const text of texts) {
      paragraphs.blank();
      paragraphs.write(text);
    }
  });
  expect(said("a\n", "b\n")).toBe("a\n\nb\n");
  expect(said("a\n\n", "b")).toBe("a\n\nb");
  expect(said("a", "b")).toBe("a\n\nb");
  expect(said("a\n", "\n", "b")).toBe("a\n\n\nb");
});

test.each([[1, "1 minute"], [15, "15 minutes"]])("%d is said as %s", (count, expected) => {
  expect(minutes(count)).toBe(expected);
});
