import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { GitAnswer } from "../../server/git/exchange-streams.ts";

/** A client whose buffers are full after every write. */
class FullResponse extends EventEmitter {
  readonly written: string[] = [];
  write(chunk: Buffer): boolean {
    this.written.push(chunk.toString());
    return false;
  }
}

test("what waits behind a full client goes on at every drain, however many writes are waiting", async () => {
  const response = new FullResponse();
  const answer = new GitAnswer(response as unknown as ServerResponse, false);
  for (const text of ["a", "b", "c", "d"]) answer.write(text);
  for (const expected of [["a"], ["a", "b"], ["a", "b", "c"], ["a", "b", "c", "d"]]) {
    expect(response.written).toEqual(expected);
    response.emit("drain");
  }
});

test("a client that has gone lets everything pass that still comes", async () => {
  const response = new FullResponse();
  const answer = new GitAnswer(response as unknown as ServerResponse, false);
  const done = Promise.withResolvers<void>();
  answer.write("a");
  answer.write("b", () => done.resolve());
  response.emit("close");
  await done.promise;
  expect(response.written).toEqual(["a"]);
});
